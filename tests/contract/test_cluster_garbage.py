"""What becomes of dependents: the same cases for the collector in memory and a real garbage collector.

Only kinds that every server has: the real collector hears of new ones half a minute late.
"""

from __future__ import annotations

from typing import Any

from rollouts.api.resources import DEPLOYMENTS, SERVICES, Manifest, ObjectKey
from rollouts.ports import Create, Delete, PatchJson, Propagation
from rollouts.testing.memory_metadata import FOREGROUND
from tests.contract.clusters import Arranged
from tests.contract.manifests import deployment, key_a, owner_reference, service
from tests.kube.waiting import until

HOLD = "rollouts.dev/hold"


async def make_owner(arranged: Arranged, **metadata: Any) -> Manifest:
    """The Deployment `a`."""
    made = deployment(arranged, 1)
    header = {"apiVersion": DEPLOYMENTS.api_version, "kind": DEPLOYMENTS.kind}
    return await arranged.cluster.write(
        Create(DEPLOYMENTS, {**made, **header, "metadata": made["metadata"] | metadata})
    )


async def make_dependent(arranged: Arranged, name: str, *references: Manifest, **metadata: Any) -> Manifest:
    """A Service that names these owners."""
    made = service(arranged, 80)
    header = {"apiVersion": SERVICES.api_version, "kind": SERVICES.kind}
    whole = made["metadata"] | {"name": name, "ownerReferences": [*references]} | metadata
    return await arranged.cluster.write(Create(SERVICES, {**made, **header, "metadata": whole}))


def metadata_of(arranged: Arranged, name: str) -> dict[str, Any]:
    """Of a Service; empty if it is gone."""
    found = arranged.cluster.read(SERVICES, ObjectKey(arranged.namespace, name))
    return found["metadata"] if found else {}


async def let_go(arranged: Arranged, name: str) -> None:
    """Take all finalizers from a Service."""
    remove = {"op": "remove", "path": "/metadata/finalizers"}
    await arranged.cluster.write(PatchJson(SERVICES, ObjectKey(arranged.namespace, name), [remove]))


def owner_metadata(arranged: Arranged) -> dict[str, Any]:
    """Of the owner; empty if it is gone."""
    found = arranged.cluster.read(DEPLOYMENTS, key_a(arranged))
    return found["metadata"] if found else {}


async def test_in_the_background_dependents_go_after_their_owner(arranged: Arranged) -> None:
    """The owner at once; then its dependents, and theirs. What has a finalizer is marked."""
    owner = await make_owner(arranged)
    first = await make_dependent(arranged, "b", owner_reference(owner))
    await make_dependent(arranged, "c", owner_reference(first))
    await make_dependent(arranged, "d", owner_reference(owner), finalizers=[HOLD])
    assert await arranged.cluster.write(Delete(DEPLOYMENTS, key_a(arranged))) == {}

    await until(lambda: not metadata_of(arranged, "b") and not metadata_of(arranged, "c"))
    await until(lambda: "deletionTimestamp" in metadata_of(arranged, "d"))
    await let_go(arranged, "d")
    assert not metadata_of(arranged, "d")


async def test_whoever_has_another_owner_stays(arranged: Arranged) -> None:
    """And names only the one that is left."""
    owner, other = await make_owner(arranged), await make_dependent(arranged, "other")
    await make_dependent(arranged, "b", owner_reference(owner), owner_reference(other))
    await arranged.cluster.write(Delete(DEPLOYMENTS, key_a(arranged)))

    await until(lambda: metadata_of(arranged, "b")["ownerReferences"] == [owner_reference(other)])


async def test_who_names_an_owner_that_never_was_goes(arranged: Arranged) -> None:
    """The name alone is not enough: a predecessor is meant."""
    owner = await make_owner(arranged)
    await make_dependent(arranged, "b", owner_reference(owner) | {"uid": "of-a-predecessor"})

    await until(lambda: not metadata_of(arranged, "b"))
    assert owner_metadata(arranged)


