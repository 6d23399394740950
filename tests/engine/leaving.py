"""Ends of a Canary: how it is deleted, how long that takes, and where clients are led meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from rollouts.api.resources import CANARIES, SERVICES, VIRTUAL_SERVICES, Manifest, ObjectKey, Resource
from rollouts.ports import Propagation
from tests.engine.world import KEY, NAMESPACE, World

APEX, ROUTE = "those who use the Service", "those whom the mesh routes"
LIMIT_S = 400.0


def take_away(world: World) -> None:
    """Somebody takes the finalizer off and deletes the Canary: nothing of it is given back."""
    world.cluster.edit(CANARIES, KEY, {"metadata": {"finalizers": None}})
    world.cluster.delete(CANARIES, KEY)


def delete(world: World, how: Propagation = Propagation.BACKGROUND) -> None:
    """Its user deletes it."""
    world.cluster.server.delete(CANARIES, KEY, how)


def is_gone(world: World) -> bool:
    """Whether nothing is left of the Canary itself."""
    return world.cluster.stored(CANARIES, KEY) is None


async def run_until_gone(world: World, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Let things happen until it is gone; `meanwhile` is what others do all the time."""
    ends_at_s = world.clock.elapsed_s + LIMIT_S
    while True:
        wake_at = await world.settle()
        meanwhile()
        if is_gone(world):
            await world.settle()
            return
        assert wake_at is not None, f"nothing more will happen: {world.status}"
        world.clock.advance(max(0.0, (wake_at - world.clock.now()).total_seconds()))
        assert world.clock.elapsed_s <= ends_at_s, f"not within {LIMIT_S:g} s: {world.status}"


def led_to(world: World) -> dict[str, set[str]]:
    """Which workloads get requests, by the kind of client; without a route the mesh's clients use the Service."""
    route = world.cluster.stored(VIRTUAL_SERVICES, KEY)
    hosts = {"app"} if route is None else _hosts(route)
    routed = set[str]().union(*(_selected(world, host) for host in hosts))
    return {APEX: _selected(world, "app"), ROUTE: routed}


def watch_clients(world: World) -> None:
    """From now on, after each change, every client is led to somebody who serves."""

    def changed(_resource: Resource, _key: ObjectKey) -> None:
        for client, names in led_to(world).items():
            served = [name for name in names if _available(world, name)]
            assert len(served) == len(names) > 0, f"{client} are led to {names}, and only {served} serve"

    before = world.cluster.on_change

    def on_change(resource: Resource, key: ObjectKey) -> None:
        before(resource, key)
        changed(resource, key)

    world.cluster.on_change = on_change


def _hosts(route: Manifest) -> set[str]:
    parts = [part for rule in route["spec"]["http"] for part in rule["route"]]
    whole = len(parts) == 1
    return {part["destination"]["host"] for part in parts if whole or part.get("weight")}


def _selected(world: World, service: str) -> set[str]:
    found = world.cluster.stored(SERVICES, ObjectKey(NAMESPACE, service))
    selector = (found or {}).get("spec", {}).get("selector", {}).items()
    pods = {
        manifest["metadata"]["name"]: manifest["spec"]["template"]["metadata"]["labels"].items()
        for manifest in world.cluster.server.all_of(world.workloads)
    }
    return {name for name, labels in pods.items() if selector and selector <= labels}


def _available(world: World, name: str) -> bool:
    status = (world.cluster.stored(world.workloads, ObjectKey(NAMESPACE, name)) or {}).get("status") or {}
    return bool(status.get("availableReplicas") or status.get("numberAvailable"))
