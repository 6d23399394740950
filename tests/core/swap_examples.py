"""An example of each row of the table that only two workloads of the user, whose roles swap, can find."""

from __future__ import annotations

from typing import Any

from rollouts.api.actions import Action, Verb
from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.observed import Observed, WorkloadState
from rollouts.core.phases import Event
from tests.core.given import EPOCH, pods, running, seen_at, spec_of, status_in


def swap_spec(deadline_s: int = 60, delay: str = "30s", testers: str = "", **analysis: Any) -> CanarySpec:
    """Subsets v1 and v2 with weights 10, 50 and 100, and what `analysis` says otherwise."""
    known: dict[str, Any] = {"threshold": 2, "stepWeights": [10, 50, 100]} | analysis
    told = spec_of(deadline_s, **known).model_dump(by_alias=True, exclude={"target_ref", "service"})
    subsets = [{"name": name, "targetRef": {"name": f"app-{name}"}} for name in ("v1", "v2")]
    ref = {"name": "app", "canaryRules": [testers] if testers else []}
    swapping = {"subsets": subsets, "routeRefs": [ref], "scaleDownDelay": delay}
    return CanarySpec.model_validate(told | swapping)


def served(revision: str, available: int = 2, **changes: Any) -> WorkloadState:
    """The side that serves: its own revision is what it was made from."""
    return pods(revision, available, source_revision=revision, **changes)


def swap_status(phase: Phase, **changes: Any) -> CanaryStatus:
    """v1 serves revision a, which was promoted; v2 has b, which was promoted before."""
    known: dict[str, Any] = {"stable_subset": "v1", "idle_spec": "b", "idle_proven": True, "idle_rested": True}
    return status_in(phase, **(known | changes))


def swap_seen(seconds: float, **changes: Any) -> Observed:
    """Both sides are up, and everything goes to v1, unless `changes` say otherwise."""
    return seen_at(seconds, **({"primary": served("a"), "stable_subset": "v1"} | changes))


def _asked(verb: str) -> dict[str, Any]:
    return {"actions": (Action(verb=Verb(verb), id="1", user="ann"),)}


_SPEC = swap_spec()
_PROMOTING = running(
    100, phase=Phase.PROMOTING, stable_subset="v1", idle_spec="z", idle_proven=True, not_ready_since=EPOCH
)
_CHANGED = [phase for phase in Phase if phase not in {Phase.INITIALIZING, Phase.TERMINATING}]

SWAPPING: dict[Phase, dict[Event, tuple[CanaryStatus, Observed, CanarySpec]]] = {
    phase: {Event.STABLE_CHANGED: (swap_status(phase), swap_seen(1, primary=served("n")), _SPEC)} for phase in _CHANGED
}
SWAPPING[Phase.PROMOTING][Event.SWAPPED] = (_PROMOTING, swap_seen(5, route_weight=100), _SPEC)
for _over in (Phase.FINALISING, Phase.SUCCEEDED):
    SWAPPING[_over][Event.UNDONE] = (swap_status(_over), swap_seen(1, **_asked("undo")), _SPEC)
