"""How objects end: Delete with its preconditions, and finalizers. The same cases for the double and a real server."""

from __future__ import annotations

import pytest

from rollouts.api.resources import CANARIES, DEPLOYMENTS, SERVICES, Manifest, Resource
from rollouts.errors import Conflict, NotFound, Rejected
from rollouts.ports import Apply, Create, Delete, PatchJson, PatchStatus, Propagation, Write
from tests.contract.clusters import ROUTES, Arranged
from tests.contract.manifests import canary, deployment, key_a, owner_reference, route, service, version_of

HOLD = "rollouts.dev/hold"
SECOND = "rollouts.dev/second"

Kind = tuple[Resource, Manifest]


def makes(arranged: Arranged) -> dict[str, Kind]:
    """One object of each kind that answers a DELETE in its own way."""
    return {
        "custom": (ROUTES, route(arranged)),
        "canary": (CANARIES, canary(arranged)),
        "deployment": (DEPLOYMENTS, deployment(arranged, 1)),
        "service": (SERVICES, service(arranged, 80)),
    }


async def make(arranged: Arranged, kind: str, *finalizers: str) -> Manifest:
    """That object, held by finalizers."""
    resource, manifest = makes(arranged)[kind]
    metadata = manifest["metadata"] | ({"finalizers": [*finalizers]} if finalizers else {})
    header = {"apiVersion": resource.api_version, "kind": resource.kind}
    return await arranged.cluster.write(Create(resource, {**manifest, **header, "metadata": metadata}))


def hold(version: str, *operations: Manifest) -> list[Manifest]:
    """A patch of metadata, as the engine sends it."""
    return [*operations, {"op": "replace", "path": "/metadata/resourceVersion", "value": version}]


@pytest.mark.parametrize("propagation", [Propagation.BACKGROUND, Propagation.FOREGROUND, Propagation.ORPHAN])
@pytest.mark.parametrize("kind", ["custom", "canary", "deployment", "service"])
async def test_what_is_deleted_is_gone_from_the_next_read(
    arranged: Arranged, kind: str, propagation: Propagation
) -> None:
    """With the right uid and version, told once; with another propagation it stays for the garbage collector."""
    made, resource, key = await make(arranged, kind), makes(arranged)[kind][0], key_a(arranged)
    arranged.changes.clear()
    uid, version = made["metadata"]["uid"], version_of(made)
    answer = await arranged.cluster.write(Delete(resource, key, uid, version, propagation))

    known = arranged.cluster.read(resource, key)
    if propagation is Propagation.BACKGROUND:
        assert (answer, known) == ({}, None)
        assert arranged.changes == [(resource, key)]
    else:
        waits = {Propagation.FOREGROUND: "foregroundDeletion", Propagation.ORPHAN: "orphan"}
        assert answer["metadata"]["finalizers"] == [waits[propagation]]
        assert answer["metadata"]["deletionTimestamp"]


@pytest.mark.parametrize("kind", ["custom", "deployment", "service"])
@pytest.mark.parametrize("stale", ["uid", "version"])
async def test_a_delete_of_another_than_was_seen_is_a_conflict(arranged: Arranged, kind: str, stale: str) -> None:
    """Made again, or changed since: nothing happens to it."""
    made, resource, key = await make(arranged, kind), makes(arranged)[kind][0], key_a(arranged)
    write = Delete(resource, key, uid="another") if stale == "uid" else Delete(resource, key, resource_version="1")
    with pytest.raises(Conflict) as caught:
        await arranged.cluster.write(write)

    assert (caught.value.verb, caught.value.resource) == ("delete", str(resource))
    known = arranged.cluster.read(resource, key)
    assert known is not None
    assert version_of(known) == version_of(made)


@pytest.mark.parametrize("uid", ["", "another"], ids=["any", "by-uid"])
async def test_a_delete_of_what_is_absent_is_not_found(arranged: Arranged, uid: str) -> None:
    """404, whatever uid was meant."""
    with pytest.raises(NotFound) as caught:
        await arranged.cluster.write(Delete(CANARIES, key_a(arranged), uid))
    assert (caught.value.verb, caught.value.resource) == ("delete", str(CANARIES))


@pytest.mark.parametrize("kind", ["canary", "deployment"])
async def test_what_is_held_is_marked_until_the_last_finalizer_goes(arranged: Arranged, kind: str) -> None:
    """The mark raises the generation; with the last finalizer the object is gone from the next read."""
    made, resource, key = await make(arranged, kind, HOLD, SECOND), makes(arranged)[kind][0], key_a(arranged)
    cluster, first, last = arranged.cluster, "/metadata/finalizers/0", "/metadata/finalizers"
    marked = await cluster.write(Delete(resource, key))
    again = await cluster.write(Delete(resource, key))
    assert version_of(again) == version_of(marked)
    assert cluster.read(resource, key) is not None
    assert marked["metadata"]["deletionTimestamp"]
    assert (made["metadata"]["generation"], marked["metadata"]["generation"]) == (1, 2)

    released = await cluster.write(PatchJson(resource, key, hold(version_of(marked), {"op": "remove", "path": first})))
    assert released["metadata"]["finalizers"] == [SECOND]
    arranged.changes.clear()
    ended = await cluster.write(PatchJson(resource, key, hold(version_of(released), {"op": "remove", "path": last})))
    assert ended["metadata"]["uid"] == made["metadata"]["uid"]
    assert cluster.read(resource, key) is None
    assert arranged.changes == [(resource, key)]


