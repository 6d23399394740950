"""What the engine relies on in `ports.Cluster`: the same cases for the double in memory and for a real API server."""

from __future__ import annotations

import copy

import pytest

from rollouts.api.resources import CANARIES, DEPLOYMENTS, EVENTS, RULES_REVIEWS, SERVICES, Manifest
from rollouts.errors import Conflict, KubeError, NotFound, Rejected
from rollouts.ports import Apply, Create, PatchJson, PatchStatus, Write
from tests.contract.clusters import ROUTES, Arranged
from tests.contract.manifests import HTTP, canary, deployment, key_a, route, service, version_of


async def test_a_write_is_seen_by_the_next_read(arranged: Arranged) -> None:
    """The answer is the object as the server has it, reads and lists have it at once, and the change was told."""
    made = await arranged.cluster.write(Apply(ROUTES, route(arranged)))

    known = arranged.cluster.read(ROUTES, key_a(arranged))
    assert known is not None
    assert (version_of(known), known["spec"], known["kind"]) == (version_of(made), made["spec"], "Route")
    assert known["metadata"]["uid"]
    assert known["metadata"]["creationTimestamp"]
    assert "managedFields" not in known["metadata"]
    assert [*arranged.cluster.list_all(ROUTES, arranged.namespace)] == [known]
    assert arranged.changes.count((ROUTES, key_a(arranged))) == 1


async def test_what_was_read_stays_as_it_was_and_another_state_is_another_object(arranged: Arranged) -> None:
    """So whoever has read an object knows by its identity, and of a list by that of its objects, whether it is new."""
    await arranged.cluster.write(Apply(ROUTES, route(arranged)))
    before, listed = arranged.cluster.read(ROUTES, key_a(arranged)), arranged.cluster.list_all(ROUTES)
    assert before is arranged.cluster.read(ROUTES, key_a(arranged))
    assert all(one is other for one, other in zip(listed, arranged.cluster.list_all(ROUTES), strict=True))
    said = copy.deepcopy(before)

    await arranged.cluster.write(Apply(ROUTES, route(arranged, gateways=["mesh"])))

    after = arranged.cluster.read(ROUTES, key_a(arranged))
    assert after is not before
    assert any(one is after for one in arranged.cluster.list_all(ROUTES))
    assert before == said


async def test_the_same_apply_again_is_no_change(arranged: Arranged) -> None:
    """The resourceVersion stays, and nobody is told."""
    first = await arranged.cluster.write(Apply(ROUTES, route(arranged)))
    again = await arranged.cluster.write(Apply(ROUTES, route(arranged)))

    assert version_of(again) == version_of(first)
    assert arranged.changes.count((ROUTES, key_a(arranged))) == 1


async def test_applied_lists_are_one_value(arranged: Arranged) -> None:
    """A list of a custom kind is replaced as a whole, somebody else's item in it too."""
    await arranged.cluster.write(Apply(ROUTES, route(arranged)))
    await arranged.other.edit(ROUTES, key_a(arranged), {"spec": {"http": [{"name": "theirs"}, *HTTP]}})
    after = await arranged.cluster.write(Apply(ROUTES, route(arranged)))

    assert after["spec"]["http"] == HTTP


async def test_fields_of_others_stay_and_ours_are_put_back(arranged: Arranged) -> None:
    """An apply changes what it names and nothing else, and takes back what somebody changed in that."""
    await arranged.cluster.write(Apply(ROUTES, route(arranged)))
    patch = {"metadata": {"labels": {"team": "x"}}, "spec": {"exportTo": ["."], "hosts": ["b"]}}
    await arranged.other.edit(ROUTES, key_a(arranged), patch)
    after = await arranged.cluster.write(Apply(ROUTES, route(arranged)))

    assert after["spec"] == {"hosts": ["a"], "http": HTTP, "exportTo": ["."]}
    assert after["metadata"]["labels"] == {"team": "x"}


