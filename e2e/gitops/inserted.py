"""What was inserted into the user's VirtualService, under syncs: a rule above the user's, and a copy of requests.

No policy is installed, and it would not keep these: the controller puts them back. Played in scenario 1, in a release
that is held at its first step, and aborted in the end.
"""

from __future__ import annotations

import asyncio
import copy
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from e2e.gitops.sync import EVERY_S, Sync
from e2e.lab.workload.follow import Audience, Follower
from e2e.play.intents import ask
from e2e.play.kubectl import kubectl
from e2e.play.result import Json, Result
from e2e.play.waiting import until
from e2e.play.witnesses import ROUTES
from e2e.scenarios.runs import Play, begin
from e2e.scenarios.stage import Stage

SYNCS = 6
BACK_WITHIN_S = 1.0
_WITHIN_S = 60.0
Has = Callable[[Json], bool]


def _has_rule(route: Json) -> bool:
    return any(rule.get("name") == "rollouts-canary-match" for rule in route["spec"]["http"])


def _has_copy(route: Json) -> bool:
    return any("mirror" in rule or "mirrors" in rule for rule in route["spec"]["http"])


INSERTED: Mapping[str, tuple[Json, Has]] = {
    "inserted-header": ({"match": [{"headers": {"x-canary": {"exact": "true"}}}]}, _has_rule),
    "inserted-mirror": (
        {"mirror": True, "mirrorWeight": 50, "stepDwells": ["1s", "120s"], "interval": "120s"},
        _has_copy,
    ),
}
"""What each mode adds to the Canary's analysis, and by what it is seen in the object."""


@dataclass(frozen=True)
class InsertedStage(Stage):
    """Scenario 1 with another analysis."""

    added: Mapping[str, Any] = field(default_factory=dict)

    @property
    def canary(self) -> Json:
        """The Canary, with what is added."""
        changed = copy.deepcopy(super().canary)
        changed["spec"]["analysis"] |= self.added
        return changed


@dataclass(slots=True)
class _Watch:
    """When the object had it, and when not."""

    has: Has
    name: str
    seen: list[tuple[float, bool]] = field(default_factory=list)
    last: Json = field(default_factory=dict)

    def put(self, route: Mapping[str, Any]) -> None:
        """A state of a VirtualService."""
        if route["metadata"]["name"] == self.name:
            self.last = dict(route)
            self.seen.append((time.time(), self.has(self.last)))

    def gaps_s(self) -> list[float]:
        """For how long it was missing, each time that it came back."""
        gaps, since_s = [], None
        for at_s, there in self.seen:
            if not there and any(known for known_s, known in self.seen if known_s < at_s):
                since_s = since_s or at_s
            elif there and since_s is not None:
                gaps.append(at_s - since_s)
                since_s = None
        return gaps


def stage_of(mode: str, stage: Stage) -> InsertedStage:
    """The scene of one mode."""
    return InsertedStage(stage.name, stage.host, stage.service, stage.stable, stage.interval_s, added=INSERTED[mode][0])


async def play_inserted(told: Play, mode: str, results: list[Result]) -> None:
    """Release, sync six times while it is there, abort, and look at what is left."""
    stage = told.journal.stage
    watch, sync = _Watch(INSERTED[mode][1], stage.route_name), Sync(stage, "client-side")
    async with asyncio.TaskGroup() as tasks:
        follower = Follower(told.scene.api, ROUTES.format("default"), Audience(watch.put, lambda _gone: None))
        following = tasks.create_task(follower.run())
        await begin(told)
        await kubectl("set", "env", f"deployment/{stage.deployments['v2']}", "VERSION=2")
        await until(lambda: _now(watch, there=True), what="it is inserted", within_s=_WITHIN_S)
        for _ in range(SYNCS):
            await sync.once()
            await asyncio.sleep(EVERY_S)
        gaps = watch.gaps_s()
        await ask("abort", 1, stage.canary_name)
        await until(lambda: _now(watch, there=False), what="it is taken out", within_s=_WITHIN_S)
        following.cancel()
    longest = max(gaps, default=0.0)
    results += [
        Result(mode, f"{SYNCS} syncs take it away", len(gaps) >= SYNCS, f"{len(gaps)} times"),
        Result(mode, f"it is back within {BACK_WITHIN_S:g} s each time", longest <= BACK_WITHIN_S, f"{longest:.2f} s"),
        _judge_left(mode, watch.last, stage),
    ]


async def _now(watch: _Watch, *, there: bool) -> bool:
    return bool(watch.seen) and watch.seen[-1][1] is there


def _judge_left(mode: str, route: Json, stage: Stage) -> Result:
    """But for the weights and the mark, which stay with subsets until the Canary goes."""
    user = next(item for item in stage.objects if item["kind"] == "VirtualService")
    rules = [_without_weights(rule) for rule in route["spec"]["http"]]
    ok = rules == [_without_weights(rule) for rule in user["spec"]["http"]]
    return Result(mode, "after abort the rules are the user's, but for the weights", ok, json.dumps(rules)[:200])


def _without_weights(rule: Json) -> Json:
    routes = [{key: value for key, value in route.items() if key != "weight"} for route in rule.get("route", ())]
    return {**rule, "route": routes}
