"""What the world looked like at one instant: the third argument of `step`.

Gathered by the engine from its stores; absent things are None. Nothing here knows how it was found out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from rollouts.api.actions import Action
from rollouts.core.choices import WHILE_SUSPENDED
from rollouts.core.measurement import Sample, Subject


@dataclass(frozen=True, slots=True)
class WorkloadState:
    """One workload, as far as the judgement cares."""

    revision: str
    """Hash of its pod template and, for a target, of the configuration that it refers to."""
    source_revision: str = ""
    """For a copy of ours: the revision it was copied from; for a workload of the user that serves, its own."""
    replicas: int = 1
    """How many pods it is to have; of a DaemonSet, whose nodes decide that, 1 or, scaled to zero, 0."""
    available: int = 0
    ready: bool = False
    """All replicas run the current template and are available."""
    deadline_exceeded: bool = False
    """Kubernetes itself has given the rollout up."""
    template: str = ""
    """Hash of its pod template alone, where configuration is part of the revision."""
    replicas_max: int | None = None
    """The most that its own autoscaler leaves it; None where nothing is known of one."""
    failure: str = ""
    """Why its pods can't be made at all, and the way out; empty if they can."""


def serves(workload: WorkloadState | None) -> bool:
    """Whether at least one pod can answer."""
    return workload is not None and workload.available > 0


def grown(workload: WorkloadState | None) -> bool:
    """Whether the whole workload is up on its present template."""
    return workload is not None and workload.ready and workload.available > 0


@dataclass(frozen=True, slots=True)
class Problem:
    """Why nothing can be started for this Canary now. `message` says what is wrong and what to do."""

    reason: str
    message: str
    cuts_off: bool = False
    """Whether requests that are led to the canary reach nobody meanwhile."""


SUSPENDED = Problem("Suspended", WHILE_SUSPENDED)
"""The one problem that is meant to be there."""


@dataclass(frozen=True, slots=True)
class SecretSeen:
    """A Secret that the target's template refers to."""

    name: str
    digest: str | None = None
    """As in `Content`; None while nobody knows."""
    at: datetime | None = None
    """Of when this is; None if it was remembered."""
    refused: bool = False
    """The newest answer was none."""


def template_of(target: WorkloadState) -> str:
    """Hash of the pod template alone."""
    return target.template or target.revision


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a release may not start now, or take its next step, though nothing is wrong: a window, a freeze, a limit."""

    reason: str
    message: str
    """What holds it, until when, and the way out."""
    until: datetime | None = None
    """When that is over by itself, if that is known."""
    steps: bool = False
    """Whether it also holds the next step of a release that has begun."""
    queued: bool = False
    """It waits for its turn: what else it needs for a start is asked for before."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that somebody has put into a route: it fails or delays requests before any pod has them."""

    rule: str
    """Which rule of which object has it, for a person."""
    words: str
    """What it does: `aborts 50 % of its requests with 500`."""
    of: Subject
    """Whose requests that are."""
    delays: bool = False
    """It makes them slow; else it fails them."""
    code: int = 0
    """What it answers instead; 0 if it only delays."""


@dataclass(frozen=True, slots=True)
class Mail:
    """What has become of the notices, beyond those that arrived."""

    given_up: tuple[tuple[int, str], ...] = ()
    """Those that did not reach everybody: the number, and whom not, and why."""
    receipts: tuple[str, ...] | None = None
    """How far each AlertProvider has come; None while nothing is under way."""


NO_MAIL = Mail()


@dataclass(frozen=True, slots=True)
class Observed:
    """The world at `now` (UTC)."""

    now: datetime
    generation: int
    target: WorkloadState | None
    """The user's workload: the canary."""
    primary: WorkloadState | None
    """Our copy, which serves between releases."""
    route_weight: int | None
    """Percent that the routing objects give the canary; None while there is no route of ours."""
    routed: bool = False
    """Whether they carry all that the status asks for: weight, matches, copies, cookies."""
    apex_on_primary: bool = False
    """Whether the Service that clients use selects the primary."""
    secrets: tuple[SecretSeen, ...] = ()
    """Those that the target refers to, by name."""
    problem: Problem | None = None
    holds: tuple[Hold, ...] = ()
    """What keeps new releases, or next steps, waiting; what is to be over first comes first."""
    holds_change_at: datetime | None = None
    """When time alone makes them others than they are; None if only a change can."""
    actions: tuple[Action, ...] = ()
    """What people ask for; those carried out already may be among them."""
    samples: tuple[Sample, ...] = field(default=())
    """The newest answers to what was asked; older ones may be among them."""
    grid_s: float = 0.0
    """How far apart the instants are at which the metric source is asked for all Canaries; 0 if each has its own."""
    delivered: frozenset[int] = frozenset()
    """The numbers of notices that their receivers have confirmed, or that were given up."""
    mail: Mail = NO_MAIL
    alerted: bool = False
    """Whether an AlertProvider hears of this Canary that its spec does not name."""
    stable_subset: str = ""
    """Of two subsets, the one that serves: as the status says or, before it does, as the routes do."""
    deleting: bool = False
    """Whether somebody has deleted the Canary. Only then is anything said of what follows."""
    made: bool = False
    """Whether there is still anything that was made for the Canary, or that leads requests by its will."""
    released: bool = False
    """Whether the clients' Service and the routes lead to the target, past everything that was made."""
    faults: tuple[Fault, ...] = ()
    """Those in the routes that lead to either side."""
    service: str = ""
    """The Service that clients call, as their metrics name it."""
    abandoned: bool = False
    """Whether the target is gone, and its user wants nothing that was made for it to outlive it."""
    unvetted: bool = False
    """Whether it is still being asked if the metrics' queries can be answered at all."""
    contested: Problem | None = None
    """That somebody else keeps changing the routes: which object, and the way out."""
    judged_at: datetime | None = None
    """Of when the newest judgement of this process is that is not written; None if there is none."""
    looked_since: datetime | None = None
    """Since when the process that looks has known the Canary: what it finds overdue it may never have tried."""


_NO_TIME = datetime.max.replace(tzinfo=UTC)


def timeless(seen: Observed) -> Observed:
    """The same world without what time alone changes, nor what was answered: what objects are to be goes by no more."""
    return replace(seen, now=_NO_TIME, samples=(), holds=(), holds_change_at=None, looked_since=None, judged_at=None)
