"""One course of things in real time, and the figures that it gives as they come.

Idle; all released at once; then each tenth a bad version; then each tenth a good one, while the program starts
anew and weights are spoilt; then more Canaries, for the memory that each needs.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from datetime import datetime
from statistics import median

from rollouts.api.resources import CANARIES, DEPLOYMENTS, EVENTS, VIRTUAL_SERVICES, ObjectKey
from rollouts.api.status import Phase
from rollouts.demo.user import User
from rollouts.kube.cluster import REST_EVERY_S
from rollouts.testing.memory_server import Change
from tests.bench.scale.audit import STATUS, Entry
from tests.bench.scale.figures import Figure
from tests.bench.scale.fleet import INTERVAL_S
from tests.bench.scale.flows import app_of
from tests.bench.scale.ground import Ground
from tests.bench.scale.real import Program, started

IDLE_S, LATE_S, CALM_S = 40.0, 600.0, 8.0
REST_S = 45.0
"""The drain after the first start, which nobody's requests shorten, is over then."""
PACKED_S = 2 * REST_EVERY_S + 5
"""What nobody reads is packed by then."""
KIB, MIB = 1024, 1024 * 1024


class Measuring:
    """Of the first `size` Canaries of the ground; the others are added at the end."""

    def __init__(self, ground: Ground, prometheus: str, size: int) -> None:
        self._ground, self._prometheus, self._size = ground, prometheus, size
        self._keys, self._tenth = ground.fleet.keys[:size], ground.fleet.keys[:size][::10]
        self._weights: dict[ObjectKey, list[tuple[float, int]]] = {}
        """When each route's canary got which weight."""
        self._scaled_down: dict[ObjectKey, float] = {}
        self._status_max = 0
        self._lives = 0
        ground.server.watchers.append(self._heard)

    async def figures(self) -> AsyncIterator[Figure]:
        """All of them."""
        async with self._ground.user() as user, AsyncExitStack() as stack:
            program = await self._start(stack)
            await self._ground.fleet.apply(user, self._keys)
            await self._until(Phase.INITIALIZED, self._keys)
            await asyncio.sleep(REST_S + PACKED_S)
            async for figure in self._idle(program):
                yield figure
            async for figure in self._released(program, user):
                yield figure
            async for figure in self._bad(user):
                yield figure
            yield Figure("peak memory", program.peak_bytes / MIB, 150, "MiB")
            async for figure in self._restarted(program, user, stack):
                yield figure
        async with self._ground.user() as user, AsyncExitStack() as stack:
            yield await self._further(await self._start(stack), user)
        yield Figure("the largest status that was stored", self._status_max / KIB, 16, "KiB")

    async def _idle(self, program: Program) -> AsyncIterator[Figure]:
        yield Figure("from its start until it was ready", program.ready_s, None, "s", "no Canary yet")
        since, queries, cpu_s, began_s = self._marks(), self._asked, program.cpu_s, time.monotonic()
        await asyncio.sleep(IDLE_S)
        cpu_percent = 100 * (program.cpu_s - cpu_s) / (time.monotonic() - began_s)
        for_watches = sum(one.is_watch or one.is_lease for one in self._ground.audit.entries[since:])
        note = f"and {for_watches} for watches and the Lease"
        yield Figure(f"API requests, idle, {IDLE_S:g} s", len(self._since(since)), 0, note=note)
        yield Figure(f"queries, idle, {IDLE_S:g} s", self._asked - queries, 0)
        yield Figure("CPU, idle", cpu_percent, 0.5, "% of a core")

    async def _released(self, program: Program, user: User) -> AsyncIterator[Figure]:
        since, queries, cpu_s, began_s = self._marks(), self._asked, program.cpu_s, time.monotonic()
        await self._ground.fleet.release(user, 2, self._keys)
        applied_s = time.monotonic()
        await self._until(Phase.SUCCEEDED, self._keys)
        took_s = time.monotonic() - applied_s
        await asyncio.sleep(CALM_S)
        entries = self._since(since)
        yield Figure("from apply to all Succeeded", took_s, 65, "s", f"applied within {applied_s - began_s:.0f} s")
        for figure in self._requests(entries):
            yield figure
        yield Figure("CPU seconds for one rollout", (program.cpu_s - cpu_s) / self._size, 0.08, "s")
        yield Figure(f"queries for {self._size} rollouts at once", self._asked - queries, 50)
        yield Figure("scaled down after the last weight within", self._drained(), 30, "s")

    def _requests(self, entries: list[Entry]) -> Iterator[Figure]:
        """Of the rollout in the middle: where all begin at once, a few write to what has just changed, and again."""
        refused = sum(one.code >= 400 for one in entries)
        note = f"the median; on average {len(entries) / self._size:.2f}: {refused} of {len(entries):,} were refused"
        event = f"create {EVENTS}"
        yield Figure("API requests for one rollout", self._median(entries), 32, note=note)
        objects = [one for one in entries if one.what not in {STATUS, event}]
        yield Figure("of these writes of objects", self._median(objects), 9)
        yield Figure("of these writes of status", self._median(one for one in entries if one.what == STATUS), 15)
        yield Figure("of these Events", self._median(one for one in entries if one.what == event), 8)

    def _median(self, entries: Iterable[Entry]) -> float:
        """How many of these were for the Canary that has more than one half of all, and fewer than the other."""
        counted = Counter(app_of(one.about) for one in entries)
        return median(counted[key] for key in self._keys)

    async def _bad(self, user: User) -> AsyncIterator[Figure]:
        self._weights.clear()
        await self._ground.fleet.release(user, 3, self._tenth, bad=True)
        await self._until(Phase.FAILED, self._tenth)
        await self._until_weight(0, self._tenth)
        late_s = []
        for key in self._tenth:
            judged = self._ground.fleet.canary(key)["status"]["metrics"][0]["measuredAt"]
            back_s = next(at for at, weight in reversed(self._weights[key]) if weight == 0)
            late_s.append(back_s - datetime.fromisoformat(judged).timestamp())
        note = "an interval later would be the next evaluation"
        yield Figure("rollback: from the instant evaluated to weight 0", max(late_s), INTERVAL_S, "s", note)
        await asyncio.sleep(CALM_S)

    async def _restarted(self, program: Program, user: User, stack: AsyncExitStack) -> AsyncIterator[Figure]:
        """Ended in the middle of a step, which goes on to its end under the next process, and no longer."""
        self._weights.clear()
        await self._ground.fleet.release(user, 4, self._tenth)
        await self._until_weight(20, self._tenth)
        await program.end()
        again = await self._start(stack)
        yield Figure("ended and started again: ready within", again.ready_s, None, "s", f"{self._size} Canaries")
        await self._until_weight(30, self._tenth)
        off_s = [abs(_at(changes, 30) - _at(changes, 20) - INTERVAL_S) for changes in self._weights.values()]
        yield Figure("a step through a restart is longer or shorter by", max(off_s), 2, "s")
        spoilt_s = [await self._spoilt(key) for key in self._tenth]
        yield Figure("a weight that somebody changed is put back within", max(spoilt_s), 1, "s")
        await self._until(Phase.SUCCEEDED, self._tenth)

    async def _further(self, program: Program, user: User) -> Figure:
        """By how much as many more raise it as were added just before.

        The program that is asked is a fresh one: it has room for nothing that a release needed. The first that are
        added are not counted: what a process takes when it does something for the first time is no Canary's.
        """
        keys = self._ground.fleet.keys[self._size :]
        first, more = keys[: len(keys) // 2], keys[len(keys) // 2 :]
        before = await self._memory_with(first, program, user)
        grown = (await self._memory_with(more, program, user) - before) / KIB / max(1, len(more))
        note = f"{len(more)} more, after {self._size + len(first)}; all at rest"
        return Figure("memory for each further Canary", grown, 20, "KiB", note)

    async def _memory_with(self, keys: tuple[ObjectKey, ...], program: Program, user: User) -> int:
        """Bytes once these have been added and are at rest, as all others are."""
        await self._ground.fleet.apply(user, keys)
        await self._until(Phase.INITIALIZED, keys)
        await asyncio.sleep(REST_S + PACKED_S)
        return program.memory_bytes

    async def _start(self, stack: AsyncExitStack) -> Program:
        self._lives += 1
        ground = self._ground
        log = ground.folder / f"log{self._lives}"
        return await stack.enter_async_context(started(log, ground.kubeconfig, self._prometheus))

    async def _spoilt(self, key: ObjectKey) -> float:
        """How long until a weight that somebody has set is what it was."""
        before = self._ground.server.stored(VIRTUAL_SERVICES, key)
        assert before is not None
        http = json.loads(json.dumps(before["spec"]["http"]))
        for one, weight in zip(http[0]["route"], (100, 0), strict=True):
            one["weight"] = weight
        began_s = time.monotonic()
        self._ground.server.edit(VIRTUAL_SERVICES, key, {"spec": {"http": http}})

        def is_back() -> bool:
            now = self._ground.server.stored(VIRTUAL_SERVICES, key)
            return now is not None and now["spec"] == before["spec"]

        await self._wait(is_back)
        return time.monotonic() - began_s

    def _drained(self) -> float:
        """The longest time from the last weight of a canary to its being scaled down."""
        return max(self._scaled_down[key] - self._weights[key][-1][0] for key in self._keys)

    @property
    def _asked(self) -> int:
        return len(self._ground.prometheus.asked)

    def _marks(self) -> int:
        return len(self._ground.audit.entries)

    def _since(self, mark: int) -> list[Entry]:
        return [one for one in self._ground.audit.entries[mark:] if not (one.is_watch or one.is_lease)]

    async def _until(self, phase: Phase, keys: tuple[ObjectKey, ...]) -> None:
        await self._wait(lambda: self._ground.fleet.phases(keys)[phase] == len(keys))

    async def _until_weight(self, weight: int, keys: tuple[ObjectKey, ...] = ()) -> None:
        """Until each of these, or of all, has had it."""
        wanted = keys or self._keys
        await self._wait(lambda: all(any(one == weight for _, one in self._weights.get(key, ())) for key in wanted))

    async def _wait(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(LATE_S):
            while not condition():  # noqa: ASYNC110 - another process's doing
                await asyncio.sleep(0.05)

    def _heard(self, change: Change) -> None:
        (resource, key), after = change.place, change.after
        now_s = self._ground.clock.now().timestamp()
        if resource == VIRTUAL_SERVICES and after is not None and len(after["spec"]["http"][0]["route"]) > 1:
            self._weights.setdefault(key, []).append((now_s, after["spec"]["http"][0]["route"][1]["weight"]))
        elif resource == DEPLOYMENTS and after is not None and after["spec"].get("replicas") == 0:
            if change.before is None or change.before["spec"].get("replicas") != 0:
                self._scaled_down[key] = now_s
        elif resource == CANARIES and after is not None and "status" in after:
            size = len(json.dumps(after["status"], separators=(",", ":")).encode())
            self._status_max = max(self._status_max, size)


def _at(changes: list[tuple[float, int]], weight: int) -> float:
    return next(at for at, one in changes if one == weight)
