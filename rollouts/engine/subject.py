"""One Canary as it was read: what every part of the engine is told of whose work it does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import Manifest
from rollouts.api.status import CanaryStatus
from rollouts.engine.record import read_status


@dataclass(frozen=True)
class Subject:
    """The object, and its spec and status in our words."""

    manifest: Manifest
    owner: Owner
    spec: CanarySpec
    known: CanaryStatus | None = None
    """The status that stands on the object, where somebody has read it already."""

    @cached_property
    def status(self) -> CanaryStatus:
        """As it stands on the object, read once for all who ask. Raises StatusUnreadable."""
        return self.known if self.known is not None else read_status(self.manifest)
