"""What `service` says, and what the user's DestinationRule says, is followed: between releases and in the middle."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.ownership import APPLIED_FIELDS_ANNOTATION
from rollouts.api.resources import (
    CANARIES,
    DESTINATION_RULES,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)
from rollouts.api.status import ConditionType, Phase
from rollouts.engine.interest import interested
from tests.engine.world import CANARY_KEY, KEY, NAMESPACE, PRIMARY_KEY, World, canary_manifest

POLICY = {"outlierDetection": {"consecutive5xxErrors": 5}}
THEIRS = ObjectKey(NAMESPACE, "connections")


def _canary(**service: Any) -> Manifest:
    canary = canary_manifest()
    canary["spec"]["service"] |= service
    return canary


def _their_rule(**spec: Any) -> Manifest:
    return {
        "apiVersion": DESTINATION_RULES.api_version,
        "kind": DESTINATION_RULES.kind,
        "metadata": {"name": THEIRS.name, "namespace": NAMESPACE},
        "spec": {"host": "app.shop.svc.cluster.local", **spec},
    }


def _service(world: World, **service: Any) -> None:
    """What `kubectl apply` of another file does to the Canary."""
    canary = world.get(CANARIES)
    wanted = {"port": 80, "targetPort": 8080, **service}
    gone = dict.fromkeys(canary["spec"]["service"].keys() - wanted.keys())
    world.cluster.edit(CANARIES, KEY, {"spec": {"service": wanted | gone}})


async def _mid_run(*others: tuple[Resource, Manifest], **service: Any) -> World:
    world = World(canary=_canary(**service), others=others)
    await world.initialize()
    world.release()
    await world.run_until(lambda: world.status.dwell_started_at is not None)
    return world


async def test_fields_come_change_and_go_in_mid_run_and_the_weight_stays() -> None:
    """No dwell is begun again, and the release goes on to its end."""
    world = await _mid_run()
    dwell = world.status.dwell_started_at
    for service, expected in (
        ({"timeout": "2s", "retries": {"attempts": 2}}, {"timeout": "2s", "retries": {"attempts": 2}}),
        ({"timeout": "1s"}, {"timeout": "1s"}),
        ({}, {}),
    ):
        _service(world, **service)
        await world.settle()
        manifest = world.get(VIRTUAL_SERVICES)
        (rule,) = manifest["spec"]["http"]
        assert {key: rule[key] for key in ("timeout", "retries") if key in rule} == expected
        assert (APPLIED_FIELDS_ANNOTATION in manifest["metadata"]["annotations"]) == bool(expected)
        assert (world.weight, world.status.dwell_started_at) == (20, dwell)
    await world.run_until_quiet()
    assert world.status.phase is Phase.SUCCEEDED
    assert [weight for _, weight in world.weights] == [20, 50, 0]


async def test_connections_are_led_through_a_whole_release() -> None:
    """By weights, as requests are."""
    world = await _mid_run(appProtocol="tcp")
    assert world.get(VIRTUAL_SERVICES)["spec"].keys() == {"hosts", "gateways", "tcp"}
    assert all(world.get(SERVICES, key)["spec"]["ports"][0]["appProtocol"] == "tcp" for key in (KEY, CANARY_KEY))
    await world.run_until_quiet()
    assert world.status.phase is Phase.SUCCEEDED
    assert [weight for _, weight in world.weights] == [20, 50, 0]


async def test_a_delegate_has_hosts_again_when_it_is_one_no_more() -> None:
    """And none while it is one; its rules and weights stay as they are."""
    world = await _mid_run(delegation=True)
    rules = world.get(VIRTUAL_SERVICES)["spec"]
    assert rules.keys() == {"http"}
    _service(world)
    await world.settle()
    assert world.get(VIRTUAL_SERVICES)["spec"] == rules | {"hosts": ["app"], "gateways": ["mesh"]}
    _service(world, delegation=True)
    await world.settle()
    assert world.get(VIRTUAL_SERVICES)["spec"] == rules


async def test_labels_and_annotations_of_the_user_come_and_go() -> None:
    """On the Services and, those of the clients', on the VirtualService; those of others stay."""
    world = World(canary=_canary())
    await world.initialize()
    world.cluster.edit(SERVICES, KEY, {"metadata": {"labels": {"theirs": "stays"}}})
    _service(world, appProtocol="http", apex={"labels": {"team": "shop"}}, canary={"annotations": {"a": "b"}})
    await world.settle()
    for resource in (SERVICES, VIRTUAL_SERVICES):
        assert world.get(resource)["metadata"]["labels"]["team"] == "shop"
    assert world.get(SERVICES, CANARY_KEY)["metadata"]["annotations"]["a"] == "b"
    _service(world)
    await world.settle()
    for resource in (SERVICES, VIRTUAL_SERVICES):
        assert "team" not in world.get(resource)["metadata"]["labels"]
    assert "a" not in world.get(SERVICES, CANARY_KEY)["metadata"]["annotations"]
    assert "appProtocol" not in world.get(SERVICES)["spec"]["ports"][0]
    assert world.get(SERVICES)["metadata"]["labels"]["theirs"] == "stays"
    with world.recorded() as writes:
        await world.settle()
    assert writes == []


