"""What the witnesses of a run saw, as values. Times are seconds since the epoch, all of one machine's clock.

Nothing here judges, and nothing knows how it was found out.
"""

from __future__ import annotations

from dataclasses import dataclass

from e2e.lab.load import Record

TARGET = "app"
PRIMARY = "app-primary"


@dataclass(frozen=True, slots=True)
class WeightSeen:
    """Since when somebody saw this share of the canary: the VirtualService's watch, or Envoy."""

    at_s: float
    weight_percent: int


@dataclass(frozen=True, slots=True)
class StatusSeen:
    """A Canary's status as its watch showed it."""

    at_s: float
    phase: str
    step_index: int
    desired_weight: int
    failed_metrics: tuple[str, ...] = ()
    """Names of the metrics whose last verdict is Fail."""
    message: str = ""
    """What condition Promoted says."""


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request of the controller, from the API server's audit log."""

    at_s: float
    verb: str
    resource: str
    """As RBAC writes it, with the subresource: `canaries.rollouts.dev/status`."""
    namespace: str
    name: str
    code: int

    @property
    def writes(self) -> bool:
        """Whether it changed an object."""
        return self.verb in {"create", "update", "patch", "delete", "deletecollection"} and self.code < 300


@dataclass(frozen=True, slots=True)
class Plan:
    """What a release is, before it begins."""

    story: str
    version: str
    env: dict[str, str]
    """Set on the container; the application's behaviour."""
    weights: tuple[int, ...]
    interval_s: float
    slow_ms: float
    """An answer of the canary that takes longer is a bad one."""
    failed_metric: str = ""
    """The check that is to stop it; empty for a release that is to succeed."""


@dataclass(frozen=True, slots=True)
class Restart:
    """When the controller was killed and started again, and where the release stood."""

    killed_at_s: float
    started_at_s: float
    step_index: int
    weight_percent: int


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """All that was recorded from just before a release's `apply` to after its scale-down."""

    plan: Plan
    applied_at_s: float
    ended_at_s: float
    statuses: tuple[StatusSeen, ...]
    routes: tuple[WeightSeen, ...]
    """Changes of the VirtualService's weight, as its watch showed them."""
    envoy: tuple[WeightSeen, ...]
    """Changes of the weight in Envoy's own configuration; at the end of the poll that first showed it."""
    records: tuple[Record, ...]
    requests: tuple[ApiRequest, ...]
    queries: tuple[str, ...]
    primary_version: str = ""
    canary_replicas: int | None = None
    restart: Restart | None = None
    overdue: str = ""
    """What did not come in time; empty if the release came to its end."""


@dataclass(frozen=True, slots=True)
class BadInput:
    """What became of a Canary that can't be acted on."""

    case: str
    words: tuple[str, ...]
    """What the condition and the Event must name."""
    ready: str
    """Status of the condition Ready; empty if there was none."""
    message: str
    events: tuple[str, ...]
    compared: int
    """How many objects of the namespace were looked at before, the Canary apart."""
    differences: tuple[str, ...]
    """What is not as it was before among them."""
    requests: tuple[ApiRequest, ...]
    """What the controller asked of that namespace meanwhile."""


@dataclass(frozen=True, slots=True)
class Result:
    """One expectation and how it went."""

    story: str
    expected: str
    ok: bool
    detail: str = ""
