"""Stories that a user can read: YAML in, a timeline of what the controller decided out.

`given` is the spec in short (revision a is promoted at second 0, unless `start: nothing is made yet`), `when` what
others do and at which second, `then` every decision that moved something or was announced, `ends` how it all stands
at the end. A key that is not known fails: a typo is no expectation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus
from rollouts.core.decision import Decision
from rollouts.core.observed import Observed, Problem
from rollouts.core.phases import Event
from tests.core.given import EPOCH, spec_of
from tests.core.pods import NEVER, Pods
from tests.core.world import Happening, World

GOLDEN = Path(__file__).parent / "golden"
_SIGNALS = {
    "successRate": "success_rate", "durationMs": "duration_ms", "canaryRps": "canary_rps", "stableRps": "stable_rps",
    "metricsDown": "metrics_down", "rightsMissing": "rights_missing",
}  # fmt: skip


@dataclass(slots=True)
class Story:
    """One file, told."""

    world: World
    happenings: list[tuple[float, Happening]]
    until: float
    told: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, text: Mapping[str, Any]) -> Story:
        """The story that a file describes."""
        given = dict(text["given"])
        world = World(
            spec_of(given.pop("progressDeadlineSeconds", 60), **given.pop("analysis", {})),
            Pods(given.pop("target", "a")),
            ready_after=_seconds(given.pop("readyAfter", {})),
            copy_ready_after=_seconds(given.pop("primaryReadyAfter", {})),
            route_lag=given.pop("routeLag", 0.0),
        )
        if given.pop("start", "a is promoted") == "a is promoted":
            world.now = -60.0
            world.run(0.0)
        for key, value in given.items():
            _do(world, key, value)
        happenings: list[tuple[float, Happening]] = [
            (entry["at"], partial(_do, key=key, value=value))
            for entry in text["when"]
            for key, value in entry.items()
            if key != "at"
        ]
        return cls(world, happenings, text["until"])

    def tell(self) -> None:
        """Run it."""
        self.world.watchers.append(self._note)
        self.world.run(self.until, self.happenings)

    def ending(self) -> dict[str, Any]:
        """How the world stands, in the words of `ends`."""
        world, status = self.world, self.world.status
        return {
            "phase": str(status.phase),
            "route": world.route,
            "canaryPods": world.target.replicas if world.target is not None else None,
            "primaryRuns": world.primary.source_revision if world.primary is not None else None,
            "promoted": status.last_promoted_spec,
            "conditions": {c.type: f"{c.status}, {c.reason}" for c in status.conditions},
        }

    def _note(self, _before: CanaryStatus, seen: Observed, decision: Decision) -> None:
        if decision.event in {Event.WAITED, Event.BLOCKED} and decision.announcement is None:
            return
        status, news = decision.status, decision.announcement
        row: dict[str, Any] = {
            "at": (seen.now - EPOCH).total_seconds(), "event": str(decision.event), "phase": str(status.phase),
            "step": status.step_index, "weight": status.desired_weight, "failed": status.failed_checks,
        }  # fmt: skip
        if news is not None:
            row["says"] = f"{'Warning' if news.warning else 'Normal'} {news.reason}: {news.message}"
        self.told.append(row)


def read(name: str) -> dict[str, Any]:
    """One file of the folder."""
    text: dict[str, Any] = yaml.safe_load((GOLDEN / f"{name}.yaml").read_text())
    return text


def _do(world: World, key: str, value: Any) -> None:
    match key:
        case "apply":
            world.apply(value)
        case "delete":
            assert value == "target"
            world.target = None
        case "canaryPods" | "primaryPods":
            pods = world.target if key == "canaryPods" else world.primary
            assert pods is not None
            pods.lost = {"lost": True, "back": False}[value]
        case "controller":
            world.restart(up={"up": True, "down": False}[value])
        case "routes":
            world.route = value
        case "ask":
            world.annotations |= value
        case "spec":
            world.spec = CanarySpec.model_validate(world.spec.model_dump(by_alias=True) | value)
            world.generation += 1
        case "blocked":
            world.problem = Problem(**value) if value else None
        case _:
            setattr(world.signals, _SIGNALS[key], value)


def _seconds(table: Mapping[str, float | str]) -> dict[str, float]:
    return {revision: NEVER if after == "never" else float(after) for revision, after in table.items()}
