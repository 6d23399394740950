"""What can go wrong at an await of ours, and the port through which a process meets it.

A `Fate` is decided before each write, measurement and call of a hook: by chance until the calm, or by a test that
wants one fault at one place. Everything else here carries fates out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from random import Random

from rollouts.api.known import Listing
from rollouts.api.resources import EVENTS, RULES_REVIEWS, Manifest, ObjectKey, Resource
from rollouts.core.measurement import HookOutcome, Outcome, Unreachable
from rollouts.errors import Conflict, Forbidden, KubeError, Rejected, Throttled, Unavailable
from rollouts.ports import HookRequest, Write
from rollouts.testing.hooks import ScriptedHooks
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.memory_view import MemoryView
from rollouts.testing.metrics import ScriptedMetrics
from tests.sim.safety import Begun, Safety, Unsafe, name_of

LATE_MAX_S = 2.0
"""How long after its time-out a write may still land."""
TIMEOUT_S = 5.0


class Crash(BaseException):
    """The process dies here. No Exception: nothing in the program may catch it."""


class Fate(StrEnum):
    """What happens to one write, measurement or call."""

    DONE = "done"
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    CONFLICT = "409"
    PATCH_REFUSED = "422 of a patch"
    REJECTED = "422 of a webhook"
    FORBIDDEN = "403"
    THROTTLED = "429"
    BROKEN = "500"
    TIMED_OUT = "timeout without effect"
    ANSWER_LOST = "timeout with effect"
    LATE = "timeout, and lands later"


_WRITE_FATES = tuple(fate for fate in Fate if fate is not Fate.DONE)
_MEASURE_FATES = (Fate.CRASH_BEFORE, Fate.CRASH_AFTER)
_CALL_FATES = (*_MEASURE_FATES, Fate.BROKEN, Fate.TIMED_OUT, Fate.ANSWER_LOST, Fate.LATE)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fate at one await, counted from 1."""

    place: int
    fate: Fate


class Fates:
    """By chance, as often as `chance` says, and where a test wants it."""

    def __init__(self, random: Random, chance: float, latency_max_s: float, fault: Fault | None = None) -> None:
        self.random = random
        self.chance = chance
        self.awaited: list[str] = []
        """What each write, measurement and call was."""
        self.lands = False
        """Whether a write may land that its process has given up."""
        self._latency_max_s = latency_max_s
        self._fault = fault

    def of_write(self, write: Write) -> Fate:
        """What happens to the next write."""
        what = f"{type(write).__name__} {write.resource.plural} {name_of(write)}"
        return self._next(what, _WRITE_FATES, self.chance)

    def of_measurement(self) -> Fate:
        """What happens to the next measurement."""
        return self._next("measurement", _MEASURE_FATES, self.chance / 5)

    def of_call(self) -> Fate:
        """What happens to the next call of a hook."""
        return self._next("call", _CALL_FATES, self.chance)

    def _next(self, what: str, fates: Sequence[Fate], chance: float) -> Fate:
        self.awaited.append(what)
        if self._fault is not None and self._fault.place == len(self.awaited):
            return self._fault.fate
        return self.random.choice(fates) if self.random.random() < chance else Fate.DONE

    def latency_s(self) -> float:
        """How long half a request takes."""
        return self.random.uniform(0.0, self._latency_max_s)


@dataclass(slots=True)
class Life:
    """One life of a process: from a start to a death."""

    process: str
    dead: bool = False
    frozen_until_s: float = 0.0
    """Until then it does nothing, and knows nothing of it."""
    cut_until_s: float = 0.0
    """Until then it does not reach the API server."""

    @property
    def cut(self) -> bool:
        """Whether it does not reach the API server now."""
        return asyncio.get_running_loop().time() < self.cut_until_s

    @property
    def frozen(self) -> bool:
        """Whether it does nothing now."""
        return asyncio.get_running_loop().time() < self.frozen_until_s

    async def thaw(self) -> None:
        """Return once it runs."""
        while self.frozen:  # noqa: ASYNC110 - it may be frozen for longer meanwhile
            await asyncio.sleep(self.frozen_until_s - asyncio.get_running_loop().time())
        self.check()

    def crash(self) -> None:
        """It ends here."""
        self.dead = True
        raise Crash(self.process)

    def check(self) -> None:
        """A dead process does nothing more, though its tasks have not heard of it yet."""
        if self.dead:
            raise Crash(self.process)


