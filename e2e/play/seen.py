"""What witnesses saw, as values. Times are seconds since the epoch, all of one machine's clock.

Nothing here judges, and nothing knows how it was found out.
"""

from __future__ import annotations

from dataclasses import dataclass

TARGET = "app"
PRIMARY = "app-primary"


@dataclass(frozen=True, slots=True)
class WeightSeen:
    """Since when somebody saw this share of the canary: the VirtualService's watch, or Envoy."""

    at_s: float
    weight_percent: int


@dataclass(frozen=True, slots=True)
class Shares:
    """What routes give the canary, in percent: of the requests that match, of all others, and as copies."""

    matched_percent: int
    others_percent: int
    mirror_percent: int = 0


@dataclass(frozen=True, slots=True)
class SharesSeen:
    """Since when Envoy's own configuration showed these shares."""

    at_s: float
    """The end of the look that first showed them."""
    before_s: float
    """The begin of the last look that still showed the ones before."""
    shares: Shares


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
    iterations: int = 0
    mirrored: bool = False
    gate: str = ""
    """Type of the gate that it waits at."""


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
