"""Stories that a user can read: YAML in, a timeline of what the controller decided out.

`given` is the spec in short (revision a is promoted at second 0, unless `start: nothing is made yet`; with `subsets:
[a, z]` v1 serves a, and v2 has z and is at zero; `targetReplicas`: the pods of the target, else 2), `when` what
others do and at which second, `then` every decision that moved something or was announced, `ends` how it all stands
at the end. `calls`, where it is written, lists every webhook that was called, and its answer. `variants` are several
stories in one file: each lays its own keys over the common ones. A key that is not known fails: a typo is no
expectation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import yaml

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus
from rollouts.core.decision import Decision
from rollouts.core.measurement import Accepted, Call, Refused
from rollouts.core.observed import Hold, Observed, Problem
from rollouts.core.phases import Event
from rollouts.core.routing import Routing
from rollouts.engine.policy import POLICY, hold_of_flaws, hold_of_freeze, read_policy
from tests.core.given import EPOCH, at, spec_of
from tests.core.lines import Sessions, ending, line, row
from tests.core.pods import NEVER, Pods
from tests.core.swap_examples import swap_spec
from tests.core.world import Happening, World

GOLDEN = Path(__file__).parent / "golden"
_SIGNALS = {
    "successRate": "success_rate", "durationMs": "duration_ms", "canaryRps": "canary_rps", "stableRps": "stable_rps",
    "metricsDown": "metrics_down", "rightsMissing": "rights_missing", "testRequests": "tested",
    "unreached": "unreached", "fault": "fault", "canaryFault": "canary_fault",
    "arrives": "arrives", "stableSuccessRate": "stable_success_rate", "stableDurationMs": "stable_duration_ms",
}  # fmt: skip


@dataclass(slots=True)
class Story:
    """One story, told."""

    world: World
    happenings: list[tuple[float, Happening]]
    until: float
    told: list[dict[str, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    """The same decisions in short."""
    calls: list[str] = field(default_factory=list)
    _sessions: Sessions = field(default_factory=Sessions)

    @classmethod
    def of(cls, text: Mapping[str, Any]) -> Story:
        """The story that a file describes."""
        given = dict(text["given"])
        deadline_s, analysis, subsets = (
            given.pop(key, default)
            for key, default in (("progressDeadlineSeconds", 60), ("analysis", {}), ("subsets", []))
        )
        delay = given.pop("scaleDownDelay", "30s")
        spec = swap_spec(deadline_s, delay, **analysis) if subsets else spec_of(deadline_s, **analysis)
        size = given.pop("canaryReplicas", "auto")
        world = World(
            CanarySpec.model_validate(spec.model_dump(by_alias=True) | {"canaryReplicas": size}),
            Pods(subsets[1] if subsets else given.pop("target", "a"), given.pop("targetReplicas", 2)),
            ready_after=_seconds(given.pop("readyAfter", {})),
            copy_ready_after=_seconds(given.pop("primaryReadyAfter", {})),
            route_lag=given.pop("routeLag", 0.0),
        )
        if subsets:
            world.primary, world.route, world.apex_on_primary = Pods(subsets[0]), Routing(10, stable="v1"), True
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

    def told_as(self, then: Sequence[Any]) -> list[Any]:
        """What was decided, each decision in the form that is written: as a mapping, a line, or a line and its news."""
        told = zip_longest(self.told, self.lines, then[: len(self.told)])
        return [_in_form(whole, short, written) for whole, short, written in told]

    def ending(self) -> dict[str, Any]:
        """How the world stands, in the words of `ends`."""
        return ending(self.world)

    def _note(self, before: CanaryStatus, seen: Observed, decision: Decision) -> None:
        second = (seen.now - EPOCH).total_seconds()
        for call in (question for question in decision.asks if isinstance(question, Call)):
            self.calls.append(f"{second:g} {call.kind} {call.hook}, {self._answer(call)}")
        for notice in decision.status.outbox:
            if notice.number > before.notices:
                self.calls.append(f"{second:g} {notice.type} {notice.reason}")
        if decision.event in {Event.WAITED, Event.BLOCKED} and decision.announcement is None:
            return
        self.told.append(row(second, decision))
        self.lines.append(line(second, decision, self._sessions))

    def _answer(self, call: Call) -> str:
        answer = self.world.signals.answer(call, reached=False)
        return "yes" if isinstance(answer, Accepted) else answer.reason if isinstance(answer, Refused) else "no answer"


def read(name: str) -> dict[str, Any]:
    """One file of the folder."""
    text: dict[str, Any] = yaml.safe_load((GOLDEN / f"{name}.yaml").read_text())
    return text


def read_all() -> dict[str, dict[str, Any]]:
    """Every story there is, by its name: `folder/file`, and the variant's name where there are several in a file."""
    stories: dict[str, dict[str, Any]] = {}
    for file in sorted(GOLDEN.rglob("*.yaml")):
        name = file.relative_to(GOLDEN).with_suffix("").as_posix()
        text = read(name)
        variants = text.pop("variants", None)
        if variants is None:
            stories[name] = text
        else:
            stories |= {f"{name}: {variant}": text | keys for variant, keys in variants.items()}
    return stories


