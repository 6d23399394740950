"""What a process has taken on: by which clock it works, on which Canaries, and what it goes by there.

The same for all of its Canaries, from its start to its end. Knows nothing of any one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from rollouts.api.resources import ObjectKey
from rollouts.engine.mandate import EVERYTHING, Mandate
from rollouts.engine.policy import POLICY
from rollouts.ports import Clock


def _unheard(_key: ObjectKey) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Charge:
    """One process's."""

    clock: Clock
    settles_in: timedelta
    """How long after Kubernetes calls pods ready every proxy knows them."""
    policy: ObjectKey = POLICY
    """The ConfigMap with the freeze and the limit for all."""
    mandate: Mandate = EVERYTHING
    on_look: Callable[[ObjectKey], None] = _unheard
    """Called before each look at a Canary: all that has changed until then will be seen."""
