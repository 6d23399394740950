"""A look at one Canary went through all Canaries once for each Service: 1.4 s where a namespace had a thousand."""

from __future__ import annotations

from collections import Counter

from rollouts.api.canary import CanarySpec
from rollouts.api.known import Listing
from rollouts.api.ownership import Owner
from rollouts.api.resources import CANARIES, SERVICES, ObjectKey, Resource
from rollouts.engine.observe import Heard, observe
from rollouts.engine.recall import Recall
from rollouts.engine.subject import Subject
from tests.engine.world import KEY, NAMESPACE, World, canary_manifest


class Counted:
    """The stores, and how often all objects of a kind were gone through."""

    def __init__(self, world: World) -> None:
        self._cluster = world.cluster
        self.read, self.trouble, self.write = world.cluster.read, world.cluster.trouble, world.cluster.write
        self.listed: Counter[Resource] = Counter()

    def list_all(self, resource: Resource, namespace: str = "") -> Listing:
        """As the port says."""
        self.listed[resource] += 1
        return self._cluster.list_all(resource, namespace)


def neighbour(world: World, name: str) -> None:
    """Another Canary, with the Services that it has made."""
    manifest = canary_manifest(name)
    manifest["spec"]["targetRef"] = {"name": name}
    world.cluster.put(CANARIES, manifest)
    labels = Owner.of(world.get(CANARIES, ObjectKey(NAMESPACE, name))).labels()
    for suffix in ("", "-primary", "-canary"):
        metadata = {"name": f"{name}{suffix}", "namespace": NAMESPACE, "labels": labels}
        spec = {"selector": {"app": f"{name}{suffix}"}, "ports": [{"port": 80}]}
        world.cluster.put(SERVICES, {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})


async def listings(neighbours: int) -> Counter[Resource]:
    """How often a look at one Canary, beside so many others, goes through all objects of a kind."""
    world = World()
    await world.initialize()
    for number in range(neighbours):
        neighbour(world, f"cart-{number}")
    counted, canary = Counted(world), world.get(CANARIES)
    subject = Subject(canary, Owner.of(canary), CanarySpec.model_validate(canary["spec"]))
    seen = observe(counted, subject, world.status, world.clock.now(), Heard(), recall=Recall())
    assert seen.problem is None
    assert seen.target is not None
    assert world.get(CANARIES, KEY) == canary
    return counted.listed


async def test_a_look_at_one_canary_goes_through_the_others_no_more_often_for_each_service() -> None:
    """What it costs grows with the number of objects, and not with its square."""
    assert await listings(30) == await listings(1)
