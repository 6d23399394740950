"""From what a Rollout's strategy asks for to the `analysis` of a Canary."""

from __future__ import annotations

import math
from typing import Any

from rollouts.convert.argo_checks import Checks
from rollouts.convert.argo_steps import Steps, steps_of
from rollouts.convert.flagger_analysis import EVIDENCE, NO_EVIDENCE
from rollouts.convert.ledger import Cursor
from rollouts.convert.words import duration, seconds

INTERVAL_S = 60.0
STEPS_MAX = 50
GATES = {
    -1: ("confirm-rollout", "approve-start"),
    0: ("confirm-traffic-increase", "approve-step"),
    1: ("confirm-promotion", "approve-promotion"),
}
"""Before the first weight, between two, after the last: the type of a gate that a person opens, and its name."""


def canary_analysis(strategy: Cursor, checks: Checks) -> tuple[dict[str, Any], Steps]:
    """Of a canary: the analysis, and the steps it was made of."""
    steps = steps_of(strategy, checks)
    background = strategy.at("analysis")
    starts = background.number("startingStep")
    after_s = _until(strategy, starts) if starts else 0.0
    if starts:
        background.changed(f"by time: {duration(after_s)} from the start of a release", "startingStep")
    checks.add(background, after_s)
    out = _common(strategy, checks, [length for length in steps.dwells_s if length])
    interval_s = seconds(out["interval"]) or INTERVAL_S
    if not steps.weights and steps.matches:
        out |= {"iterations": min(1000, max(1, math.ceil(steps.before_s / interval_s))), "match": steps.matches}
        strategy.changed(
            "an A/B test: who matches goes to the canary, for so many checks as the pauses are long", "steps"
        )
        steps.mirror = {}
    else:
        out |= _weights(strategy, steps, interval_s)
    out |= steps.mirror
    if hooks := _gates(strategy, steps):
        out["webhooks"] = hooks
    return out, steps


def _weights(strategy: Cursor, steps: Steps, interval_s: float) -> dict[str, Any]:
    if not steps.weights:
        strategy.added("stepWeights: [100], one step, since nothing is promoted here without being judged")
        steps.weights, steps.dwells_s = [100], [0.0]
    if len(steps.weights) > STEPS_MAX:
        strategy.lost(f"{STEPS_MAX} steps are the most", "steps")
        steps.weights, steps.dwells_s = steps.weights[:STEPS_MAX], steps.dwells_s[:STEPS_MAX]
    if any(length < interval_s for length in steps.dwells_s):
        strategy.changed(f"each weight is held for {duration(interval_s)} at least, and judged then", "steps")
    out: dict[str, Any] = {"stepWeights": steps.weights}
    if any(length > interval_s for length in steps.dwells_s):
        out["stepDwells"] = [duration(max(length, interval_s)) for length in steps.dwells_s]
    return out


def blue_green_analysis(strategy: Cursor, checks: Checks) -> dict[str, Any]:
    """Of blue-green: checked without requests and then led all at once, or led all at once and then checked."""
    before, after = strategy.at("prePromotionAnalysis"), strategy.at("postPromotionAnalysis")
    checks.add(before)
    checks.add(after)
    out = _common(strategy, checks, [])
    if after.items("templates"):
        out["stepWeights"] = [100]
        said = "all requests go to the new version, it is judged, and the old one takes them back if it fails"
        strategy.changed(said, "postPromotionAnalysis")
        if before.items("templates"):
            strategy.changed("it is judged while the new version has all requests, as that after it",
                             "prePromotionAnalysis")  # fmt: skip
    else:
        out["iterations"] = 1
        strategy.added("iterations: 1, how many checks must pass before all requests go to the new version")
    if gate := _switch(strategy):
        out["webhooks"] = [gate]
    return out


def _switch(strategy: Cursor) -> dict[str, Any] | None:
    """Who lets the new version have all requests: a person, or time."""
    after_s = strategy.number("autoPromotionSeconds")
    if strategy.take("autoPromotionEnabled") is not False and not after_s:
        strategy.needless("nobody is asked", "autoPromotionSeconds")
        return None
    late = strategy.has("postPromotionAnalysis")
    kind, name = GATES[-1] if late else GATES[1]
    gate: dict[str, Any] = {"type": kind, "name": name}
    if late:
        strategy.changed("it is asked before the release starts, since it is judged with all requests",
                         "autoPromotionEnabled")  # fmt: skip
    if after_s:
        gate |= {"deadline": duration(after_s), "onDeadline": "advance"}
        strategy.changed("a gate that opens by itself; the checks go on", "autoPromotionSeconds")
    return gate


def _common(strategy: Cursor, checks: Checks, dwells_s: list[float]) -> dict[str, Any]:
    """How often is judged, how many failures end it, and by what."""
    interval_s = checks.interval_s(min([*dwells_s, INTERVAL_S]))
    out: dict[str, Any] = {"interval": duration(max(1.0, interval_s)), "threshold": min(1000, checks.threshold())}
    out["metrics"] = checks.metrics
    if all(metric.get("dryRun") for metric in checks.metrics):
        out["metrics"] = [*checks.metrics, EVIDENCE]
        strategy.added(NO_EVIDENCE)
    return out


def _gates(strategy: Cursor, steps: Steps) -> list[dict[str, Any]]:
    last = len(steps.weights) - 1
    wanted = {-1 if at < 0 and last >= 0 else 1 if at >= last else 0 for at in steps.asked_at}
    if -1 in wanted:
        strategy.changed("an endless pause before the first weight: it is asked before the pods start", "steps")
    if 0 in wanted:
        strategy.changed("an endless pause between weights: it is asked before each step upward, the first among them",
                         "steps")  # fmt: skip
    return [{"type": kind, "name": name} for at, (kind, name) in GATES.items() if at in wanted]


def _until(strategy: Cursor, step: int) -> float:
    """How long the pauses before a step take."""
    before = strategy.items("steps")[:step]
    lengths = (seconds(str(one.at("pause", "duration").value or "")) for one in before)
    return sum(length for length in lengths if length)