async def test_a_smaller_apply_gives_up_what_was_ours_alone(arranged: Arranged) -> None:
    """Fields that are no longer named go, unless somebody else has set them since."""
    await arranged.cluster.write(Apply(ROUTES, route(arranged, gateways=["mesh"], exportTo=["*"])))
    await arranged.other.edit(ROUTES, key_a(arranged), {"spec": {"exportTo": ["."]}})
    after = await arranged.cluster.write(Apply(ROUTES, route(arranged)))

    assert after["spec"] == {"hosts": ["a"], "http": HTTP, "exportTo": ["."]}


async def test_ports_of_a_service_are_told_apart(arranged: Arranged) -> None:
    """A port that somebody added stays beside ours; ours is put back."""
    await arranged.cluster.write(Apply(SERVICES, service(arranged, 80)))
    theirs = service(arranged, 80, 9090)["spec"]["ports"]
    theirs[0]["targetPort"] = 81
    await arranged.other.edit(SERVICES, key_a(arranged), {"spec": {"ports": theirs}})
    after = await arranged.cluster.write(Apply(SERVICES, service(arranged, 80)))

    assert [(port["port"], port["targetPort"]) for port in after["spec"]["ports"]] == [(80, 80), (9090, 9090)]


async def test_one_field_of_a_users_object_is_applied_alone(arranged: Arranged) -> None:
    """Replicas of a Deployment and the selector of a Service as a whole, with all the rest staying as it was."""
    other = Apply(DEPLOYMENTS, deployment(arranged, 1), "kubectl")
    made = await arranged.cluster.write(other)
    metadata = {"namespace": arranged.namespace, "name": "a"}
    scaled = await arranged.cluster.write(Apply(DEPLOYMENTS, {"metadata": metadata, "spec": {"replicas": 3}}))
    theirs = service(arranged, 80, selector={"app": "a", "tier": "web"})
    await arranged.cluster.write(Apply(SERVICES, theirs, "kubectl"))
    selecting = {"metadata": metadata, "spec": {"selector": {"app": "a-primary"}}}
    selected = await arranged.cluster.write(Apply(SERVICES, selecting))

    assert scaled["spec"] == made["spec"] | {"replicas": 3}
    assert (made["metadata"]["generation"], scaled["metadata"]["generation"]) == (1, 2)
    assert selected["spec"]["selector"] == {"app": "a-primary"}
    assert [port["port"] for port in selected["spec"]["ports"]] == [80]


async def test_one_field_makes_no_deployment_of_an_absent_one(arranged: Arranged) -> None:
    """Replicas alone, of a Deployment that somebody has deleted: 422, and nothing is there afterwards."""
    metadata = {"namespace": arranged.namespace, "name": "a"}
    with pytest.raises(Rejected) as caught:
        await arranged.cluster.write(Apply(DEPLOYMENTS, {"metadata": metadata, "spec": {"replicas": 3}}))

    assert (caught.value.status, caught.value.verb, caught.value.resource) == (422, "patch", "deployments.apps")
    assert arranged.cluster.read(DEPLOYMENTS, key_a(arranged)) is None


async def test_an_apply_with_another_version_is_a_conflict(arranged: Arranged) -> None:
    """Whoever names a resourceVersion is refused unless the object is at it, and nothing is written."""
    cluster, key = arranged.cluster, key_a(arranged)
    intent = route(arranged)
    made = await cluster.write(Apply(ROUTES, intent))
    await arranged.other.edit(ROUTES, key, {"spec": {"http": []}})
    intent["metadata"]["resourceVersion"] = version_of(made)

    with pytest.raises(Conflict):
        await cluster.write(Apply(ROUTES, intent))
    found = cluster.read(ROUTES, key)
    assert found is not None
    assert found["spec"]["http"] == []


