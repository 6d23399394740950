"""Other people change what a Canary relies on: what is ours is put back, what is theirs is kept."""

from __future__ import annotations

import copy
import json

import pytest

from rollouts.api.ownership import ORIGINAL_SELECTOR_ANNOTATION
from rollouts.api.resources import (
    CANARIES,
    DEPLOYMENTS,
    DESTINATION_RULES,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)
from rollouts.api.status import Phase
from rollouts.errors import Conflict
from rollouts.ports import Apply
from tests.engine.world import CANARY_KEY, KEY, NAMESPACE, PRIMARY_KEY, World, made_keys

THEIR_RULE = {"name": "theirs", "match": [{"uri": {"prefix": "/old"}}], "route": [{"destination": {"host": "old"}}]}
THEIR_FIELDS = {"retries": {"attempts": 2}, "headers": {"request": {"set": {"x-team": "shop"}}}}


def apex_of_the_user(**metadata: object) -> Manifest:
    """A Service `app` as a user has it before any Canary."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "app", "namespace": NAMESPACE, "labels": {"team": "shop"}, **metadata},
        "spec": {
            "selector": {"app": "app", "tier": "web"},
            "ports": [{"name": "web", "port": 80, "protocol": "TCP", "targetPort": 8080}],
            "sessionAffinity": "ClientIP",
        },
    }


def rules(world: World) -> list[Manifest]:
    """A copy of the rules of our VirtualService."""
    found: list[Manifest] = copy.deepcopy(world.get(VIRTUAL_SERVICES)["spec"]["http"])
    return found


async def mid_run() -> World:
    """A world in which a release has 20 % of the traffic."""
    world = World()
    await world.initialize()
    world.release()
    await world.run_until(lambda: world.status.dwell_started_at is not None)
    return world


@pytest.mark.parametrize("phase", ["at rest", "mid-run"])
async def test_an_edited_weight_is_put_back(phase: str) -> None:
    """Within the same wake-up, and the step's dwell is not restarted by it."""
    world = await mid_run()
    if phase == "at rest":
        await world.run_until_quiet()
    weight, dwell = world.weight, world.status.dwell_started_at
    http = rules(world)
    http[0]["route"][0]["weight"], http[0]["route"][1]["weight"] = 40, 60
    world.cluster.edit(VIRTUAL_SERVICES, KEY, {"spec": {"http": http}})
    await world.settle()
    assert (world.weight, world.status.observed_weight) == (weight, weight)
    assert world.status.dwell_started_at == dwell


async def test_rules_and_fields_of_others_stay_through_a_whole_release() -> None:
    """A rule of theirs before ours, retries and headers within ours: kept, whatever weights come and go."""
    world = await mid_run()
    http = rules(world)
    world.cluster.edit(VIRTUAL_SERVICES, KEY, {"spec": {"http": [THEIR_RULE, http[0] | THEIR_FIELDS]}})
    await world.run_until_quiet()
    assert world.status.phase is Phase.SUCCEEDED
    assert [weight for _, weight in world.weights] == [20, 50, 0]
    theirs, ours = rules(world)
    assert theirs == THEIR_RULE
    assert {name: ours[name] for name in THEIR_FIELDS} == THEIR_FIELDS


async def test_a_field_of_ours_beside_the_rules_is_put_back_without_touching_them() -> None:
    """Hosts and gateways are ours; putting them back keeps the rule that somebody added."""
    world = await mid_run()
    http = [THEIR_RULE, *rules(world)]
    world.cluster.edit(VIRTUAL_SERVICES, KEY, {"spec": {"http": http, "gateways": ["theirs"], "exportTo": ["."]}})
    await world.settle()
    spec = world.get(VIRTUAL_SERVICES)["spec"]
    assert (spec["http"], spec["gateways"], spec["exportTo"]) == (http, ["mesh"], ["."])


@pytest.mark.parametrize("phase", ["at rest", "mid-run"])
@pytest.mark.parametrize(("resource", "key"), made_keys()[1:], ids=str)
async def test_what_somebody_deletes_is_made_again(resource: Resource, key: ObjectKey, phase: str) -> None:
    """Each routing object of ours, with the weight that the release has reached; and that goes on to its end."""
    world = await mid_run()
    if phase == "at rest":
        await world.run_until_quiet()
    before, weight = world.get(resource, key), world.weight
    world.cluster.delete(resource, key)
    await world.settle()
    assert world.get(resource, key)["spec"] == before["spec"]
    assert world.weight == weight
    await world.run_until_quiet()
    assert world.status.phase is Phase.SUCCEEDED


async def test_a_deleted_primary_is_made_again_at_rest() -> None:
    """The target still has the promoted template: the copy comes back from it, and the traffic was never moved."""
    world = await mid_run()
    await world.run_until_quiet()
    world.weights.clear()
    world.cluster.delete(DEPLOYMENTS, PRIMARY_KEY)
    await world.run_until_quiet()
    assert world.image(PRIMARY_KEY) == "app:2"
    assert world.replicas(PRIMARY_KEY) >= 1
    assert world.weights == []


