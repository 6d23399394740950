"""Which way to lead requests a spec uses: the place where another one is registered."""

from __future__ import annotations

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.core.routing import Routing
from rollouts.engine.generated_routes import GeneratedRoutes
from rollouts.engine.recall import recalled
from rollouts.engine.user_routes import UserRoutes
from rollouts.ports import Cluster
from rollouts.traffic.router import Routed, TrafficRouter

_GENERATED, _USERS = GeneratedRoutes(), UserRoutes()


def router_of(spec: CanarySpec) -> TrafficRouter:
    """The user's own routes where the spec names any, else one that is made."""
    return _USERS if spec.route_refs else _GENERATED


def look_at_routes(cluster: Cluster, owner: Owner, spec: CanarySpec, share: Routing) -> Routed:
    """How requests are shared now, beside how they are to be: asked several times for each look, and seldom changed."""
    return recalled(
        cluster, "routes", (owner, spec, share), lambda reading: router_of(spec).observe(reading, owner, spec, share)
    )
