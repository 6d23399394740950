"""All companions there are, in the order in which their writes are made: the one place that knows them all."""

from __future__ import annotations

from rollouts.api.resources import Resource
from rollouts.engine.autoscaling import Autoscaling
from rollouts.engine.budgets import Budgets
from rollouts.engine.companion import Companion
from rollouts.engine.config_tracking import ConfigTracking
from rollouts.engine.other_services import OtherServices
from rollouts.engine.policies import Policies

COMPANIONS: tuple[Companion, ...] = (ConfigTracking(), OtherServices(), Policies(), Budgets(), Autoscaling())


def companion_kinds() -> tuple[Resource, ...]:
    """Every kind that a companion reads, each once."""
    return tuple(dict.fromkeys(kind for companion in COMPANIONS for kind in companion.kinds))
