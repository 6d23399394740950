from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.resources import (
    CANARIES,
    CONFIG_MAPS,
    DEPLOYMENTS,
    DESTINATION_RULES,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)
from rollouts.engine.interest import interested
from rollouts.engine.policy import POLICY
from rollouts.testing.memory_cluster import MemoryCluster
from rollouts.testing.virtual_time import VirtualClock


def canary(name: str, spec: Any, namespace: str = "shop") -> Manifest:
    """A Canary with that spec."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": CANARIES.api_version, "kind": CANARIES.kind, "metadata": metadata, "spec": spec}


SWAP = {
    "subsets": [{"name": "v1", "targetRef": {"name": "cart-v1"}}, {"name": "v2", "targetRef": {}}, "mangled"],
    "routeRefs": [{"name": "cart"}],
}


@pytest.fixture
def cluster() -> MemoryCluster:
    """Canaries that share a target, a Service, or nothing; one of them with a spec that is none."""
    made = MemoryCluster(VirtualClock().now)
    for manifest in (
        canary("web", {"targetRef": {"name": "web"}}),
        canary("web-too", {"targetRef": {"name": "web"}}),
        canary("pay", {"targetRef": {"name": "payments"}, "service": {"name": "pay"}}),
        canary("invalid", {}),
        canary("web", {"targetRef": {"name": "web"}}, "elsewhere"),
    ):
        made.put(CANARIES, manifest)
    return made


def names(cluster: MemoryCluster, resource: Resource, name: str, namespace: str = "shop") -> set[str]:
    """Who is woken by a change of that object."""
    return {str(key) for key in interested(cluster, resource, ObjectKey(namespace, name))}


def test_the_policy_wakes_all_and_no_other_config_map_does() -> None:
    """A freeze is heard in every namespace."""
    cluster = MemoryCluster(VirtualClock().now)
    for namespace in ("shop", "elsewhere"):
        cluster.put(CANARIES, canary("web", {"targetRef": {"name": "web"}}, namespace))

    assert names(cluster, CONFIG_MAPS, POLICY.name, POLICY.namespace) == {"shop/web", "elsewhere/web"}
    assert names(cluster, CONFIG_MAPS, "else", POLICY.namespace) == set()


def test_who_waits_longest_hears_of_every_change_of_a_canary() -> None:
    """The first in the queue, and nobody else: one that is suspended, or blocked, or at a gate is in no queue."""
    cluster = MemoryCluster(VirtualClock().now)
    queued = {"phase": "Waiting", "hold": {"reason": "Queued"}, "lastTransitionTime": "2026-01-02T12:00:00.5Z"}
    blocked = {"conditions": [{"type": "Ready", "status": "False"}]}
    statuses: dict[str, dict[str, Any]] = {
        "late": queued | {"lastTransitionTime": "2026-01-02T12:00:01Z"},
        "second": queued,
        "first": queued | {"lastTransitionTime": "2026-01-02T12:00:00Z"},
        "suspended": queued | {"lastTransitionTime": "2026-01-02T11:00:00Z"},
        "blocked": queued | blocked | {"lastTransitionTime": "2026-01-02T11:00:00Z"},
        "outside": queued | {"hold": {"reason": "OutsideWindow"}},
        "over": {"phase": "Succeeded"},
    }
    for name, status in statuses.items():
        spec = {"targetRef": {"name": name}, "suspend": name == "suspended"}
        cluster.put(CANARIES, canary(name, spec) | {"status": status})

    assert names(cluster, CANARIES, "over") == {"shop/over", "shop/first"}


@pytest.mark.parametrize(
    ("resource", "name", "woken"),
    [
        (DEPLOYMENTS, "web", {"shop/web", "shop/web-too"}),
        (DEPLOYMENTS, "web-primary", {"shop/web", "shop/web-too"}),
        (DEPLOYMENTS, "payments", {"shop/pay"}),
        (DEPLOYMENTS, "payments-primary", {"shop/pay"}),
        (SERVICES, "pay", {"shop/pay"}),
        (SERVICES, "pay-canary", {"shop/pay"}),
        (SERVICES, "pay-primary", {"shop/pay"}),
        (VIRTUAL_SERVICES, "pay", {"shop/pay"}),
        (DESTINATION_RULES, "pay-canary", {"shop/pay"}),
        (DEPLOYMENTS, "unrelated", set()),
        (SERVICES, "we", set()),
    ],
    ids=lambda value: str(value) if isinstance(value, (Resource, str)) else None,
)
def test_an_object_wakes_those_who_read_it(
    cluster: MemoryCluster, resource: Resource, name: str, woken: set[str]
) -> None:
    """By target and by Service name, with the names of the copies, in its own namespace only."""
    assert names(cluster, resource, name) == woken


def test_a_canary_wakes_itself_and_its_rivals(cluster: MemoryCluster) -> None:
    """Itself first; those on the same names; nobody else."""
    assert names(cluster, CANARIES, "web") == {"shop/web", "shop/web-too"}
    assert names(cluster, CANARIES, "pay") == {"shop/pay"}
    assert next(interested(cluster, CANARIES, ObjectKey("shop", "web"))) == ObjectKey("shop", "web")


def test_a_deleted_canary_wakes_all_in_its_namespace(cluster: MemoryCluster) -> None:
    """What it had read is not known any more; one of them may go on now."""
    cluster.delete(CANARIES, ObjectKey("shop", "web"))
    assert names(cluster, CANARIES, "web") == {"shop/web", "shop/web-too", "shop/pay", "shop/invalid"}


@pytest.mark.parametrize("spec", [{}, {"targetRef": None}, {"targetRef": {"name": 7}}, {"service": None}, None])
def test_any_spec_can_be_read(spec: Any) -> None:
    """A spec that is invalid harms nobody's wake-ups."""
    cluster = MemoryCluster(VirtualClock().now)
    cluster.put(CANARIES, canary("odd", spec))
    assert names(cluster, CANARIES, "odd") == {"shop/odd"}
    assert names(cluster, DEPLOYMENTS, "x") == set()


