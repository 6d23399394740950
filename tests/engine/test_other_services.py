"""Services beside the Canary's own: one that leads past the weights, or to nobody, is told and nothing is touched."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.resources import CANARIES, SERVICES, Manifest, ObjectKey
from rollouts.api.status import ConditionType, Phase
from rollouts.engine.interest import interested
from tests.engine.test_budgets import tiered_world
from tests.engine.test_problems import named, only_said
from tests.engine.world import KEY

EXTRA = ObjectKey("shop", "extra")
PORTS = [{"name": "http", "port": 80}]


def service(selector: dict[str, str] | None, **spec: Any) -> Manifest:
    """A Service of the user's."""
    return named(SERVICES, EXTRA.name, ports=PORTS, **({"selector": selector} if selector else {}), **spec)


async def test_a_service_of_both_sides_is_told() -> None:
    """It would give the canary requests at weight 0."""
    world = tiered_world(others=[(SERVICES, service({"tier": "web"}))])
    assert await world.settle() is None
    ready = world.condition(ConditionType.READY)
    assert (world.status.phase, ready.status, ready.reason) == (Phase.INITIALIZING, "False", "ServiceNotParting")
    assert ready.message == (
        "Service shop/extra selects the pods of Deployment app and those of its copy app-primary alike, so it would "
        "send requests to the canary whatever its weight: let it select app=app-primary, make it headless "
        "(clusterIP: None) if it serves discovery alone, or set spec.allowUncovered: true"
    )
    assert world.events() == [("ServiceNotParting", ready.message)]
    assert only_said(world.cluster.writes)


@pytest.mark.parametrize("spec", [{}, {"clusterIP": "None"}], ids=["of its own address", "headless"])
async def test_a_service_of_the_target_alone_is_told(spec: dict[str, Any]) -> None:
    """It would have no pod between releases."""
    world = tiered_world(others=[(SERVICES, service({"app": "app"}, **spec))])
    await world.settle()
    ready = world.condition(ConditionType.READY)
    assert (ready.status, ready.reason) == ("False", "ServiceLeftBehind")
    assert ready.message == (
        "Service shop/extra selects the pods of Deployment app by app=app, and these are none between releases, when "
        "app-primary serves: call Service app instead and delete it, let it select app=app-primary, or set "
        "spec.allowUncovered: true"
    )
    assert only_said(world.cluster.writes)


@pytest.mark.parametrize(
    "harmless",
    [
        service({"app": "other"}),
        service({"app": "app-primary"}),
        service({"app": "app", "version": "7"}),
        service({"tier": "web"}, clusterIP="None"),
        service(None),
        service({"tier": "web"}, type="ExternalName", externalName="x.example"),
        service({"app": "app"}) | {"metadata": {"name": "app", "namespace": "shop"}},
    ],
    ids=["other pods", "the copy", "neither", "headless of both", "no selector", "an alias", "the Canary's own"],
)
async def test_a_service_that_does_no_harm_is_no_matter(harmless: Manifest) -> None:
    """The Canary gets ready, and the Service stays as it was but for the Canary's own."""
    world = tiered_world(others=[(SERVICES, harmless)])
    await world.initialize()
    if harmless["metadata"]["name"] == EXTRA.name:
        assert world.get(SERVICES, EXTRA)["spec"] == harmless["spec"]


@pytest.mark.parametrize("selector", [{"tier": "web"}, {"app": "app"}], ids=["both", "the target alone"])
async def test_whoever_consents_goes_on(selector: dict[str, str]) -> None:
    """After the refusal, by the Canary's spec."""
    world = tiered_world(others=[(SERVICES, service(selector))])
    await world.settle()
    world.cluster.edit(CANARIES, KEY, {"spec": {"allowUncovered": True}})
    await world.initialize()


@pytest.mark.parametrize("selector", [{"tier": "web"}, {"app": "app"}], ids=["both", "the target alone"])
async def test_what_is_mended_goes_on(selector: dict[str, str]) -> None:
    """Deleted, or led to the copy: either wakes the Canary that waits for it."""
    world = tiered_world(others=[(SERVICES, service(selector))])
    await world.settle()
    world.cluster.put(SERVICES, service({"app": "app-primary"}))
    assert KEY in [*interested(world.cluster, SERVICES, EXTRA)]
    await world.settle()
    world.cluster.put(SERVICES, service(selector))
    await world.settle()
    world.cluster.delete(SERVICES, EXTRA)
    assert [*interested(world.cluster, SERVICES, EXTRA)] == [KEY]
    await world.initialize()


async def test_the_services_of_a_canary_wake_it_once() -> None:
    """By their names and by their selectors both."""
    world = tiered_world()
    await world.initialize()
    assert [*interested(world.cluster, SERVICES, KEY)] == [KEY]
    world.cluster.put(SERVICES, service({"app": "db"}))
    assert [*interested(world.cluster, SERVICES, EXTRA)] == []