def _in_form(whole: dict[str, Any], short: str, written: object) -> object:
    if isinstance(written, dict):
        return whole if "event" in written else {short: whole.get("says", "")}
    return short


def _do(world: World, key: str, value: Any) -> None:  # noqa: C901 - one case for each key
    match key:
        case "apply" | "applyToStable" | "configure":
            {"apply": world.apply, "applyToStable": world.change_stable}.get(key, world.configure)(value)
        case "delete":
            assert value in {"target", "canary"}
            world.target = world.target if value == "canary" else None
            world.deleting = world.deleting or value == "canary"
        case "canaryPods" | "primaryPods":
            pods = world.target if key == "canaryPods" else world.primary
            assert pods is not None
            pods.lost = {"lost": True, "back": False}[value]
        case "controller":
            world.restart(up={"up": True, "down": False}[value])
        case "routes":
            world.route = Routing(value, stable=world.status.stable_subset)
        case "ask":
            world.annotations |= value
        case "spec":
            world.spec = CanarySpec.model_validate(world.spec.model_dump(by_alias=True) | value)
            world.generation += 1
        case "answers":
            world.signals.answers |= value
        case "hooks":
            world.signals.hooks |= {hook: "yes" if answer is True else answer for hook, answer in value.items()}
        case "hold" | "policy":
            world.holds = _holds(world, value) if key == "hold" else _policy(world, value)
        case "blocked":
            world.problem = Problem(**value) if value else None
        case _:
            setattr(world.signals, _SIGNALS[key], value)


def _holds(world: World, value: Any) -> tuple[Hold, ...]:
    """Of several the first is to be over first; `for` so many seconds, or until it is said otherwise."""
    return tuple(_hold(world, told) for told in value or ())


def _policy(world: World, data: Any) -> tuple[Hold, ...]:
    """What the data of the ConfigMap mean, as the engine has it."""
    policy = read_policy(POLICY, {"data": data} if data else None)
    freeze = hold_of_freeze(policy, "default", at(world.now), steps=world.spec.on_close == "hold")
    return tuple(hold for hold in (hold_of_flaws(policy), freeze) if hold is not None)


def _hold(world: World, told: Mapping[str, Any]) -> Hold:
    known = {"reason": "OutsideWindow", "message": "no release window is open", "steps": True, **told}
    lasts_s = known.pop("for", None)
    return Hold(until=None if lasts_s is None else at(world.now + lasts_s), **known)


def _seconds(table: Mapping[str, float | str]) -> dict[str, float]:
    return {revision: NEVER if after == "never" else float(after) for revision, after in table.items()}