@pytest.mark.parametrize("spec", ["text", ["list"], {"targetRef": "web"}, {"service": ["web"]}])
def test_not_even_a_spec_of_another_shape_does_harm(spec: Any) -> None:
    """What the schema would never let in, but who knows how the object was stored."""
    cluster = MemoryCluster(VirtualClock().now)
    cluster.put(CANARIES, canary("odd", spec))
    assert names(cluster, CANARIES, "odd") == {"shop/odd"}


@pytest.mark.parametrize(
    ("resource", "key", "woken"),
    [
        (DEPLOYMENTS, ObjectKey("shop", "cart-v1"), {"shop/swap"}),
        (DEPLOYMENTS, ObjectKey("shop", "cart-v1-primary"), set()),
        (DEPLOYMENTS, ObjectKey("elsewhere", "cart-v1"), set()),
        (VIRTUAL_SERVICES, ObjectKey("shop", "cart"), {"shop/swap"}),
        (VIRTUAL_SERVICES, ObjectKey("elsewhere", "cart"), set()),
        (SERVICES, ObjectKey("elsewhere", "any"), {"shop/swap"}),
        (DESTINATION_RULES, ObjectKey("elsewhere", "any"), {"shop/swap"}),
    ],
    ids=str,
)
def test_two_subsets_are_woken_by_all_that_may_be_about_their_host(
    resource: Resource, key: ObjectKey, woken: set[str]
) -> None:
    """Its workloads and routes by name; Services and DestinationRules say only in their spec whom they concern."""
    made = MemoryCluster(VirtualClock().now)
    made.put(CANARIES, canary("swap", SWAP))
    made.put(CANARIES, canary("web", {"targetRef": {"name": "web"}}))

    assert {str(one) for one in interested(made, resource, key)} == woken


def test_routes_of_the_user_wake_who_steers_them_from_wherever_they_are(cluster: MemoryCluster) -> None:
    """By their namespace and name, in either mode; two Canaries on one object wake each other."""
    refs = {"routeRefs": [{"name": "edge", "namespace": "mesh"}]}
    cluster.put(CANARIES, canary("led", {"targetRef": {"name": "led"}, **refs}))
    cluster.put(CANARIES, canary("cart", {**SWAP, **refs}, "elsewhere"))

    assert names(cluster, VIRTUAL_SERVICES, "edge", "mesh") == {"shop/led", "elsewhere/cart"}
    assert names(cluster, VIRTUAL_SERVICES, "edge") == set()
    assert names(cluster, CANARIES, "led") == {"shop/led", "elsewhere/cart"}
    assert names(cluster, DESTINATION_RULES, "any", "mesh") == {"shop/led", "elsewhere/cart"}
    cluster.delete(CANARIES, ObjectKey("shop", "led"))
    assert "elsewhere/cart" in names(cluster, CANARIES, "led")
