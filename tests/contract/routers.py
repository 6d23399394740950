"""The ways to lead requests that have to keep the contract of routers. A new mesh adds its line to ROUTES.

Each is one Canary `app` with what its user has: which object shares the requests, and how the canary's part is read
from it without the code that wrote it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import DESTINATION_RULES, VIRTUAL_SERVICES, Manifest, ObjectKey, Resource
from rollouts.core.routing import Routing
from rollouts.engine.routers import router_of
from rollouts.ports import Apply, Write
from rollouts.traffic.router import Routed
from tests.contract.clusters import Arranged
from tests.engine.swap_world import swap_canary
from tests.engine.world import canary_manifest

THEIRS: Manifest = {"name": "theirs", "match": [{"uri": {"prefix": "/old"}}], "redirect": {"uri": "/new"}}
"""A rule of others, as all of these kinds have it."""
_RULE: Manifest = {"name": "default", "timeout": "5s", "retries": {"attempts": 2}}


@dataclass(frozen=True, slots=True)
class Routes:
    """One way."""

    canary: Manifest
    kind: Resource
    """Of the object that shares the requests, which is called `app`."""
    canary_part: Callable[[Manifest], int]
    """The canary's weight in that object, of 100."""
    users: tuple[tuple[Resource, Manifest], ...] = ()
    """What the user has. Without the object that shares the requests, it is made."""
    stable: str = ""
    """As in `Routing`."""

    @property
    def made(self) -> bool:
        """Whether the object is the controller's own."""
        return all(resource != self.kind for resource, _ in self.users)


@dataclass(slots=True)
class Steered:
    """One of them on a cluster."""

    arranged: Arranged
    routes: Routes
    owner: Owner = field(init=False)
    spec: CanarySpec = field(init=False)

    def __post_init__(self) -> None:
        self.owner = Owner(self.arranged.namespace, "app", "uid-of-the-canary")
        self.spec = CanarySpec.model_validate(self.routes.canary["spec"])

    async def begin(self) -> None:
        """The user's objects are there, and somebody has a rule of his own on top."""
        for resource, manifest in self.routes.users:
            placed = {**manifest, "metadata": {**manifest["metadata"], "namespace": self.arranged.namespace}}
            await self.arranged.cluster.write(Apply(resource, placed, "user"))
        await self.write(0)
        rules = self.known()["spec"]["http"]
        await self.arranged.other.edit(self.routes.kind, self.key, {"spec": {"http": [THEIRS, *rules]}})

    @property
    def key(self) -> ObjectKey:
        """Of the object that shares the requests."""
        return ObjectKey(self.arranged.namespace, "app")

    def known(self) -> Manifest:
        """That object, as the store has it."""
        found = self.arranged.cluster.read(self.routes.kind, self.key)
        assert found is not None
        return copy.deepcopy(found)

    def rules(self) -> list[Manifest]:
        """Its rules."""
        rules: list[Manifest] = self.known()["spec"]["http"]
        return rules

    def share(self, weight: int) -> Routing:
        """With that weight for the canary."""
        return Routing(weight, stable=self.routes.stable)

    def missing(self, weight: int) -> list[Write]:
        """All writes that are not made yet, as far as can be told now."""
        return list(router_of(self.spec).writes(self.arranged.cluster, self.owner, self.spec, self.share(weight)))

    async def write(self, weight: int) -> None:
        """One by one, as the engine does."""
        for write in router_of(self.spec).writes(self.arranged.cluster, self.owner, self.spec, self.share(weight)):
            await self.arranged.cluster.write(write)

    def releases(self) -> list[Write]:
        """All that is left to give back."""
        return list(router_of(self.spec).release(self.arranged.cluster, self.owner, self.spec, self.share(0)))

    async def release(self) -> None:
        """The Canary goes."""
        for write in router_of(self.spec).release(self.arranged.cluster, self.owner, self.spec, self.share(0)):
            await self.arranged.cluster.write(write)

    def observe(self, weight: int) -> Routed:
        """What the router sees, where that weight is wanted."""
        return router_of(self.spec).observe(self.arranged.cluster, self.owner, self.spec, self.share(weight))

    def problems(self) -> list[str]:
        """What it tells the user."""
        found = router_of(self.spec).problems(self.arranged.cluster, self.owner, self.spec, self.routes.stable)
        return [f"{one.reason}: {one.message}" for one in found]


def _canary(canary: Manifest, **spec: Any) -> Manifest:
    return {**canary, "spec": {**canary["spec"], **spec}}


def _virtual_service(*destinations: Manifest) -> tuple[Resource, Manifest]:
    spec = {"hosts": ["app"], "http": [{**_RULE, "route": list(destinations)}]}
    header = {"apiVersion": VIRTUAL_SERVICES.api_version, "kind": VIRTUAL_SERVICES.kind}
    return VIRTUAL_SERVICES, {**header, "metadata": {"name": "app"}, "spec": spec}


def _subsets() -> tuple[Resource, Manifest]:
    subsets = [{"name": name, "labels": {"version": name}} for name in ("v1", "v2")]
    header = {"apiVersion": DESTINATION_RULES.api_version, "kind": DESTINATION_RULES.kind}
    return DESTINATION_RULES, {**header, "metadata": {"name": "app"}, "spec": {"host": "app", "subsets": subsets}}


def _part(name: str, value: str) -> Callable[[Manifest], int]:
    """What the last rule gives destinations with that field."""

    def read(manifest: Manifest) -> int:
        routes = manifest["spec"]["http"][-1]["route"]
        return sum(one.get("weight", 0) for one in routes if one["destination"].get(name) == value)

    return read


_BY_HOST, _BY_SUBSET = _part("host", "app-canary"), _part("subset", "v2")
_BOTH = ({"destination": {"host": "app", "subset": "v1"}, "weight": 90},
         {"destination": {"host": "app", "subset": "v2"}, "weight": 10})  # fmt: skip
_REF = [{"name": "app"}]

ROUTES: list[Any] = [
    pytest.param(Routes(canary_manifest(), VIRTUAL_SERVICES, _BY_HOST), id="istio made"),
    pytest.param(
        Routes(
            _canary(canary_manifest(), routeRefs=_REF), VIRTUAL_SERVICES, _BY_HOST,
            (_virtual_service({"destination": {"host": "app"}}),),
        ),
        id="istio users with targetRef",
    ),
    pytest.param(
        Routes(swap_canary(), VIRTUAL_SERVICES, _BY_SUBSET, (_virtual_service(*_BOTH), _subsets()), stable="v1"),
        id="istio users with subsets",
    ),
]  # fmt: skip
