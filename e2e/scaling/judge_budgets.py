"""What is expected of the PodDisruptionBudget and its copy, and of what the user has once the Canary is gone. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from e2e.play.given_back import GivenBack, judge_given_back
from e2e.play.result import Json, Result
from e2e.scaling.budgets import CHANGED, COPY, FIRST, BudgetSeen, Guard
from e2e.scaling.facts import NEEDED, THEIR_LEAST, RunFacts, ScalerSeen, SizeSeen

REFUSED = "violate the pod's disruption budget"
"""How the API server says that a budget has no pod to spare. Of a pod under two it says something else."""
COPIES = ("Deployment app-primary", "HorizontalPodAutoscaler app-primary", f"PodDisruptionBudget {COPY}")
_MET = "the pod would be evicted"


@dataclass(frozen=True, slots=True)
class Owned:
    """What a user has of an object, before and after; empty where there is none."""

    name: str
    before: Json
    after: Json


@dataclass(frozen=True, slots=True)
class Alone:
    """The target without a Canary, from when its autoscaler has its own least again."""

    sizes: tuple[SizeSeen, ...]
    """Its last size before is the first of it here."""
    scaler: ScalerSeen | None
    """Its autoscaler as last seen."""


def judge_copied(guard: Guard) -> Iterator[Result]:
    """Before any run: the pods that serve have a budget, and only one."""
    story = "start"
    yield _says(story, "the budget's copy says what it says, of all the primary's pods", guard.copy, FIRST)
    expected = "a drain of the node may take a pod of the primary: it is under no second budget"
    yield Result(story, expected, not guard.evicted, guard.evicted or _MET)


def judge_followed(run: RunFacts, guard: Guard | None, changed_at_s: float) -> Iterator[Result]:
    """The user has changed the budget while half of the load was with the canary."""
    if guard is None:
        yield Result(run.story, "the budget is changed in mid-run", ok=False, detail="half of the load never came")
        return
    yield _says(run.story, "its copy follows the budget in mid-run", guard.copy, CHANGED)
    over_s = run.reached("Succeeded", "Failed")
    meanwhile = over_s is None or guard.at_s <= over_s
    detail = f"counted anew {guard.at_s - changed_at_s:.2f} s after the change"
    yield Result(run.story, "before the run is over", meanwhile, detail)
    expected = "and no drain may take a pod of the primary any more"
    yield Result(run.story, expected, REFUSED in guard.evicted, guard.evicted or _MET)


def judge_left(facts: GivenBack, owned: tuple[Owned, ...], guard: Guard) -> Iterator[Result]:
    """After the Canary was deleted."""
    yield from judge_given_back(facts, COPIES)
    for one in owned:
        kept = bool(one.before) and one.before == one.after
        detail = "the same object, its spec and metadata" if one.after else "absent"
        yield Result(facts.story, f"the user's own {one.name} is as it was", kept, detail)
    yield _says(facts.story, "it guards the pods of the target", guard.own, CHANGED)
    yield Result(facts.story, "so that no drain takes one", REFUSED in guard.evicted, guard.evicted or _MET)


def judge_alone(story: str, alone: Alone) -> Iterator[Result]:
    """From then on the load alone keeps the target's pods."""
    ready, scaler = min((one.ready for one in alone.sizes), default=0), alone.scaler
    works = scaler is not None and (scaler.least, scaler.active) == (THEIR_LEAST, "ValidMetricFound")
    told = "absent" if scaler is None else f"least {scaler.least}, ScalingActive: {scaler.active}"
    expected = f"its own autoscaler leaves the target at least {NEEDED} pods"
    yield Result(story, expected, works and ready >= NEEDED, f"at least {ready} ready; {told}")


def _says(story: str, expected: str, seen: BudgetSeen | None, wanted: object) -> Result:
    if seen is None:
        return Result(story, expected, ok=False, detail="absent")
    ok = seen.counted and seen.says == wanted and seen.guarded == NEEDED
    counted = "" if seen.counted else ", not counted since its last change"
    said = ", ".join(f"{field}: {value}" for field, value in seen.says.items())
    return Result(story, expected, ok, f"{said or 'nothing'}; {seen.guarded} pods{counted}")
