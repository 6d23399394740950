"""Which mode a Canary is of: the one place that knows them all."""

from __future__ import annotations

from rollouts.api.canary import CanarySpec
from rollouts.engine.copied import Copied
from rollouts.engine.mode import Mode
from rollouts.engine.subsets import Subsets

_COPIED = Copied()
_SUBSETS = Subsets()


def mode_of(spec: CanarySpec) -> Mode:
    """The mode that the spec asks for."""
    return _SUBSETS if spec.swaps else _COPIED
