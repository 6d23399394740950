"""Which way to lead requests a spec uses: the place where another one is registered."""

from __future__ import annotations

from rollouts.api.canary import CanarySpec
from rollouts.engine.generated_routes import GeneratedRoutes
from rollouts.engine.user_routes import UserRoutes
from rollouts.traffic.router import TrafficRouter

_GENERATED, _USERS = GeneratedRoutes(), UserRoutes()


def router_of(spec: CanarySpec) -> TrafficRouter:
    """The user's own routes where the spec names any, else one that is made."""
    return _USERS if spec.route_refs else _GENERATED