async def test_an_apply_makes_what_is_gone_whatever_version_it_names(arranged: Arranged) -> None:
    """A resourceVersion is no guard against making again what somebody has deleted."""
    intent = route(arranged)
    made = await arranged.cluster.write(Apply(ROUTES, intent))
    await arranged.other.delete(ROUTES, key_a(arranged))
    intent["metadata"]["resourceVersion"] = version_of(made)
    after = await arranged.cluster.write(Apply(ROUTES, intent))

    assert after["spec"] == intent["spec"]
    assert after["metadata"]["uid"] != made["metadata"]["uid"]


async def test_an_apply_at_its_version_passes(arranged: Arranged) -> None:
    """The version is a precondition, no field."""
    made = await arranged.cluster.write(Apply(ROUTES, route(arranged)))
    intent = route(arranged, hosts=["b"])
    intent["metadata"]["resourceVersion"] = version_of(made)

    assert (await arranged.cluster.write(Apply(ROUTES, intent)))["spec"]["hosts"] == ["b"]


async def test_a_json_patch_changes_what_it_tested(arranged: Arranged) -> None:
    """Weight and version as read: only the weight changes, and the stale patch is then a conflict."""
    made = await arranged.cluster.write(Apply(ROUTES, route(arranged)))
    patch = PatchJson(ROUTES, key_a(arranged), weigh(version_of(made)))
    after = await arranged.cluster.write(patch)

    assert after["spec"]["http"][0]["route"] == [{"destination": {"host": "a"}, "weight": 7}]
    with pytest.raises(Conflict):
        await arranged.cluster.write(patch)


def weigh(version: str) -> list[Manifest]:
    """What sets the one weight to 7."""
    return [
        {"op": "test", "path": "/spec/http/0/name", "value": "ours"},
        {"op": "replace", "path": "/spec/http/0/route/0/weight", "value": 7},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/spec/http/0/name", "value": "theirs"},
        {"op": "replace", "path": "/spec/http/1/name", "value": "x"},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "1"},
    ],
    ids=["test-fails", "no-such-rule", "stale"],
)
async def test_a_json_patch_that_does_not_fit_is_a_conflict(arranged: Arranged, operation: Manifest) -> None:
    """The world moved on: nothing is changed, and the engine is to look again."""
    made = await arranged.cluster.write(Apply(ROUTES, route(arranged)))
    operations = [operation, {"op": "replace", "path": "/spec/http/0/route/0/weight", "value": 7}]

    with pytest.raises(Conflict):
        await arranged.cluster.write(PatchJson(ROUTES, key_a(arranged), operations))
    known = arranged.cluster.read(ROUTES, key_a(arranged))
    assert known is not None
    assert (version_of(known), known["spec"]["http"]) == (version_of(made), HTTP)


async def test_a_weight_is_ours_to_apply_after_we_patched_it(arranged: Arranged) -> None:
    """Applying the list as it stands after a patch changes nothing in it."""
    made = await arranged.cluster.write(Apply(ROUTES, route(arranged)))
    after = await arranged.cluster.write(PatchJson(ROUTES, key_a(arranged), weigh(version_of(made))))
    intent = route(arranged, hosts=["b"], http=after["spec"]["http"])

    assert (await arranged.cluster.write(Apply(ROUTES, intent)))["spec"]["http"] == after["spec"]["http"]


async def test_a_status_is_merged_at_its_version(arranged: Arranged) -> None:
    """Nulls remove, what is not named stays, the generation stays; an older version is a conflict."""
    made = await arranged.cluster.write(Create(CANARIES, canary(arranged)))
    key = key_a(arranged)
    first = await arranged.cluster.write(
        PatchStatus(CANARIES, key, version_of(made), {"phase": "Initialized", "desiredWeight": 5, "startedAt": None})
    )
    patch = PatchStatus(CANARIES, key, version_of(first), {"desiredWeight": None, "stepIndex": 2})
    second = await arranged.cluster.write(patch)

    assert first["status"] == {"phase": "Initialized", "desiredWeight": 5}
    assert second["status"] == {"phase": "Initialized", "stepIndex": 2}
    assert second["metadata"]["generation"] == made["metadata"]["generation"] == 1
    with pytest.raises(Conflict):
        await arranged.cluster.write(patch)


