"""What a Canary's spec means, read from its manifest by the judges: none of our models, and none of our rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rollouts.api.resources import Manifest

CONFIRM_ROLLOUT, CONFIRM_INCREASE = "confirm-rollout", "confirm-traffic-increase"
CONFIRM_PROMOTION = "confirm-promotion"
PRE_ROLLOUT, ROLLOUT, ROLLBACK = "pre-rollout", "rollout", "rollback"
EVENT, POST_ROLLOUT = "event", "post-rollout"
GATES = (CONFIRM_ROLLOUT, CONFIRM_INCREASE, CONFIRM_PROMOTION)
TESTS = (PRE_ROLLOUT, ROLLOUT)
RECEIVERS = (EVENT, POST_ROLLOUT)
ANSWER_HOLDS_S = 10.0
"""How long consent holds at most; no longer than the interval."""


@dataclass(frozen=True, slots=True)
class Step:
    """One share, and what it takes to leave it upward."""

    weight: int
    least_s: float
    checks: int = 1
    gate: str = ""
    """The gate before it."""
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook."""

    name: str
    kind: str
    has_url: bool
    deadline_s: float | None
    advances: bool
    longest_s: float


@dataclass(frozen=True, slots=True)
class Meaning:
    """One spec."""

    interval_s: float
    threshold: int
    deadline_s: float
    steps: tuple[Step, ...]
    back: int | None
    """By how much the canary's share falls each interval after the promotion; None is at once."""
    limits: Mapping[str, tuple[float, float]]
    """The passing values of each metric, both ends included."""
    hooks: tuple[Hook, ...] = field(default=())
    matched: bool = False
    iterated: bool = False
    mirror_percent: int = 0
    sticky: bool = False
    """Whether a cookie keeps clients of the canary with it."""
    skips: bool = False
    suspended: bool = False

    def of_kind(self, *kinds: str) -> tuple[Hook, ...]:
        """The hooks of these types."""
        return tuple(hook for hook in self.hooks if hook.kind in kinds)

    def following(self, place: int) -> Step | None:
        """The step after a place: the weight, or -1 before the first; None after the last."""
        return next((step for step in self.steps if step.weight > place), None)

    def present(self, place: int) -> Step:
        """The step that a weight belongs to. One below all of them is a step of its own."""
        below = [step for step in self.steps if step.weight <= place]
        return below[-1] if below else Step(place, self.interval_s)

    def least_s(self, place: int) -> float:
        """How long the share at a place must be in force before more: its dwell, and the time of its checks."""
        step = self.present(place)
        return max(step.least_s, step.checks * self.interval_s)

    @property
    def blue_green(self) -> bool:
        """Whether clients see nothing of the canary before all of it."""
        return self.iterated and not self.matched

    @property
    def promotion_gate(self) -> str:
        """The gate before the primary gets the revision; blue-green has it before its one share."""
        return "" if self.blue_green else CONFIRM_PROMOTION


def meaning_of(spec: Manifest) -> Meaning:
    """Of a spec as the user wrote it."""
    analysis = spec["analysis"]
    metrics = {metric["name"]: metric["thresholdRange"] for metric in analysis.get("metrics", ())}
    infinity = float("inf")
    return Meaning(
        interval_s=_seconds(analysis["interval"]),
        threshold=analysis["threshold"],
        deadline_s=spec["progressDeadlineSeconds"],
        steps=_steps(analysis),
        back=analysis.get("stepWeightPromotion"),
        limits={name: (one.get("min", -infinity), one.get("max", infinity)) for name, one in metrics.items()},
        hooks=tuple(_hook(one) for one in analysis.get("webhooks", ())),
        matched=bool(analysis.get("match")),
        iterated="iterations" in analysis,
        mirror_percent=analysis.get("mirrorWeight", 100),
        sticky=bool(analysis.get("sessionAffinity")),
        skips=spec.get("skipAnalysis", False),
        suspended=spec.get("suspend", False),
    )


def _steps(analysis: Manifest) -> tuple[Step, ...]:
    interval_s, mirror = _seconds(analysis["interval"]), analysis.get("mirror", False)
    if "iterations" in analysis:
        checks = analysis["iterations"]
        if analysis.get("match"):
            return (Step(100, interval_s, checks, CONFIRM_INCREASE),)
        return Step(0, interval_s, checks, mirrored=mirror), Step(100, interval_s, gate=CONFIRM_PROMOTION)
    dwells = [_seconds(text) for text in analysis.get("stepDwells", ())] or [0.0]
    steps = [
        Step(weight, max(interval_s, dwells[min(place, len(dwells) - 1)]), gate=CONFIRM_INCREASE)
        for place, weight in enumerate(_weights(analysis))
    ]
    return (Step(0, interval_s, mirrored=True), *steps) if mirror else tuple(steps)


def _weights(analysis: Manifest) -> list[int]:
    if "stepWeights" in analysis:
        return list(analysis["stepWeights"])
    most, weights = analysis.get("maxWeight", 100), [0]
    while weights[-1] < most:
        weights.append(min(most, weights[-1] + analysis["stepWeight"]))
    return weights[1:]


def _hook(manifest: Manifest) -> Hook:
    deadline, timeout_s = manifest.get("deadline"), _seconds(manifest.get("timeout", "10s"))
    return Hook(
        name=manifest["name"],
        kind=manifest["type"],
        has_url="url" in manifest,
        deadline_s=None if deadline is None else _seconds(deadline),
        advances=manifest.get("onDeadline") == "advance",
        longest_s=timeout_s + manifest.get("retries", 0) * (timeout_s + 30.0),
    )


def _seconds(text: str) -> float:
    return float(text.removesuffix("s"))
