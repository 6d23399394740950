"""Stories of a gate that takes two persons: they ask our server over HTTP, and the real engine takes what it writes.

`told` is what happens, one after the other: `post` approves with that person's token, `link` by a signed link and a
name that is typed. `answer` is HTTP's status, `says` stands in its text, `stands` is how the release then stands: the
phase and at the gate how many of how many, and whose; at the end the version. `events` are how the Events on approvals
begin, in their order.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from prometheus_client import CollectorRegistry

from rollouts.api.actions import Verb
from rollouts.api.hooks import HookType
from rollouts.api.resources import CANARIES
from rollouts.api.status import Phase
from rollouts.core.links import LASTS, GateFacts, approval_links
from rollouts.ports import Access
from rollouts.server.api import Backend
from rollouts.server.feed import Feed
from rollouts.server.health import make_server
from rollouts.server.link_pages import LinkPages, make_links
from rollouts.server.listen import bind, serving
from rollouts.server.routes import make_api
from rollouts.testing.on_behalf import People
from tests.engine.test_vouching import Witness
from tests.engine.world import KEY, NAMESPACE, PRIMARY_KEY, World, canary_manifest

FOLDER = Path(__file__).parent / "golden" / "approvals"
STORIES: dict[str, dict[str, Any]] = {
    file.stem: yaml.safe_load(file.read_text()) for file in sorted(FOLDER.glob("*.yaml"))
}
GATE = {"name": "owners", "type": "confirm-promotion", "approvals": 2}
KEYS = (b"k" * 32,)
APPROVE = f"/api/v1/namespaces/{NAMESPACE}/canaries/{KEY.name}/actions/approve"


@dataclass(frozen=True, slots=True)
class Stage:
    """The engine's world, and our server before the same cluster."""

    world: World
    url: str
    session: aiohttp.ClientSession
    vouched: bool

    async def do(self, happening: Mapping[str, Any]) -> tuple[int, str]:
        """Let it happen; the answer, where there is one."""
        match happening:
            case {"post": person}:
                body = {"revision": self.world.status.last_applied_spec, "reason": happening.get("reason", "")}
                headers = {"Authorization": f"Bearer token-of-{person}"}
                return await self._post(self.url + APPROVE, headers=headers, json=body)
            case {"link": name}:
                return await self._post(self._link(), data={"name": name})
            case {"restart": "controller"}:
                self.world.restart()
                self.world.reconciler._exchange._vouching = Witness(answer=self.vouched)
            case {"release": str(image)}:
                self.world.release(image)
                await self.world.run_until(lambda: self.world.status.phase is Phase.PROGRESSING)
                await self.world.run_until_phase(Phase.WAITING_PROMOTION)
            case _:
                raise AssertionError(f"nothing of that kind can happen: {dict(happening)}")
        return 0, ""

    async def stands(self) -> str:
        """How the release stands once all that was asked is done."""
        await self.world.settle()
        if self.world.status.phase is not Phase.WAITING_PROMOTION:
            await self.world.run_until_quiet()
            return f"{self.world.status.phase} at {self.world.image(PRIMARY_KEY)}"
        gate = self.world.status.gate
        assert gate is not None
        users = ", ".join(one.user for one in gate.approvals)
        return f"{self.world.status.phase}, {len(gate.approvals)} of {gate.needed}{': ' if users else ''}{users}"

    def _link(self) -> str:
        status = self.world.status
        uid = self.world.get(CANARIES)["metadata"]["uid"]
        facts = GateFacts(NAMESPACE, KEY.name, uid, HookType.CONFIRM_PROMOTION, status.last_applied_spec)
        urls = dict(approval_links(KEYS[0], self.url, facts, self.world.clock.now().replace(microsecond=0) + LASTS))
        return urls[Verb.APPROVE]

    async def _post(self, url: str, **options: Any) -> tuple[int, str]:
        async with self.session.post(url, **options) as answer:
            return answer.status, await answer.text()


@asynccontextmanager
async def staged(rights: Mapping[str, list[str]], *, vouched: bool) -> AsyncIterator[Stage]:
    """Version 2 waits at the gate."""
    world = World(canary=canary_manifest(stepWeights=[50], webhooks=[GATE]))
    world.reconciler._exchange._vouching = Witness(answer=vouched)
    await world.initialize()
    world.release("app:2")
    await world.run_until_phase(Phase.WAITING_PROMOTION)
    people = People()
    for name, verbs in rights.items():
        people.tokens[f"token-of-{name}"] = name
        people.rights[name] = {Access(verb, NAMESPACE) for verb in verbs}

    def monotonic() -> float:
        return world.clock.elapsed_s

    backend = Backend(lambda: world.cluster, people, Feed(), world.clock.now, monotonic)
    pages = LinkPages(lambda: world.cluster, lambda: KEYS, world.clock.now, monotonic)
    mounted = {"/api/v1": make_api(backend), "/links": make_links(pages)}
    listener = bind("127.0.0.1:0")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        serving(make_server(CollectorRegistry(), lambda: "", mounted), listener),
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
    ):
        yield Stage(world, url, session, vouched)


@pytest.mark.parametrize("name", STORIES)
async def test_a_story_of_two_persons_is_told_as_written(name: str) -> None:
    """What each hears, how the release stands after it, and what stays to be read."""
    story = STORIES[name]
    async with staged(story["rights"], vouched=story.get("vouched", True)) as stage:
        assert await stage.stands() == "WaitingPromotion, 0 of 2"
        for happening in story["told"]:
            code, said = await stage.do(happening)
            assert (code, await stage.stands()) == (happening.get("answer", 0), happening["stands"]), happening
            assert happening.get("says", "") in said
        told = [message for _, message in stage.world.events() if "Approve by" in message]
        asked = stage.world.get(CANARIES)["metadata"]["annotations"]
    assert [said[: len(words)] for said, words in zip(told, story["events"], strict=True)] == story["events"]
    users = {json.loads(text)["user"] for key, text in asked.items() if key.startswith("actions.")}
    assert users == {happening["post"] for happening in story["told"] if happening.get("answer") == 202}