async def test_the_name_is_free_again_once_it_is_gone(arranged: Arranged) -> None:
    """Not before: a name is taken as long as anything holds its object."""
    made, key, cluster = await make(arranged, "canary", HOLD), key_a(arranged), arranged.cluster
    marked = await cluster.write(Delete(CANARIES, key))
    with pytest.raises(Conflict):
        await cluster.write(Create(CANARIES, canary(arranged)))
    test = {"op": "test", "path": "/metadata/finalizers", "value": [HOLD]}
    remove = {"op": "remove", "path": "/metadata/finalizers"}
    await cluster.write(PatchJson(CANARIES, key, hold(version_of(marked), test, remove)))
    successor = await cluster.write(Create(CANARIES, canary(arranged)))

    known = cluster.read(CANARIES, key)
    assert known is not None
    assert known["metadata"]["uid"] == successor["metadata"]["uid"] != made["metadata"]["uid"]
    with pytest.raises(Conflict):
        await cluster.write(Delete(CANARIES, key, made["metadata"]["uid"]))


async def test_what_is_being_deleted_takes_no_new_finalizer(arranged: Arranged) -> None:
    """It would never end. Everything else of it can still be written."""
    await make(arranged, "canary", HOLD)
    key, cluster = key_a(arranged), arranged.cluster
    marked = await cluster.write(Delete(CANARIES, key))
    add = {"op": "add", "path": "/metadata/finalizers/-", "value": SECOND}
    with pytest.raises(Rejected):
        await cluster.write(PatchJson(CANARIES, key, hold(version_of(marked), add)))
    after = await cluster.write(PatchStatus(CANARIES, key, version_of(marked), {"phase": "Failed"}))

    assert after["status"] == {"phase": "Failed"}
    assert after["metadata"]["deletionTimestamp"] == marked["metadata"]["deletionTimestamp"]


@pytest.mark.parametrize("field", ["finalizers", "annotations"])
async def test_metadata_is_patched_at_its_version(arranged: Arranged, field: str) -> None:
    """A finalizer or an annotation comes in by JSON patch; the generation stays, and the stale patch is a conflict."""
    made, key = await make(arranged, "canary"), key_a(arranged)
    value: object = [HOLD] if field == "finalizers" else {"rollouts.dev/note": "x"}
    operations = hold(version_of(made), {"op": "add", "path": f"/metadata/{field}", "value": value})
    after = await arranged.cluster.write(PatchJson(CANARIES, key, operations))

    assert after["metadata"][field] == value
    assert after["metadata"]["generation"] == made["metadata"]["generation"]
    with pytest.raises(Conflict):
        await arranged.cluster.write(PatchJson(CANARIES, key, operations))


@pytest.mark.parametrize(
    "path", ["/metadata/finalizers", "/metadata/finalizers/0", "/metadata/annotations/x"], ids=["all", "one", "note"]
)
async def test_a_patch_that_removes_what_is_not_there_is_a_conflict(arranged: Arranged, path: str) -> None:
    """Somebody else was quicker."""
    made = await make(arranged, "canary")
    write: Write = PatchJson(CANARIES, key_a(arranged), hold(version_of(made), {"op": "remove", "path": path}))
    with pytest.raises(Conflict):
        await arranged.cluster.write(write)


async def test_an_apply_keeps_finalizers_and_owners_of_others(arranged: Arranged) -> None:
    """Each finalizer and each owner reference is a field of its own."""
    metadata = {"namespace": arranged.namespace, "name": "a"}
    ours = owner_reference(await make(arranged, "deployment"))
    theirs = owner_reference(await make(arranged, "canary"))
    spec = service(arranged, 80)["spec"]
    whole = {"metadata": metadata | {"finalizers": [HOLD], "ownerReferences": [ours]}, "spec": spec}
    await arranged.cluster.write(Apply(SERVICES, whole))
    lists = {"finalizers": [HOLD, SECOND], "ownerReferences": [ours, theirs]}
    await arranged.other.edit(SERVICES, key_a(arranged), {"metadata": lists})
    same = await arranged.cluster.write(Apply(SERVICES, whole))
    less = await arranged.cluster.write(Apply(SERVICES, {"metadata": metadata, "spec": spec}))

    assert {name: same["metadata"][name] for name in lists} == lists
    assert less["metadata"]["finalizers"] == [SECOND]
    assert less["metadata"]["ownerReferences"] == [theirs]