async def test_orphans_stay_and_name_nobody(arranged: Arranged) -> None:
    """The owner goes once they have been told."""
    owner, other = await make_owner(arranged), await make_dependent(arranged, "other")
    await make_dependent(arranged, "b", owner_reference(owner))
    await make_dependent(arranged, "c", owner_reference(owner), owner_reference(other))
    await arranged.cluster.write(Delete(DEPLOYMENTS, key_a(arranged), propagation=Propagation.ORPHAN))

    await until(lambda: not owner_metadata(arranged))
    await until(lambda: "ownerReferences" not in metadata_of(arranged, "b"))
    await until(lambda: metadata_of(arranged, "c")["ownerReferences"] == [owner_reference(other)])


async def test_in_the_foreground_the_owner_goes_last(arranged: Arranged) -> None:
    """It waits for those that block it, and they for theirs."""
    owner = await make_owner(arranged)
    first = await make_dependent(arranged, "b", owner_reference(owner, block=True))
    await make_dependent(arranged, "c", owner_reference(first, block=True), finalizers=[HOLD])
    await arranged.cluster.write(Delete(DEPLOYMENTS, key_a(arranged), propagation=Propagation.FOREGROUND))

    await until(lambda: "deletionTimestamp" in metadata_of(arranged, "c"))
    assert metadata_of(arranged, "b")["finalizers"] == [FOREGROUND]
    assert owner_metadata(arranged)["finalizers"] == [FOREGROUND]
    await let_go(arranged, "c")
    await until(lambda: not metadata_of(arranged, "b") and not owner_metadata(arranged))


async def test_in_the_foreground_nobody_waits_for_who_does_not_block(arranged: Arranged) -> None:
    """It is deleted all the same."""
    owner = await make_owner(arranged)
    await make_dependent(arranged, "b", owner_reference(owner), finalizers=[HOLD])
    await arranged.cluster.write(Delete(DEPLOYMENTS, key_a(arranged), propagation=Propagation.FOREGROUND))

    await until(lambda: not owner_metadata(arranged))
    await until(lambda: "deletionTimestamp" in metadata_of(arranged, "b"))


async def test_in_the_foreground_dependents_go_while_another_finalizer_holds_the_owner(arranged: Arranged) -> None:
    """Whoever holds it to do something with those that block it finds none of them; with others it is a race."""
    owner = await make_owner(arranged, finalizers=[HOLD])
    await make_dependent(arranged, "b", owner_reference(owner, block=True))
    await arranged.cluster.write(Delete(DEPLOYMENTS, key_a(arranged), propagation=Propagation.FOREGROUND))

    await until(lambda: not metadata_of(arranged, "b") and owner_metadata(arranged)["finalizers"] == [HOLD])
    remove = {"op": "remove", "path": "/metadata/finalizers"}
    await arranged.cluster.write(PatchJson(DEPLOYMENTS, key_a(arranged), [remove]))
    assert not owner_metadata(arranged)


async def test_in_the_background_dependents_stay_while_a_finalizer_holds_the_owner(arranged: Arranged) -> None:
    """That is what a finalizer of ours can rely on: it is told first."""
    owner = await make_owner(arranged, finalizers=[HOLD])
    await make_dependent(arranged, "b", owner_reference(owner))
    stray = owner_reference(owner) | {"uid": "of-a-predecessor"}
    await arranged.cluster.write(Delete(DEPLOYMENTS, key_a(arranged)))
    await make_dependent(arranged, "stray", stray)

    await until(lambda: not metadata_of(arranged, "stray"))  # the collector has looked around since
    assert "deletionTimestamp" not in metadata_of(arranged, "b")
    remove = {"op": "remove", "path": "/metadata/finalizers"}
    await arranged.cluster.write(PatchJson(DEPLOYMENTS, key_a(arranged), [remove]))
    await until(lambda: not metadata_of(arranged, "b"))


async def test_a_ring_in_the_foreground_ends(arranged: Arranged) -> None:
    """Two that own and block each other do not wait for each other for ever."""
    owner = await make_owner(arranged)
    first = await make_dependent(arranged, "b", owner_reference(owner, block=True))
    await arranged.other.edit(
        DEPLOYMENTS, key_a(arranged), {"metadata": {"ownerReferences": [owner_reference(first, block=True)]}}
    )
    await arranged.cluster.write(Delete(DEPLOYMENTS, key_a(arranged), propagation=Propagation.FOREGROUND))

    await until(lambda: not metadata_of(arranged, "b") and not owner_metadata(arranged))
