"""What `step` answers: the status to write, the world to make true, the questions to ask, when to be called again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rollouts.api.status import CanaryStatus
from rollouts.core.measurement import Question
from rollouts.core.phases import Event
from rollouts.core.routing import Routing


@dataclass(frozen=True, slots=True)
class Leave:
    """How a deleted Canary is let go, each part after the one before. Nothing is made any more."""

    hand_back: bool = False
    """The clients' Service and the routes lead to the target, and no longer bear our marks."""
    remove: bool = False
    """What was made is deleted."""
    let_go: bool = False
    """The finalizer is taken off: the Canary is gone."""


@dataclass(frozen=True, slots=True)
class Desired:
    """The world as it should be. What is not named here is left as it is."""

    share: Routing
    """How the routes share the requests."""
    routing: bool = False
    """Services and routes of ours exist, and the clients' Service selects the primary."""
    copy_to_primary: bool = False
    """The primary gets the target's present template."""
    primary_replicas: int = 1
    """And that many pods."""
    canary_replicas: int | None = None
    """Size of the canary; None leaves it alone."""
    stable_floor: int = 0
    """Pods that an autoscaler leaves the primary at least; 0 leaves that to its own least."""
    rests: bool = False
    """The canary is at zero or goes there, and no autoscaler may give it pods."""
    leave: Leave | None = None
    """Set while the Canary is deleted: then this, the canary's size and, before the hand-over, its share are all."""

    @property
    def weight(self) -> int:
        """Share of the canary, in parts of the total."""
        return self.share.weight


@dataclass(frozen=True, slots=True)
class Announcement:
    """Something people should hear: a Kubernetes Event now. `reason` is CamelCase, `message` a sentence."""

    reason: str
    message: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of one step. The engine writes `status` first, then makes `desired` true, then announces."""

    event: Event
    status: CanaryStatus
    desired: Desired
    asks: tuple[Question, ...] = ()
    """Questions to be answered, now, in the next observation."""
    wake_at: datetime | None = None
    """When time alone makes a difference; None if only a change can."""
    announcement: Announcement | None = None
    message: str = ""
    """Why, for the log."""
    judged_at: datetime | None = None
    """Of when a judgement was that is not written, for it found no news: to be seen by the next step."""
