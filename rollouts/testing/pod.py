"""A pod in virtual time: what it was made from, when it serves, and on which node."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rollouts.api.resources import Manifest

NEVER = math.inf


@dataclass(slots=True)
class Pod:
    """One pod; `ready_at` in seconds of the loop's time, NEVER for one that does not start."""

    revision: str
    template: Manifest
    ready_at: float
    node: str = ""
    """Only told of a DaemonSet's."""
