"""A day of many Canaries in virtual time, in stages, and what each stage cost the API server and the metric source.

Everything happens to all at once, which is the dearest way. What a Canary's release costs is told apart: under way
until it has passed its last step, promotion from then on. Times are virtual: the same comes out on any machine.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from rollouts.api.resources import CANARIES, ObjectKey
from rollouts.api.status import Phase
from rollouts.demo.user import User
from rollouts.testing.memory_server import Change
from rollouts.testing.virtual_time import VirtualClock, run_virtually
from tests.bench.scale.audit import STATUS, Entry
from tests.bench.scale.flows import app_of
from tests.bench.scale.ground import Ground, grounded
from tests.bench.scale.virtual import controlled

IDLE_S, REST_S, LATE_S = 600.0, 60.0, 400.0
HELD_S = 120.0


class Stage(StrEnum):
    """In the order in which they come."""

    START = "start"
    """From the program's start with all Canaries new until all are initialized and at rest."""
    IDLE = "idle"
    RESTART = "restart"
    """The program ends, and another one starts: all are at rest."""
    UNDER_WAY = "under way"
    """All are released at once, until each has passed its last step."""
    PROMOTION = "promotion"
    BAD = "bad"
    """Each tenth releases a bad version, until that is rolled back and at rest; the others have nothing to do."""
    IDLE_AFTER = "idle, some failed"
    HELD = "held"
    """Each tenth releases a version while nobody sends requests: nothing can be decided."""


@dataclass(slots=True)
class Cost:
    """Of one stage."""

    seconds: float = 0.0
    """How long the stage was, in virtual time."""
    requests: Counter[str] = field(default_factory=Counter)
    """By verb and resource, but for watches and the Lease's."""
    watches: int = 0
    """That were opened."""
    of_leases: int = 0
    refused: int = 0
    """Answered by 400 or more."""
    queries: int = 0
    """To the metric source."""
    written: int = 0
    """Bytes of what was sent to the API server."""
    answered: int = 0
    """Bytes of its answers, without watches."""
    status_written: int = 0
    """Bytes of statuses that were sent."""
    status_max: int = 0
    """Bytes of the largest status that was stored."""

    @property
    def counts(self) -> Mapping[str, int]:
        """All of it by name."""
        return {
            **dict(sorted(self.requests.items())),
            "all requests": self.requests.total(), "refused": self.refused, "watches opened": self.watches,
            "requests for the Lease": self.of_leases, "queries": self.queries, "status writes": self.requests[STATUS],
            "bytes written": self.written, "bytes answered": self.answered,
            "bytes of status written": self.status_written, "bytes of the largest status": self.status_max,
        }  # fmt: skip

    def note(self, entry: Entry) -> None:
        """One more request."""
        if entry.is_watch:
            self.watches += 1
            return
        if entry.is_lease:
            self.of_leases += 1
            return
        self.requests[entry.what] += 1
        self.refused += entry.code >= 400
        self.written += entry.sent
        self.answered += entry.got
        self.status_written += entry.sent if entry.what == STATUS else 0


class Story:
    """What it cost, stage by stage, in `costs`."""

    def __init__(self, ground: Ground, idle_s: float = IDLE_S) -> None:
        self.costs: dict[Stage, Cost] = {Stage.START: Cost()}
        self.took_s: dict[Stage, float] = {}
        """Virtual seconds from the first request for it to the phase in which it ended, of all."""
        self._ground, self._idle_s = ground, idle_s
        self._stage, self._began_s = Stage.START, 0.0
        self._passed: set[ObjectKey] = set()
        """Canaries that are being promoted."""
        ground.audit.on_entry = lambda entry: self._cost(app_of(entry.about)).note(entry)
        ground.prometheus.on_query = self._queried
        ground.server.watchers.append(self._heard)

    async def tell(self) -> None:
        """All of it."""
        ground, fleet = self._ground, self._ground.fleet
        async with ground.user() as user:
            await fleet.apply(user)
            async with controlled(ground):
                await self._end(Phase.INITIALIZED, fleet.keys)
                self._begin(Stage.IDLE)
                await asyncio.sleep(self._idle_s)
                self._begin(Stage.RESTART)
            async with controlled(ground):
                await asyncio.sleep(REST_S)
                await self._releases(user)
                self._begin(Stage.HELD)

    async def _releases(self, user: User) -> None:
        fleet = self._ground.fleet
        self._begin(Stage.UNDER_WAY)
        await fleet.release(user, 2)
        await self._end(Phase.SUCCEEDED, fleet.keys)
        self._begin(Stage.BAD)
        await fleet.release(user, 3, fleet.tenth, bad=True)
        await self._end(Phase.FAILED, fleet.tenth)
        self._begin(Stage.IDLE_AFTER)
        await asyncio.sleep(self._idle_s)
        self._begin(Stage.HELD)
        self._ground.flows.rps = 0.0
        await fleet.release(user, 4, fleet.tenth)
        await asyncio.sleep(HELD_S)

    def _begin(self, stage: Stage) -> None:
        """Whatever is asked from now on is this stage's."""
        now_s = self._ground.clock.elapsed_s
        self.costs[self._stage].seconds += now_s - self._began_s
        self._stage, self._began_s = stage, now_s
        self._passed.clear()
        self.costs.setdefault(stage, Cost())

    async def _end(self, phase: Phase, keys: tuple[ObjectKey, ...]) -> None:
        """Go on until these are in that phase, and a while beyond."""
        await self._until(lambda: self._ground.fleet.phases(keys)[phase] == len(keys))
        self.took_s[self._stage] = self._ground.clock.elapsed_s - self._began_s
        await asyncio.sleep(REST_S)

    async def _until(self, condition: Callable[[], bool]) -> None:
        ends_s = self._ground.clock.elapsed_s + LATE_S
        while not condition():
            if self._ground.clock.elapsed_s > ends_s:
                raise TimeoutError(f"{self._stage}: not within {LATE_S:g} s: {dict(self._ground.fleet.phases())}")
            await asyncio.sleep(1.0)

    def _cost(self, key: ObjectKey | None = None) -> Cost:
        promoted = bool(self._passed) if key is None else key in self._passed
        stage = Stage.PROMOTION if self._stage is Stage.UNDER_WAY and promoted else self._stage
        return self.costs.setdefault(stage, Cost())

    def _queried(self) -> None:
        self._cost().queries += 1

    def _heard(self, change: Change) -> None:
        resource, key = change.place
        if resource != CANARIES or change.after is None or "status" not in change.after:
            return
        status = change.after["status"]
        cost = self._cost(key)
        cost.status_max = max(cost.status_max, len(json.dumps(status, separators=(",", ":"))))
        if status.get("phase") == Phase.PROMOTING:
            self._passed.add(key)


def told(size: int, folder: Path, idle_s: float = IDLE_S) -> Story:
    """The story of so many Canaries, told; each time that all are idle lasts so long."""
    clock = VirtualClock()

    async def whole() -> Story:
        ground = Ground(clock, folder, size)
        async with grounded(ground, folder / "api"):
            story = Story(ground, idle_s)
            await story.tell()
            return story

    return run_virtually(clock, whole())
