"""What the judges remember of one Canary, found out from the world alone, not from our rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rollouts.api.ownership import REVISION_ANNOTATION
from rollouts.api.resources import Manifest
from rollouts.api.status import CanaryStatus, Phase
from tests.sim.meaning import ROLLOUT, Meaning
from tests.sim.plan import CanaryPlan
from tests.sim.routes import Read, Shares, meant
from tests.sim.workloads import counts_of

NEVER_S = -1e9
REMEMBERED = 64
RUNNING = frozenset({Phase.PROGRESSING, Phase.WAITING_PROMOTION})


@dataclass(frozen=True, slots=True)
class Told:
    """The newest answer that one process had to one question."""

    yes: bool
    asked_at_s: float
    at_s: float


@dataclass(frozen=True, slots=True)
class Side:
    """The pods of one Deployment as a process knew them."""

    available: int = 0
    complete: bool = False
    """All of them, on the present template."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What a process knew when it began a write: what the decision behind it was made from."""

    process: str
    at_s: float
    canary: Side = field(default_factory=Side)
    primary: Side = field(default_factory=Side)
    primary_source: str = ""
    target_image: str = ""
    suspended: bool = False
    frozen: bool = False
    """Whether a ConfigMap that it knew of holds all releases."""
    version: str = ""
    """Of the object as it was read."""
    verdicts: Mapping[str, Told] = field(default_factory=dict)
    """By metric, of the present stage."""
    answers: Mapping[tuple[str, str, str], Told] = field(default_factory=dict)
    """By hook, revision and, where it matters, phase."""


@dataclass(slots=True)
class Stage:
    """One place in the schedule of one run, from the decision for it to the next one."""

    place: int
    weight: int
    decided_at_s: float
    allowed: Shares = field(default_factory=lambda: Shares(0, 0, 0, sticky=False))
    """What it was decided to give, by the spec of then."""
    reached_at_s: float | None = None
    """When the routes did it first."""
    verdicts: dict[str, dict[str, Told]] = field(default_factory=dict)
    """By process and metric."""
    checks_passed: int = 0
    last_passed: bool = False
    checked_at_s: float = NEVER_S
    silent_at_s: float = NEVER_S
    """When the canary was last measured to have no request."""
    gates_since_s: dict[str, float] = field(default_factory=dict)
    """Since when the status says that it waits at which gate."""
    approved: set[str] = field(default_factory=set)
    """Gates that a person opened."""


@dataclass(slots=True)
class Ledger:
    """One Canary's past."""

    plan: CanaryPlan
    meaning: Meaning
    uid: str = ""
    route: Read | None = None
    """What the routes do."""
    stage: Stage = field(default_factory=lambda: Stage(-1, 0, 0.0))
    status: CanaryStatus = field(default_factory=CanaryStatus)
    history: list[tuple[float, CanaryStatus, Meaning]] = field(default_factory=list)
    """Until when the server had which status and spec; the present ones are not in it."""
    images: dict[str, str] = field(default_factory=dict)
    """What each revision runs."""
    proven: set[str] = field(default_factory=set)
    """Revisions that may be given to the primary."""
    run_at_s: float = 0.0
    """When the present run was decided."""
    confirmed: bool = True
    """Whether the present run was allowed to start."""
    deviates_since_s: float | None = None
    """Since when the routes do not do what is meant."""
    disturbed: set[str] = field(default_factory=set)
    """What happened to the present revision that excuses its failure."""
    answers: dict[str, dict[tuple[str, str, str], Told]] = field(default_factory=dict)
    """What hooks answered to each process."""

    @property
    def meant(self) -> Shares:
        """What the routes are to do now."""
        return meant(self.status, self.meaning)

    def ever_since(self, at_s: float, holds: Callable[[CanaryStatus, Meaning], bool]) -> bool:
        """Whether a status for which this holds stood on the server at some instant since then."""
        return holds(self.status, self.meaning) or any(
            until >= at_s and holds(past, meaning) for until, past, meaning in reversed(self.history)
        )

    def move(self, status: CanaryStatus, meaning: Meaning, now_s: float) -> None:
        """Another status or spec stands on the server."""
        self.history.append((now_s, self.status, self.meaning))
        del self.history[:-REMEMBERED]
        before, self.status, self.meaning = self.status, status, meaning
        fresh = is_run_start(before, status) and status.phase in {Phase.PROGRESSING, Phase.WAITING}
        if fresh:
            self.run_at_s = now_s
        if fresh or _spot(before) != _spot(status):
            self.stage = Stage(place_of(status), status.desired_weight, now_s, self.meant)
            self.see_route(self.route, now_s)

    def see_route(self, read: Read | None, now_s: float) -> None:
        """What the routes do now."""
        self.route = read
        if read is not None and read.does(self.meant) and self.stage.reached_at_s is None:
            self.stage.reached_at_s = now_s

    def judged(self, begun: Begun) -> bool:
        """Whether each metric and each test of the spec was last answered well, to that process."""
        revision = self.status.last_applied_spec
        told = [begun.verdicts.get(name) for name in self.meaning.limits]
        told += [begun.answers.get((hook.name, revision, "")) for hook in self.meaning.of_kind(ROLLOUT)]
        return all(one is not None and one.yes for one in told)

    def judged_since_s(self, begun: Begun) -> float:
        """When the oldest of those answers was asked for."""
        revision = self.status.last_applied_spec
        told = [begun.verdicts.get(name) for name in self.meaning.limits]
        told += [begun.answers.get((hook.name, revision, "")) for hook in self.meaning.of_kind(ROLLOUT)]
        return min((one.asked_at_s if one is not None else NEVER_S for one in told), default=NEVER_S)


def place_of(status: CanaryStatus) -> int:
    """Where in its schedule a run is: its weight, or -1 before the first step."""
    return status.desired_weight if status.step_index > 0 else -1


def is_run_start(before: CanaryStatus, after: CanaryStatus) -> bool:
    """Whether another run begins."""
    return after.started_at != before.started_at


def _spot(status: CanaryStatus) -> tuple[int, int, bool, bool]:
    return place_of(status), status.desired_weight, status.mirrored, status.stranded


def side_of(workload: Manifest | None) -> Side:
    """How many pods a workload says can serve, and whether these are all, on its template."""
    if workload is None:
        return Side()
    wanted, counts = counts_of(workload)
    seen = (workload.get("status") or {}).get("observedGeneration", 0) >= workload["metadata"].get("generation", 0)
    return Side(counts[-1], seen and wanted > 0 and all(count == wanted for count in counts))


def image_of(workload: Manifest | None) -> str:
    """What a workload asks to run."""
    if workload is None:
        return ""
    found: str = workload["spec"]["template"]["spec"]["containers"][0]["image"]
    return found


def source_of(deployment: Manifest | None) -> str:
    """The revision that a copy is marked with."""
    found = {} if deployment is None else deployment["metadata"].get("annotations") or {}
    return str(found.get(REVISION_ANNOTATION, ""))
