"""What the judge of safety remembers of one Canary, found out from the world alone, not from our rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from rollouts.api.ownership import REVISION_ANNOTATION
from rollouts.api.resources import Manifest
from rollouts.api.status import CanaryStatus, Phase
from tests.sim.plan import CanaryPlan

NEVER_S = -1e9
REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Begun:
    """What a process knew when it began a write: what the decision behind it was made from."""

    process: str
    at_s: float
    canary: str = ""
    canary_available: int = 0
    primary_available: int = 0
    target_image: str = ""


@dataclass(slots=True)
class Stage:
    """One desired weight, from the decision for it to the next one."""

    weight: int
    decided_at_s: float
    reached_at_s: float | None = None
    """When the routes had it first."""
    verdicts: dict[tuple[str, str], tuple[bool, float]] = field(default_factory=dict)
    """By process and metric: whether the last answer passes, and when it was given."""
    silent_at_s: float = NEVER_S
    """When the canary was last measured to have no request."""


@dataclass(slots=True)
class Ledger:
    """One Canary's past."""

    plan: CanaryPlan
    contended: bool = False
    """Whether two processes work on it, each with a store that may be late."""
    route: int | None = None
    """What the routes give the canary."""
    stage: Stage = field(default_factory=lambda: Stage(0, 0.0))
    status: CanaryStatus = field(default_factory=CanaryStatus)
    history: list[tuple[float, CanaryStatus]] = field(default_factory=list)
    """Until when the server had which status; the present one is not in it."""
    images: dict[str, str] = field(default_factory=dict)
    """What each revision runs."""
    proven: set[str] = field(default_factory=set)
    """Revisions that may be given to the primary."""
    edited_at_s: float = NEVER_S
    """When somebody else last wrote our weights."""
    disturbed: set[str] = field(default_factory=set)
    """What happened to the present revision that excuses its failure."""

    def ever_since(self, at_s: float, holds: Callable[[CanaryStatus], bool]) -> bool:
        """Whether a status for which this holds stood on the server at some instant since then."""
        return holds(self.status) or any(until >= at_s and holds(past) for until, past in reversed(self.history))

    def move(self, status: CanaryStatus, now_s: float) -> None:
        """Another status stands on the server."""
        self.history.append((now_s, self.status))
        del self.history[:-REMEMBERED]
        if status.desired_weight != self.status.desired_weight or (
            status.phase is Phase.PROGRESSING and status.started_at != self.status.started_at
        ):
            in_force = self.route == status.desired_weight
            self.stage = Stage(status.desired_weight, now_s, reached_at_s=now_s if in_force else None)
        self.status = status

    def passed(self, process: str, *, since_s: float) -> bool:
        """Whether each metric of the spec was last answered well, to that process, after `since_s`."""
        names = [metric["name"] for metric in self.plan.analysis["metrics"]]
        verdicts = [self.stage.verdicts.get((process, name), (False, NEVER_S)) for name in names]
        return all(passes and at_s >= since_s for passes, at_s in verdicts)


def weights_of(route: Manifest | None, name: str) -> tuple[int, int] | None:
    """What a VirtualService gives to primary and canary; None if that can't be told."""
    rules = [] if route is None else (route.get("spec") or {}).get("http") or []
    for rule in rules:
        weights = {part["destination"]["host"]: part.get("weight", 0) for part in rule.get("route") or ()}
        if {f"{name}-primary", f"{name}-canary"} <= set(weights):
            return weights[f"{name}-primary"], weights[f"{name}-canary"]
    return None


def available(deployment: Manifest | None) -> int:
    """How many pods a Deployment says can serve."""
    return 0 if deployment is None else int((deployment.get("status") or {}).get("availableReplicas", 0))


def image_of(deployment: Manifest | None) -> str:
    """What a Deployment asks to run."""
    if deployment is None:
        return ""
    found: str = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    return found


def source_of(deployment: Manifest | None) -> str:
    """The revision that a copy is marked with."""
    found = {} if deployment is None else deployment["metadata"].get("annotations") or {}
    return str(found.get(REVISION_ANNOTATION, ""))
