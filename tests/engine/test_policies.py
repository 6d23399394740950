"""Policies that mean the target's pods and would miss its copy's: told, and nothing is touched, unless allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rollouts.api.resources import (
    AUTHORIZATION_POLICIES,
    CANARIES,
    DEPLOYMENTS,
    ENVOY_FILTERS,
    NETWORK_POLICIES,
    PEER_AUTHENTICATIONS,
    REQUEST_AUTHENTICATIONS,
    SIDECARS,
    WASM_PLUGINS,
    Manifest,
    ObjectKey,
    Resource,
)
from rollouts.api.status import ConditionType, Phase
from rollouts.core.measurement import Value
from rollouts.engine.interest import interested
from rollouts.engine.policies import SELECTORS
from tests.engine.test_budgets import TIERED, tiered_world
from tests.engine.test_problems import named, only_said
from tests.engine.world import KEY, SUCCESS_RATE, World, deployment_manifest

Spec = Callable[[dict[str, str]], Manifest]
BY_LABELS: list[tuple[Resource, Spec]] = [
    (NETWORK_POLICIES, lambda labels: {"podSelector": {"matchLabels": labels}}),
    (AUTHORIZATION_POLICIES, lambda labels: {"selector": {"matchLabels": labels}}),
    (PEER_AUTHENTICATIONS, lambda labels: {"selector": {"matchLabels": labels}}),
    (REQUEST_AUTHENTICATIONS, lambda labels: {"selector": {"matchLabels": labels}}),
    (WASM_PLUGINS, lambda labels: {"selector": {"matchLabels": labels}}),
    (SIDECARS, lambda labels: {"workloadSelector": {"labels": labels}}),
    (ENVOY_FILTERS, lambda labels: {"workloadSelector": {"labels": labels}}),
]
KINDS = pytest.mark.parametrize(("resource", "spec"), BY_LABELS, ids=[resource.kind for resource, _ in BY_LABELS])


def policy(resource: Resource, spec: Manifest, name: str = "shut") -> tuple[Resource, Manifest]:
    """A user's policy."""
    return resource, named(resource, name, **spec)


def isolating(**pods: Any) -> tuple[Resource, Manifest]:
    """A NetworkPolicy for these pods."""
    return policy(NETWORK_POLICIES, {"podSelector": pods, "policyTypes": ["Ingress"]})


def opening(*peers: Manifest, rule: str = "ingress", more: tuple[Manifest, ...] = (), **ports: Any) -> Any:
    """A NetworkPolicy of other pods that names peers."""
    side = "from" if rule == "ingress" else "to"
    rules = [{side: list(peers), **ports}, *more]
    return policy(NETWORK_POLICIES, {"podSelector": {"matchLabels": {"app": "db"}}, rule: rules}, "db")


def one_of(*values: str, operator: str = "In") -> Manifest:
    """Pods by an expression on the label by which target and copy part."""
    return {"matchExpressions": [{"key": "app", "operator": operator, "values": list(values)}]}


def pods(**labels: str) -> Manifest:
    """A peer of this namespace."""
    return {"podSelector": {"matchLabels": labels}}


@KINDS
async def test_a_policy_that_would_not_cover_the_copy_is_told_and_nothing_is_touched(
    resource: Resource, spec: Spec
) -> None:
    """By kind and name, with the label that makes the difference and every way out."""
    world = tiered_world(others=[policy(resource, spec({"app": "app"}))])
    assert await world.settle() is None
    ready = world.condition(ConditionType.READY)
    assert (world.status.phase, ready.status, ready.reason) == (Phase.INITIALIZING, "False", "PolicyNotCovering")
    assert ready.message == (
        f"{resource.kind} shop/shut covers the pods of Deployment app by app=app, and would not cover those of the "
        "copy app-primary (app=app-primary): let it select a label that both have, such as tier=web, add one like it "
        "for app=app-primary, or set spec.allowUncovered: true"
    )
    assert world.events() == [("PolicyNotCovering", ready.message)]
    assert only_said(world.cluster.writes)


