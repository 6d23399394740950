"""All companions there are, in the order in which their writes are made: the one place that knows them all."""

from __future__ import annotations

from rollouts.api.resources import Resource
from rollouts.engine.autoscaling import Autoscaling
from rollouts.engine.companion import Companion
from rollouts.engine.config_tracking import ConfigTracking

COMPANIONS: tuple[Companion, ...] = (ConfigTracking(), Autoscaling())


def companion_kinds() -> tuple[Resource, ...]:
    """Every kind that a companion reads, each once."""
    return tuple(dict.fromkeys(kind for companion in COMPANIONS for kind in companion.kinds))
