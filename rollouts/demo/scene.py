"""Where a story is played: the cluster as it is, what clients got, and somebody who acts on the API.

It looks, waits until something is so, and gathers facts. What is to happen, and whether it did, is others' matter.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from rollouts.api.resources import CANARIES, VIRTUAL_SERVICES, ObjectKey
from rollouts.api.status import CanaryStatus, Verdict
from rollouts.demo.behaviour import behaviour_of
from rollouts.demo.chronicle import About, Chronicle
from rollouts.demo.cluster import Cluster
from rollouts.demo.facts import NOBODY, Clients
from rollouts.demo.routes import percent_of
from rollouts.demo.user import User
from rollouts.testing.memory_server import Change
from rollouts.traffic.metadata import canary_service

LOOK_EVERY_S = 0.05
APP = ObjectKey("default", "shop")
PRIMARY = ObjectKey("default", "shop-primary")


class NotAsTold(Exception):
    """A story does not go on: what was to happen has not, in its time."""


@dataclass(slots=True)
class Scene:
    """One application, its users and its operator. `deadline_s` is how long a story may take."""

    cluster: Cluster
    user: User
    chronicle: Chronicle
    deadline_s: float
    weights: list[int] = field(default_factory=list)
    """Percents that the routes have given the canary since the story began, but for none."""
    _ends_at_s: float = 0.0

    def begin(self) -> None:
        """A story begins: its time runs."""
        self.weights.clear()
        self._ends_at_s = self.cluster.clock.elapsed_s + self.deadline_s

    def heard(self, change: Change) -> None:
        """Something in the cluster has changed: a watcher of the server."""
        if change.place == (VIRTUAL_SERVICES, APP):
            percent = round(percent_of(change.after, canary_service(APP.name)))
            if percent and [percent] != self.weights[-1:]:
                self.weights.append(percent)

    @property
    def status(self) -> CanaryStatus:
        """What the controller has written last."""
        found = self.cluster.server.stored(CANARIES, APP)
        return CanaryStatus.model_validate((found or {}).get("status") or {})

    @property
    def canary_percent(self) -> float:
        """What the routes give the canary now."""
        return percent_of(self.cluster.server.stored(VIRTUAL_SERVICES, APP), canary_service(APP.name))

    def versions(self, workload: ObjectKey) -> list[str]:
        """What its ready pods run."""
        return [behaviour_of(template).version for template in self.cluster.pods.ready_templates(workload)]

    def broken(self) -> str:
        """The number that the last judgement found broken, in the controller's words."""
        return next((one.message for one in self.status.metrics if one.verdict is Verdict.FAIL), "")

    def clients(self, since: datetime) -> Clients:
        """What users of the application got since then."""
        found = self.cluster.traffic.ledger.between(since, self.cluster.clock.now())
        seen = [answer for answer in found if answer.route == APP and not answer.copied]
        return Clients(
            Counter(answer.version or NOBODY for answer in seen),
            Counter(answer.version or NOBODY for answer in seen if answer.status >= 400),
        )

    async def until(self, what: str, condition: Callable[[], bool]) -> None:
        """Return once it is so. Raises NotAsTold when the story's time is over."""
        while not condition():
            if self.cluster.clock.elapsed_s >= self._ends_at_s:
                raise NotAsTold(f"{what}: not within {self.deadline_s:g} s")
            await asyncio.sleep(LOOK_EVERY_S)

    async def pause(self, seconds: float) -> None:
        """Let people read, and users send."""
        await self.cluster.clock.sleep(seconds)

    def say(self, text: str) -> None:
        """Tell people what is done, and why."""
        self.chronicle.say(About.STORY, text)