async def test_the_users_destination_rule_is_followed_and_never_written() -> None:
    """When it changes, loses a part, or goes, in mid-run too; what others put into ours stays."""
    world = await _mid_run((DESTINATION_RULES, _their_rule(trafficPolicy=POLICY, exportTo=["."])))
    ours = (PRIMARY_KEY, CANARY_KEY)

    def specs() -> list[Manifest]:
        return [{**world.get(DESTINATION_RULES, key)["spec"], "host": ""} for key in ours]

    assert specs() == [{"host": "", "trafficPolicy": POLICY, "exportTo": ["."]}] * 2
    world.cluster.edit(DESTINATION_RULES, CANARY_KEY, {"spec": {"workloadSelector": {"matchLabels": {"their": "s"}}}})
    world.cluster.edit(DESTINATION_RULES, THEIRS, {"spec": {"exportTo": None, "subsets": [{"name": "fast"}]}})
    changed = world.get(DESTINATION_RULES, THEIRS)
    await world.settle()
    primary, canary = specs()
    assert primary == {"host": "", "trafficPolicy": POLICY, "subsets": [{"name": "fast"}]}
    assert canary == primary | {"workloadSelector": {"matchLabels": {"their": "s"}}}
    assert world.get(DESTINATION_RULES, THEIRS) == changed
    world.cluster.delete(DESTINATION_RULES, THEIRS)
    await world.settle()
    assert specs() == [{"host": ""}, {"host": "", "workloadSelector": {"matchLabels": {"their": "s"}}}]
    assert world.weight == 20
    with world.recorded() as writes:
        await world.settle()
    assert writes == []


async def test_a_digest_that_somebody_else_keeps_is_no_endless_quarrel() -> None:
    """A tool that restored the object has it as its own; what is said then is that there is nothing to tell."""
    world = World(canary=_canary(trafficPolicy=POLICY))
    await world.initialize()
    world.cluster.edit(DESTINATION_RULES, CANARY_KEY, {"metadata": {"annotations": {"rollouts.dev/applied": "theirs"}}})
    _service(world)
    await world.settle()
    with world.recorded() as writes:
        await world.settle()
    assert writes == []


@pytest.mark.parametrize(
    ("host", "woken"),
    [("app", True), ("app.shop.svc.cluster.local", True), ("other", False), ("app.elsewhere", False)],
)
async def test_a_destination_rule_wakes_the_canary_whose_service_it_is_about(host: str, woken: bool) -> None:  # noqa: FBT001
    """Whatever the rule is called; and a change of its host wakes nobody who has nothing of it."""
    world = World(others=[(DESTINATION_RULES, _their_rule(host=host))])
    assert (KEY in list(interested(world.cluster, DESTINATION_RULES, THEIRS))) == woken


@pytest.mark.parametrize("gone", [True, False], ids=["deleted", "of another host"])
async def test_a_destination_rule_that_was_inherited_from_wakes_when_it_is_gone(gone: bool) -> None:  # noqa: FBT001
    """Nobody knows any more whose it was, so those that have inherited anything look."""
    world = World(others=[(DESTINATION_RULES, _their_rule(trafficPolicy=POLICY))])
    await world.initialize()
    if gone:
        world.cluster.delete(DESTINATION_RULES, THEIRS)
    else:
        world.cluster.edit(DESTINATION_RULES, THEIRS, {"spec": {"host": "other"}})
    assert KEY in list(interested(world.cluster, DESTINATION_RULES, THEIRS))


async def test_a_match_that_can_not_be_combined_is_said_before_anything_is_made() -> None:
    """With the condition and the way out."""
    canary = _canary(match=[{"uri": {"regex": "/a.*"}}])
    canary["spec"]["analysis"] |= {"match": [{"uri": {"prefix": "/a"}}]}
    world = World(canary=canary)
    await world.run_until_quiet()
    ready = world.condition(ConditionType.READY)
    assert ready.reason == "RouteUnusable"
    assert "analysis.match beside service.match: uri is matched twice" in ready.message
    assert world.cluster.stored(VIRTUAL_SERVICES, KEY) is None
