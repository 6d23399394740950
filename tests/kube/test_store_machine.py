"""Lists, watch events, answers to our own writes, delays, repeats and 410s in any order: the store stays true."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rollouts.api.resources import ObjectKey, Resource
from rollouts.errors import Gone, Unavailable
from rollouts.kube.clock import ServerClock, ServerTime
from rollouts.kube.reflector import Reflector
from rollouts.kube.requests import watch
from rollouts.kube.store import Store
from rollouts.kube.transport import Transport
from tests.kube.rude_server import bookmark, config_map, event, status
from tests.kube.waiting import CONFIG_MAPS

NAMES = st.sampled_from(["a", "b"])
VALUES = st.sampled_from(["red", "green"])
REQUEST = watch(CONFIG_MAPS, resource_version="0", timeout_s=1)


@dataclass(frozen=True)
class Happened:
    version: int
    line: bytes


class Server:
    """The truth, and the log that a watch reads."""

    def __init__(self) -> None:
        self.version = 10
        self.objects: dict[str, dict[str, Any]] = {}
        self.log: list[Happened] = []

    def put(self, name: str, value: str) -> dict[str, Any]:
        self.version += 1
        known = self.objects.get(name)
        uid = known["metadata"]["uid"] if known else f"{name}-{self.version}"
        self.objects[name] = config_map(name, self.version, value=value, uid=uid)
        self._tell("MODIFIED" if known else "ADDED", self.objects[name])
        return self.objects[name]

    def delete(self, name: str) -> None:
        self.version += 1
        last = self.objects.pop(name)
        self._tell("DELETED", config_map(name, self.version, value=last["data"]["value"], uid=last["metadata"]["uid"]))

    def after(self, position: int) -> list[Happened]:
        return [happened for happened in self.log if happened.version > position]

    def _tell(self, kind: str, manifest: dict[str, Any]) -> None:
        self.log.append(Happened(self.version, event(kind, manifest)))


class StoreMachine(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.server = Server()
        self.store = Store(CONFIG_MAPS, on_change=self._mirror_change)
        self.mirror: dict[ObjectKey, Any] = {}
        self.newest: dict[ObjectKey, int] = {}
        self.alive: dict[ObjectKey, str] = {}
        self.dead: set[str] = set()
        self.answers: list[dict[str, Any]] = []
        self.listing: tuple[int, list[dict[str, Any]]] | None = None
        clock = ServerClock(ServerTime(datetime(2026, 1, 1, tzinfo=UTC), 0.0), time.monotonic)
        self.reflector = Reflector(cast("Transport", None), self.store, clock=clock, random=Random(0))

    @property
    def cursor_at(self) -> str:
        return self.reflector._cursor.resource_version

    # ---- the world ----
    @rule(name=NAMES, value=VALUES, ours=st.booleans())
    def put(self, name: str, value: str, *, ours: bool) -> None:
        manifest = self.server.put(name, value)
        if ours:
            self.answers.append(manifest)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        if name in self.server.objects:
            self.server.delete(name)

    # ---- what reaches us, when it likes ----
    @precondition(lambda self: self.answers)
    @rule(data=st.data())
    def receive_answer(self, data: st.DataObject) -> None:
        answer = self.answers.pop(data.draw(st.integers(0, len(self.answers) - 1)))
        self.store.absorb(answer)
        found, version = self.store.read(ObjectKey.of(answer)), int(answer["metadata"]["resourceVersion"])
        assert self.store.horizon >= version or (found and int(found["metadata"]["resourceVersion"]) >= version)

    @precondition(lambda self: not self.cursor_at and self.listing is None)
    @rule()
    def begin_list(self) -> None:
        self.listing = (self.server.version, [self.store.keep(found) for found in self.server.objects.values()])

    @precondition(lambda self: self.listing is not None)
    @rule()
    def end_list(self) -> None:
        assert self.listing is not None
        version, manifests = self.listing
        self.listing = None
        self.store.replace(manifests, str(version))
        self.reflector._cursor.resource_version = str(version)

    @precondition(lambda self: self.cursor_at)
    @rule(count=st.integers(1, 4))
    def receive_events(self, count: int) -> None:
        for happened in self.server.after(int(self.cursor_at))[:count]:
            self._feed(happened.line)

    @precondition(lambda self: self.cursor_at)
    @rule(count=st.integers(1, 4))
    def receive_old_events_again(self, count: int) -> None:
        seen = [happened for happened in self.server.log if happened.version <= int(self.cursor_at)]
        for happened in seen[-count:]:
            self._feed(happened.line)

    @precondition(lambda self: self.cursor_at and not self.server.after(int(self.cursor_at)))
    @rule()
    def receive_bookmark(self) -> None:
        self._feed(bookmark(self.server.version))

    @precondition(lambda self: self.cursor_at)
    @rule()
    def expire(self) -> None:
        with pytest.raises(Gone):
            self._feed(event("ERROR", status(410)))

    @precondition(lambda self: self.cursor_at and self.server.after(int(self.cursor_at)))
    @rule(data=st.data(), progressed=st.booleans())
    def tear_a_line(self, data: st.DataObject, *, progressed: bool) -> None:
        line = self.server.after(int(self.cursor_at))[0].line
        with pytest.raises(Unavailable):
            self._feed(line[: data.draw(st.integers(0, len(line) - 2))], began_at="" if progressed else self.cursor_at)

    @rule()
    def nobody_reads_for_long(self) -> None:
        self.store.rest()
        self.store.rest()

    # ---- what must hold ----
    @invariant()
    def nothing_goes_backwards(self) -> None:
        for key in [ObjectKey("default", name) for name in "ab"]:
            found = self.store.read(key)
            uid = found["metadata"]["uid"] if found else ""
            was = self.alive.pop(key, "")
            if was and was != uid:
                self.dead.add(was)
            assert uid not in self.dead
            if found:
                version = int(found["metadata"]["resourceVersion"])
                assert version >= self.newest.get(key, 0)
                self.newest[key], self.alive[key] = version, uid

    @invariant()
    def who_follows_the_changes_knows_everything(self) -> None:
        truth = {ObjectKey.of(found): _told(found) for found in self.store.list_all()}
        assert {key: told for key, told in self.mirror.items() if told} == truth

    @invariant()
    def what_a_namespace_holds_is_what_all_hold_of_it(self) -> None:
        found = [ObjectKey.of(one) for one in self.store.list_all()]
        for namespace in {key.namespace for key in found} | {"nowhere"}:
            inside = [ObjectKey.of(one) for one in self.store.list_all(namespace)]
            assert sorted(inside, key=str) == sorted((key for key in found if key.namespace == namespace), key=str)

    def teardown(self) -> None:
        """Once all is delivered, the store is the server's truth."""
        while self.answers:
            self.store.absorb(self.answers.pop())
        if self.listing is not None:
            self.end_list()
        elif not self.cursor_at:
            self.begin_list()
            self.end_list()
        for happened in self.server.after(int(self.cursor_at)):
            self._feed(happened.line)
        truth = [self.store.keep(found) for found in self.server.objects.values()]
        assert sorted(self.store.list_all(), key=_name) == sorted(truth, key=_name)

    def _feed(self, line: bytes, *, began_at: str = "") -> None:
        self.reflector._take(REQUEST, self.reflector._cursor.feed(line.rstrip(b"\n")), began_at=began_at)

    def _mirror_change(self, _resource: Resource, key: ObjectKey) -> None:
        found = self.store.read(key)
        self.mirror[key] = _told(found) if found else None


def _told(manifest: dict[str, Any]) -> tuple[str, str]:
    return manifest["metadata"]["uid"], manifest["data"]["value"]


def _name(manifest: dict[str, Any]) -> str:
    return str(manifest["metadata"]["name"])


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