@KINDS
@pytest.mark.parametrize("labels", [{"tier": "web"}, {"app": "other"}, {"app": "app-primary"}], ids=str)
async def test_a_policy_that_does_not_part_them_is_no_matter(
    resource: Resource, spec: Spec, labels: dict[str, str]
) -> None:
    """It covers both, neither, or is the user's own for the copy."""
    world = tiered_world(others=[policy(resource, spec(labels))])
    await world.initialize()
    assert world.condition(ConditionType.READY).status == "True"


@KINDS
async def test_whoever_consents_goes_on(resource: Resource, spec: Spec) -> None:
    """spec.allowUncovered, set after the refusal."""
    world = tiered_world(others=[policy(resource, spec({"app": "app"}))])
    await world.settle()
    world.cluster.edit(CANARIES, KEY, {"spec": {"allowUncovered": True}})
    await world.initialize()
    assert world.condition(ConditionType.READY).status == "True"


@KINDS
async def test_a_policy_like_it_for_the_copy_is_enough(resource: Resource, spec: Spec) -> None:
    """Made after the refusal; one for the copy that says something else is not."""
    rest = {"rules": [{"x": 1}]}
    world = tiered_world(others=[policy(resource, spec({"app": "app"}) | rest)])
    world.cluster.put(*policy(resource, spec({"app": "app-primary"}) | {"rules": []}, "for-copy"))
    await world.settle()
    assert world.condition(ConditionType.READY).reason == "PolicyNotCovering"
    world.cluster.put(*policy(resource, spec({"app": "app-primary"}) | rest, "for-copy"))
    await world.initialize()


@KINDS
async def test_a_policy_that_was_deleted_is_forgotten(resource: Resource, spec: Spec) -> None:
    """Its end wakes who was held by it."""
    world = tiered_world(others=[policy(resource, spec({"app": "app"}))])
    await world.settle()
    gone = ObjectKey("shop", "shut")
    world.cluster.delete(resource, gone)
    assert [*interested(world.cluster, resource, gone)] == [KEY]
    await world.initialize()
    assert [*interested(world.cluster, resource, gone)] == []


@pytest.mark.parametrize("resource", [one for one in SELECTORS if one != NETWORK_POLICIES], ids=str)
@pytest.mark.parametrize(
    "spec", [{}, {"targetRefs": [{"kind": "Service", "name": "app"}]}], ids=["whole namespace", "by Service"]
)
async def test_what_is_not_by_labels_is_no_matter(resource: Resource, spec: Manifest) -> None:
    """It covers all pods, or those of a Service, whatever their labels."""
    world = tiered_world(others=[policy(resource, spec)])
    await world.initialize()


@pytest.mark.parametrize(
    ("manifest", "refused"),
    [
        (isolating(), False),
        (isolating(**one_of("app")), True),
        (isolating(**one_of("app", "app-primary")), False),
        (isolating(**one_of("app-primary", operator="NotIn")), True),
        (isolating(**one_of("other", operator="NotIn")), False),
        (isolating(matchLabels={"tier": "web"}, **one_of("app")), True),
        (isolating(matchLabels={"tier": "db"}, **one_of("app")), False),
        (opening(pods(app="app")), True),
        (opening(pods(app="app"), rule="egress"), True),
        (opening(pods(app="app"), pods(app="app-primary")), False),
        (opening(pods(app="app"), pods(tier="web")), False),
        (opening(pods(app="app"), more=({"from": [pods(app="app-primary")]},)), False),
        (opening(pods(app="app"), more=({"from": [pods(app="app-primary")], "ports": [{"port": 9}]},)), True),
        (opening(pods(tier="web")), False),
        (opening(pods(app="other")), False),
        (opening({"ipBlock": {"cidr": "10.0.0.0/8"}}), False),
        (opening({"namespaceSelector": {}, **pods(app="app")}), False),
        (opening(), False),
    ],
    ids=[
        "all pods", "one value", "both values", "not the copy", "not another", "and a label of both", "and of neither",
        "lets the target in", "lets out to the target", "lets both in", "lets in by both", "lets both in, by two rules",
        "by two rules, other ports", "lets in by a label of both", "lets others in", "by address", "of any namespace",
        "from anywhere",
    ],
)  # fmt: skip
async def test_network_policies_are_read_as_kubernetes_reads_them(
    manifest: tuple[Resource, Manifest], *, refused: bool
) -> None:
    """By labels and expressions, for the pods themselves and for the peers that are let through."""
    world = tiered_world(others=[manifest])
    await world.settle()
    assert (world.condition(ConditionType.READY).reason == "PolicyNotCovering") is refused