@dataclass(slots=True)
class RudeCluster:
    """Implements `ports.Cluster` for one life."""

    life: Life
    server: MemoryServer
    view: MemoryView
    fates: Fates
    safety: Safety
    note: Callable[[str], None]

    def read(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        """As the port says."""
        return self.view.read(resource, key)

    def list_all(self, resource: Resource, namespace: str = "") -> Listing:
        """As the port says."""
        return self.view.list_all(resource, namespace)

    def trouble(self, resource: Resource) -> str:
        """As the port says."""
        return self.view.trouble(resource)

    async def write(self, write: Write) -> Manifest:
        """As the port says, and rudely."""
        self.life.check()
        await self.life.thaw()
        begun = self.safety.begin(self.life.process, self.view, write)
        fate = self.fates.of_write(write)
        await self._reach(write)
        await self._send(write, begun)
        if fate is Fate.CRASH_BEFORE:
            self._tell(write, fate)
            self.life.crash()
        if (refusal := _refusal(fate, self.fates.random)) is not None:
            self._tell(write, fate)
            raise refusal
        if fate in {Fate.TIMED_OUT, Fate.LATE}:
            await self._time_out(write, begun, fate)
        try:
            answer = self._carry_out(write, begun, fate)
        finally:
            if fate is Fate.CRASH_AFTER:
                self.life.crash()
        lost = fate is Fate.ANSWER_LOST or self.life.cut
        await self._pass(TIMEOUT_S if lost else self.fates.latency_s())
        if lost:
            raise Unavailable("no answer within 5 s")
        self.view.absorb(write, answer)
        return answer

    async def list_again(self, resource: Resource) -> None:
        """All objects of a kind, as they are now."""
        await self.life.thaw()
        await self._reach(None)
        await self._pass(self.fates.latency_s())
        self.view.list_again(resource)
        await self._pass(self.fates.latency_s())

    async def _reach(self, write: Write | None) -> None:
        """Raises Unavailable where the process is cut off."""
        if self.life.cut:
            await self._pass(TIMEOUT_S)
            if write is not None:
                self._tell(write, "cut off")
            raise Unavailable("no connection")

    async def _send(self, write: Write, begun: Begun) -> None:
        """On its way. Whoever gives it up meanwhile can't call it back."""
        try:
            await self._pass(self.fates.latency_s())
        except asyncio.CancelledError:
            if self.fates.lands and self.fates.random.random() < 0.5:
                asyncio.get_running_loop().call_later(self.fates.latency_s(), self._land, write, begun)
            raise

    async def _time_out(self, write: Write, begun: Begun, fate: Fate) -> None:
        if fate is Fate.LATE:
            after_s = self.fates.random.uniform(0.0, LATE_MAX_S)
            asyncio.get_running_loop().call_later(after_s, self._land, write, begun)
            await self._pass(self.fates.random.uniform(0.0, LATE_MAX_S))
        else:
            await self._pass(TIMEOUT_S)
        self._tell(write, fate)
        raise Unavailable("no answer in time")

    def _land(self, write: Write, begun: Begun) -> None:
        try:
            self._carry_out(write, begun, Fate.LATE)
        except KubeError:
            return  # nobody is there to hear of it

    def _carry_out(self, write: Write, begun: Begun, fate: Fate) -> Manifest:
        try:
            with self.safety.writing(begun):
                answer = self.server.carry_out(write)
        except KubeError as refused:
            self._tell(write, f"{fate}: {type(refused).__name__}")
            raise
        self._tell(write, fate)
        return answer

    async def _pass(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.life.thaw()

    def _tell(self, write: Write, outcome: str) -> None:
        if write.resource in {EVENTS, RULES_REVIEWS}:
            return
        self.note(f"{self.life.process} {type(write).__name__} {write.resource.plural} {name_of(write)}: {outcome}")


@dataclass(slots=True)
class RudeMetrics:
    """Implements `ports.MetricSource` for one life."""

    life: Life
    source: ScriptedMetrics
    fates: Fates
    safety: Safety

    async def measure(self, query: str, at: datetime) -> Outcome:
        """As the port says, and rudely."""
        self.life.check()
        await self.life.thaw()
        fate, asked_at_s = self.fates.of_measurement(), asyncio.get_running_loop().time()
        await asyncio.sleep(self.fates.latency_s())
        self.life.check()
        if fate is Fate.CRASH_BEFORE:
            self.life.crash()
        outcome = await self.source.measure(query, at)
        workload, probe = self.source.question(query)
        await asyncio.sleep(self.fates.latency_s())
        self.life.check()
        if fate is Fate.CRASH_AFTER:
            self.life.crash()
        self.safety.measured(self.life.process, workload, probe, outcome, asked_at_s)
        return outcome


@dataclass(slots=True)
class RudeHooks:
    """Implements `ports.Hooks` for one life. What is unsafe about an answer is remembered, not raised."""

    life: Life
    source: ScriptedHooks
    fates: Fates
    safety: Safety
    note: Callable[[str], None]

    async def call(self, request: HookRequest) -> HookOutcome:
        """As the port says, and rudely."""
        self.life.check()
        await self.life.thaw()
        fate, asked_at_s = self.fates.of_call(), asyncio.get_running_loop().time()
        await self._pass(self.fates.latency_s())
        if fate is Fate.CRASH_BEFORE:
            self.life.crash()
        outcome = await self._outcome(request, fate)
        self.note(f"{self.life.process} {request.url} {request.payload.get('id', '')} {outcome} ({fate})")
        if fate is Fate.CRASH_AFTER:
            self.life.crash()
        with suppress(Unsafe):  # remembered; raised here, it would end the whole process
            self.safety.answered(self.life.process, request, outcome, asked_at_s)
        return outcome

    async def _outcome(self, request: HookRequest, fate: Fate) -> HookOutcome:
        if fate is Fate.BROKEN:
            return Unreachable("HTTP 503")
        if fate is Fate.TIMED_OUT:
            await self._pass(request.timeout_s)
            return Unreachable("no answer in time")
        outcome = await self.source.call(request)
        self.life.check()
        with suppress(Unsafe):
            self.safety.received(request, outcome)
        slow = fate in {Fate.LATE, Fate.ANSWER_LOST}
        await self._pass(request.timeout_s * 0.8 if slow else self.fates.latency_s())
        return Unreachable("the answer was lost") if fate is Fate.ANSWER_LOST else outcome

    async def _pass(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.life.check()


def _refusal(fate: Fate, random: Random) -> KubeError | None:
    """What the server answers without having done anything."""
    throttled = Throttled("slow down", status=429)
    if fate is Fate.THROTTLED:
        throttled.retry_after_s = random.choice((None, 1.0, 12.0))
    answers: dict[Fate, KubeError] = {
        Fate.CONFLICT: Conflict("the object was modified", status=409),
        Fate.PATCH_REFUSED: Conflict("a test of the patch failed", status=422),
        Fate.REJECTED: Rejected("a webhook will not have it", status=422),
        Fate.FORBIDDEN: Forbidden("not allowed", status=403),
        Fate.THROTTLED: throttled,
        Fate.BROKEN: Unavailable("internal error", status=500),
    }
    return answers.get(fate)
