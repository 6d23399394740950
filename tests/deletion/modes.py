"""The two modes with the user's objects of each, and what has to be left of them after a deletion."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rollouts.api.resources import (
    DEPLOYMENTS,
    DESTINATION_RULES,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)
from tests.engine.swap_world import V1, V2, routes, service, subsets_rule, swap_canary, version
from tests.engine.world import KEY, NAMESPACE, canary_manifest, deployment_manifest, made_keys

Place = tuple[Resource, ObjectKey]
CONFIRM_ROLLOUT, CONFIRM_PROMOTION = "http://gates.shop/start", "http://gates.shop/promotion"
GATES = (CONFIRM_ROLLOUT, CONFIRM_PROMOTION)
HOOKS = [
    {"type": "confirm-rollout", "name": "start", "url": CONFIRM_ROLLOUT},
    {"type": "confirm-promotion", "name": "promotion", "url": CONFIRM_PROMOTION},
]
_VOLATILE = ("resourceVersion", "generation", "managedFields")


@dataclass(frozen=True, slots=True)
class Mode:
    """What a user has before there is a Canary, and which names the controller goes by."""

    name: str
    canary: Manifest
    objects: tuple[tuple[Resource, Manifest], ...]
    released: ObjectKey
    """The Deployment that gets another version."""
    primary: ObjectKey
    """The Deployment that serves between releases, once the Canary is at rest."""
    made: tuple[Place, ...]
    """All that the controller makes for it, and deletes."""

    @property
    def workloads(self) -> tuple[str, str]:
        """As metrics call them."""
        return self.released.name, self.primary.name

    def users(self) -> Iterable[tuple[Resource, Manifest]]:
        """Copies of the user's objects."""
        return copy.deepcopy(self.objects)

    def template(self, image: str) -> Manifest:
        """What the released Deployment's pods are made from."""
        manifest = next(one for _, one in self.users() if ObjectKey.of(one) == self.released and one["kind"][0] == "D")
        template: Manifest = manifest["spec"]["template"]
        template["spec"]["containers"][0]["image"] = image
        return template


TARGET_REF = Mode(
    "targetRef",
    canary_manifest(webhooks=HOOKS),
    ((DEPLOYMENTS, deployment_manifest()), (SERVICES, service())),
    released=KEY,
    primary=ObjectKey(NAMESPACE, "app-primary"),
    made=tuple(place for place in made_keys() if place not in {(SERVICES, KEY), (VIRTUAL_SERVICES, KEY)}),
)
SUBSETS = Mode(
    "subsets",
    swap_canary(analysis=canary_manifest(stepWeights=[20, 50, 100], webhooks=HOOKS)["spec"]["analysis"]),
    (
        (DEPLOYMENTS, version(V1, "app:1")), (DEPLOYMENTS, version(V2, "app:0")), (SERVICES, service()),
        (VIRTUAL_SERVICES, routes(v1=90, v2=10)), (DESTINATION_RULES, subsets_rule()),
    ),
    released=V2,
    primary=V1,
    made=(),
)  # fmt: skip
MODES = (TARGET_REF, SUBSETS)


def canonical(manifest: Manifest, *without: str) -> str:
    """JSON in which only what a user wrote counts; `without` names fields below spec that are not compared."""
    user: dict[str, Any] = copy.deepcopy(manifest)
    user.pop("status", None)
    for name in _VOLATILE:
        user["metadata"].pop(name, None)
    for name in without:
        user["spec"].pop(name, None)
    return json.dumps(user, sort_keys=True)