async def test_a_mangled_rule_is_applied_again() -> None:
    """Our rule without a destination can tell no share: the whole object is made as it should be."""
    world = await mid_run()
    http = rules(world)
    del http[0]["route"][1]
    world.cluster.edit(VIRTUAL_SERVICES, KEY, {"spec": {"http": http}})
    await world.settle()
    assert world.weight == 20


async def test_ports_that_others_add_to_our_services_stay() -> None:
    """They are no difference to be put back, and no reason to write again and again."""
    world = await mid_run()
    await world.run_until_quiet()
    ports = world.get(SERVICES)["spec"]["ports"]
    theirs = {"name": "stats", "port": 9090, "protocol": "TCP", "targetPort": 9090}
    for key in (KEY, PRIMARY_KEY, CANARY_KEY):
        world.cluster.edit(SERVICES, key, {"spec": {"ports": [*ports, theirs]}})
    with world.recorded() as writes:
        await world.settle()
    assert writes == []
    world.cluster.edit(SERVICES, KEY, {"spec": {"ports": [ports[0] | {"targetPort": 1}, theirs]}})
    await world.settle()
    assert world.get(SERVICES)["spec"]["ports"] == [*ports, theirs]


async def test_of_a_users_service_only_the_selector_changes() -> None:
    """Ports, labels and all else stay, no label of ours comes on, and an annotation keeps the selector they had."""
    world = World()
    theirs = apex_of_the_user(annotations={"theirs": "stays"})
    world.cluster.put(SERVICES, theirs)
    await world.initialize()
    found = world.get(SERVICES)
    assert found["spec"] == theirs["spec"] | {"selector": {"app": "app-primary"}}
    assert found["metadata"]["labels"] == {"team": "shop"}
    annotations = dict(found["metadata"]["annotations"])
    assert json.loads(annotations.pop(ORIGINAL_SELECTOR_ANNOTATION)) == {"app": "app", "tier": "web"}
    assert annotations == {"theirs": "stays"}
    for key in (PRIMARY_KEY, CANARY_KEY):
        assert [port["port"] for port in world.get(SERVICES, key)["spec"]["ports"]] == [80]


async def test_a_users_service_that_is_applied_again_keeps_what_they_want() -> None:
    """Their tool sets their selector again, another one: ours comes back, and the annotation follows."""
    world = World()
    world.cluster.put(SERVICES, apex_of_the_user())
    await world.initialize()
    world.cluster.edit(SERVICES, KEY, {"spec": {"selector": {"app": "app", "tier": None, "zone": "a"}}})
    with world.recorded() as writes:
        await world.settle()
    applied = [write for write in writes if isinstance(write, Apply)]
    assert [write.resource for write in applied] == [SERVICES]
    found = world.get(SERVICES)
    assert found["spec"]["selector"] == {"app": "app-primary"}
    kept = json.loads(found["metadata"]["annotations"][ORIGINAL_SELECTOR_ANNOTATION])
    assert kept == {"app": "app", "zone": "a"}


async def test_a_scaled_down_target_is_started_for_a_release_and_no_sooner() -> None:
    """Somebody scales the idle canary up: it is scaled down again; a new template brings back the size it needs."""
    world = World()
    await world.initialize()
    world.cluster.edit(DEPLOYMENTS, KEY, {"spec": {"replicas": 2}})
    await world.run_until_quiet()
    assert world.replicas() == 0
    world.release()
    await world.run_until_phase(Phase.PROGRESSING)
    await world.settle()
    assert world.replicas() == 3
    world.get(DESTINATION_RULES, CANARY_KEY)


async def test_a_repair_waits_until_the_status_is_known_to_be_the_newest() -> None:
    """The store of Canaries is late: the routes are not put to what is no longer meant."""
    world = World()
    await world.initialize()
    world.release()
    await world.run_until(lambda: world.weight == 20)
    raised = world.status.model_copy(update={"observed_weight": 0})
    world.cluster.set_status(CANARIES, KEY, raised.to_wire())
    world.cluster.lagging = True
    ended = raised.model_copy(update={"phase": Phase.FAILED, "desired_weight": 0})
    world.cluster.set_status(CANARIES, KEY, ended.to_wire())
    world.cluster.lagging = False
    reset = rules(world)
    reset[0]["route"][0]["weight"], reset[0]["route"][1]["weight"] = 100, 0
    world.cluster.edit(VIRTUAL_SERVICES, KEY, {"spec": {"http": reset}})

    with world.recorded() as writes, pytest.raises(Conflict):
        await world.reconciler.reconcile(KEY)
    assert (writes, world.weight) == ([], 0)
