"""What must hold of a Canary that is deleted, found out from the world alone: who serves clients, and what is left."""

from __future__ import annotations

from collections.abc import Callable

from rollouts.api.resources import (
    CANARIES,
    DESTINATION_RULES,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
)
from rollouts.testing.memory_server import Change, MemoryServer
from rollouts.testing.pods import PodsController
from tests.sim.plan import NAMESPACE
from tests.sim.workloads import WORKLOADS, all_of, counts_of, stored

APEX, ROUTE = "clients of the Service", "clients of the mesh"


def is_deleted(server: MemoryServer, name: str) -> bool:
    """Whether the Canary is gone, or about to go."""
    canary = server.stored(CANARIES, ObjectKey(NAMESPACE, name))
    return canary is None or "deletionTimestamp" in canary["metadata"]


def not_given_back(server: MemoryServer, name: str) -> str:
    """What is not as it must be after a deletion; empty if all is."""
    if server.stored(CANARIES, ObjectKey(NAMESPACE, name)) is not None:
        return f"{name} is still being deleted"
    target = stored(server, name)
    wanted, counts = (0, [0]) if target is None else counts_of(target)
    if wanted == 0 or counts[-1] < wanted:
        return f"{name} has not all its pods"
    left = [
        f"{resource.kind} {of}"
        for resource, of in (
            *((kind, f"{name}-primary") for kind in WORKLOADS),
            (SERVICES, f"{name}-primary"), (SERVICES, f"{name}-canary"),
            (DESTINATION_RULES, f"{name}-primary"), (DESTINATION_RULES, f"{name}-canary"),
        )
        if server.stored(resource, ObjectKey(NAMESPACE, of)) is not None
    ]  # fmt: skip
    if left:
        return f"{', '.join(left)} is left of {name}"
    led = led_to(server, name)
    return "" if led == {APEX: {name}, ROUTE: {name}} else f"{name}: {led}"


def led_to(server: MemoryServer, name: str) -> dict[str, set[str]]:
    """Which workloads get requests."""
    route = server.stored(VIRTUAL_SERVICES, ObjectKey(NAMESPACE, name))
    hosts = {name} if route is None else _hosts(route)
    return {APEX: _selected(server, name), ROUTE: set[str]().union(*(_selected(server, host) for host in hosts))}


def watching_clients(
    server: MemoryServer, pods: PodsController, name: str, flaw: Callable[[str], None]
) -> Callable[[Change], None]:
    """Hears of each change, and calls `flaw` where clients are led to pods of which none is ready."""

    def heard(_change: Change) -> None:
        for client, led in led_to(server, name).items():
            idle = [of for of in sorted(led) if not pods.ready_images(ObjectKey(NAMESPACE, of))]
            if idle or not led:
                flaw(f"{client} of {name} are led to {sorted(led) or 'nobody'}, and {idle or 'nobody'} can't serve")

    return heard


def _hosts(route: Manifest) -> set[str]:
    parts = [part for rule in route["spec"]["http"] for part in rule["route"]]
    return {part["destination"]["host"] for part in parts if len(parts) == 1 or part.get("weight")}


def _selected(server: MemoryServer, service: str) -> set[str]:
    found = server.stored(SERVICES, ObjectKey(NAMESPACE, service)) or {}
    selector = found.get("spec", {}).get("selector", {}).items()
    labels = {one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"].items() for one in all_of(server)}
    return {name for name, carried in labels.items() if selector and selector <= carried}