async def test_who_lets_the_target_in_is_told_what_to_add() -> None:
    """A database that would not know its most important client any more."""
    world = tiered_world(others=[opening(pods(app="app"))])
    await world.settle()
    assert world.condition(ConditionType.READY).message == (
        "NetworkPolicy shop/db lets in the pods of Deployment app by app=app, and not those of the copy app-primary "
        "(app=app-primary): name a label that both have, such as tier=web, or app=app-primary too, in spec.ingress, or "
        "set spec.allowUncovered: true"
    )


async def test_without_a_label_of_both_it_is_told_to_make_one() -> None:
    """Most pods have one label only."""
    world = World(others=[isolating(matchLabels={"app": "app"})])
    await world.settle()
    assert "let it select a label that both have (give them one)" in world.condition(ConditionType.READY).message


async def test_a_policy_in_mid_run_holds_the_weight_and_the_checks_go_on() -> None:
    """Not Ready says why; a version that fails is rolled back all the same; without the policy the next one goes on."""
    world = tiered_world()
    await world.initialize()
    template = deployment_manifest("app:2")["spec"]["template"] | {"metadata": {"labels": TIERED}}
    world.cluster.edit(DEPLOYMENTS, KEY, {"spec": {"template": template}})
    await world.run_until(lambda: world.status.dwell_started_at is not None)
    world.cluster.put(*isolating(matchLabels={"app": "app"}))
    began_s = world.clock.elapsed_s
    await world.run_until(lambda: world.clock.elapsed_s > began_s + 60.0)
    assert (world.status.phase, world.weight) == (Phase.PROGRESSING, 20)
    assert world.condition(ConditionType.READY).reason == "PolicyNotCovering"
    asked = len(world.metrics.asked)

    world.metrics.set(SUCCESS_RATE, Value(50.0))
    await world.run_until_phase(Phase.FAILED)
    assert world.weight == 0
    assert len(world.metrics.asked) > asked
    assert any(reason == "Rollback" for reason, _ in world.events())


async def test_kinds_that_cannot_be_seen_are_told() -> None:
    """What is not seen could be the one that protects; whoever consents goes on."""
    world = World()
    world.cluster.troubles[SIDECARS] = "the controller's account lacks the right to list sidecars"
    await world.settle()
    ready = world.condition(ConditionType.READY)
    assert ready.reason == "KindUnavailable"
    assert ready.message == (
        "the controller's account lacks the right to list sidecars; so it can't be told whether its objects cover the "
        "copy: mend that, or set spec.allowUncovered: true"
    )
    world.cluster.edit(CANARIES, KEY, {"spec": {"allowUncovered": True}})
    await world.initialize()


async def test_only_those_are_woken_whose_pods_are_meant() -> None:
    """A change of a policy of other pods costs an idle Canary nothing."""
    world = tiered_world()
    await world.initialize()
    for resource, manifest in (isolating(matchLabels={"app": "db"}), opening(pods(app="app"))):
        world.cluster.put(resource, manifest)
    woken = [[*interested(world.cluster, NETWORK_POLICIES, ObjectKey("shop", name))] for name in ("shut", "db")]
    assert woken == [[], [KEY]]


async def test_the_next_refusal_takes_the_place_of_the_first() -> None:
    """In every condition: none goes on speaking of what is mended."""
    shut = {"selector": {"matchLabels": {"app": "app"}}}
    world = tiered_world(others=[isolating(matchLabels={"app": "app"}), policy(PEER_AUTHENTICATIONS, shut)])
    await world.settle()
    world.cluster.delete(NETWORK_POLICIES, ObjectKey("shop", "shut"))
    await world.settle()
    told = {condition.message for condition in world.status.conditions}
    assert len(told) == 1
    assert told.pop().startswith("PeerAuthentication shop/shut covers")