async def test_an_edit_of_the_spec_raises_the_generation(arranged: Arranged) -> None:
    """By one, and the status stays."""
    made = await arranged.cluster.write(Create(CANARIES, canary(arranged)))
    key = key_a(arranged)
    await arranged.cluster.write(PatchStatus(CANARIES, key, version_of(made), {"phase": "Initialized"}))
    await arranged.other.edit(CANARIES, key, {"spec": {"progressDeadlineSeconds": 7}})

    known = arranged.cluster.read(CANARIES, key)
    assert known is not None
    assert (known["metadata"]["generation"], known["status"]) == (2, {"phase": "Initialized"})


@pytest.mark.parametrize("kind", ["json patch", "status"])
async def test_a_patch_of_what_is_absent_is_not_found(arranged: Arranged, kind: str) -> None:
    """404, for an object that never was there."""
    key = key_a(arranged)
    writes: dict[str, Write] = {
        "json patch": PatchJson(ROUTES, key, weigh("1")),
        "status": PatchStatus(CANARIES, key, "1", {"phase": "Failed"}),
    }
    with pytest.raises(NotFound) as caught:
        await arranged.cluster.write(writes[kind])
    assert caught.value.verb == "patch"


async def test_creating_what_exists_is_a_conflict_but_for_events(arranged: Arranged) -> None:
    """An Event of the same name was written by an attempt of ours whose answer got lost."""
    await arranged.cluster.write(Create(CANARIES, canary(arranged)))
    with pytest.raises(Conflict):
        await arranged.cluster.write(Create(CANARIES, canary(arranged)))
    about = {"kind": "Canary", "name": "a", "namespace": arranged.namespace}
    metadata = {"namespace": arranged.namespace, "name": "a.1"}
    event = {"metadata": metadata, "involvedObject": about, "reason": "Tested", "message": "x", "type": "Normal"}
    first = await arranged.cluster.write(Create(EVENTS, event))

    assert first["metadata"]["uid"]
    assert await arranged.cluster.write(Create(EVENTS, event)) == event


async def test_a_rights_review_is_answered(arranged: Arranged) -> None:
    """It lists rules, and is stored nowhere."""
    answer = await arranged.cluster.write(Create(RULES_REVIEWS, {"spec": {"namespace": arranged.namespace}}))

    assert answer["status"]["incomplete"] is False
    assert {"verbs", "apiGroups", "resources"} <= answer["status"]["resourceRules"][0].keys()


async def test_what_others_delete_and_make_again_is_another_object(arranged: Arranged) -> None:
    """Gone from reads and lists, told, and the next one has another uid and starts anew."""
    first = await arranged.cluster.write(Apply(ROUTES, route(arranged, gateways=["mesh"])))
    arranged.changes.clear()
    await arranged.other.delete(ROUTES, key_a(arranged))
    assert not arranged.cluster.list_all(ROUTES, arranged.namespace)
    assert arranged.changes == [(ROUTES, key_a(arranged))]
    second = await arranged.cluster.write(Apply(ROUTES, route(arranged)))

    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    assert "gateways" not in second["spec"]


async def test_errors_name_verb_and_resource(arranged: Arranged) -> None:
    """As RBAC writes them, for the condition that people read."""
    await arranged.cluster.write(Apply(ROUTES, route(arranged)))
    with pytest.raises(KubeError) as caught:
        await arranged.cluster.write(PatchJson(ROUTES, key_a(arranged), weigh("1")))
    assert (caught.value.verb, caught.value.resource) == ("patch", str(ROUTES))
