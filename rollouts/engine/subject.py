"""One Canary as it was read: what every part of the engine is told of whose work it does."""

from __future__ import annotations

from dataclasses import dataclass

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import Manifest


@dataclass(frozen=True, slots=True)
class Subject:
    """The object, and its spec in our words."""

    manifest: Manifest
    owner: Owner
    spec: CanarySpec
