"""What was recorded of a release or of a bad Canary, as values. Times are seconds since the epoch.

Nothing here judges, and nothing knows how it was found out.
"""

from __future__ import annotations

from dataclasses import dataclass

from e2e.lab.load import Record
from e2e.play.seen import ApiRequest, StatusSeen, WeightSeen


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
