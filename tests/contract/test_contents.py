"""Writes that look at an object first, copies of content and deletions of what is not watched: on double and server."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.ownership import COPY_OF_ANNOTATION, MANAGED_BY, MANAGED_BY_LABEL, Owner
from rollouts.api.resources import CONFIG_MAPS, SECRETS, Manifest, ObjectKey, Resource
from rollouts.core.revision import content_digest
from rollouts.errors import Conflict
from rollouts.ports import CopyContent, Create, Discard
from rollouts.workloads.config_copies import render_copy
from rollouts.workloads.config_refs import ConfigRef
from tests.contract.clusters import Arranged

CONTENT: dict[Resource, Manifest] = {
    CONFIG_MAPS: {"data": {"MODE": "a"}, "binaryData": {"KEY": "AAEC"}},
    SECRETS: {"data": {"PASSWORD": "c2VjcmV0"}},
}
KINDS = pytest.mark.parametrize("resource", [CONFIG_MAPS, SECRETS], ids=str)


def _key(arranged: Arranged, name: str = "settings") -> ObjectKey:
    return ObjectKey(arranged.namespace, name)


async def _make(arranged: Arranged, resource: Resource, name: str = "settings", **metadata: Any) -> None:
    whole = {"metadata": {"name": name, "namespace": arranged.namespace} | metadata} | CONTENT[resource]
    await arranged.cluster.write(Create(resource, {"apiVersion": "v1", "kind": resource.kind} | whole))


def _copy(arranged: Arranged, resource: Resource) -> CopyContent:
    owner, digest = Owner(arranged.namespace, "app", "uid-of-app"), content_digest(CONTENT[resource], "salt")
    rendered = render_copy(owner, ConfigRef(resource.kind, "settings"), "app-primary", digest)
    return CopyContent(resource, _key(arranged), digest, rendered, "salt")


@KINDS
async def test_a_copy_has_the_content_and_is_ours(arranged: Arranged, resource: Resource) -> None:
    """All of it, text and binary; it can't be changed; and writing it again changes nothing."""
    await _make(arranged, resource)
    copy = _copy(arranged, resource)
    await arranged.cluster.write(copy)
    await arranged.cluster.write(copy)

    made = await arranged.other.fetch(resource, ObjectKey.of(copy.manifest))
    assert made is not None
    assert {field: made[field] for field in CONTENT[resource]} == CONTENT[resource]
    assert made["immutable"]
    assert made["metadata"]["labels"][MANAGED_BY_LABEL] == MANAGED_BY
    assert made["metadata"]["annotations"][COPY_OF_ANNOTATION] == "settings"
    assert made.get("type", "Opaque") == "Opaque"


async def test_a_copy_of_a_config_map_is_seen_by_the_next_read(arranged: Arranged) -> None:
    """As a digest: what is in it is not kept."""
    await _make(arranged, CONFIG_MAPS)
    copy = _copy(arranged, CONFIG_MAPS)
    await arranged.cluster.write(copy)

    known = arranged.cluster.read(CONFIG_MAPS, ObjectKey.of(copy.manifest))
    assert known is not None
    assert content_digest(known) == content_digest(CONTENT[CONFIG_MAPS])
    assert not {"data", "binaryData"} & known.keys()


async def test_what_is_in_a_secret_is_not_handed_back(arranged: Arranged) -> None:
    """The answer could end anywhere."""
    await _make(arranged, SECRETS)

    assert "c2VjcmV0" not in str(await arranged.cluster.write(_copy(arranged, SECRETS)))


@KINDS
@pytest.mark.parametrize("gone", [False, True], ids=["other content", "gone"])
async def test_what_has_changed_is_not_copied(arranged: Arranged, resource: Resource, *, gone: bool) -> None:
    """Whoever wants the copy has to look again."""
    copy = _copy(arranged, resource)
    if not gone:
        await _make(arranged, resource)
        copy = CopyContent(resource, copy.source, "0123456789abcdef", copy.manifest, copy.salt)

    with pytest.raises(Conflict):
        await arranged.cluster.write(copy)
    assert await arranged.other.fetch(resource, ObjectKey.of(copy.manifest)) is None


@KINDS
@pytest.mark.parametrize(
    ("labels", "stays"),
    [({MANAGED_BY_LABEL: MANAGED_BY, "more": "x"}, False), ({MANAGED_BY_LABEL: "helm"}, True), ({}, True)],
    ids=["ours", "another's", "nobody's"],
)
async def test_only_what_is_ours_is_discarded(
    arranged: Arranged, resource: Resource, labels: dict[str, str], *, stays: bool
) -> None:
    """By its labels; and what is not there is no error."""
    await _make(arranged, resource, labels=labels)
    discard = Discard(resource, _key(arranged), {MANAGED_BY_LABEL: MANAGED_BY})
    await arranged.cluster.write(discard)

    assert (await arranged.other.fetch(resource, _key(arranged)) is not None) == stays
    await arranged.cluster.write(discard)
    await arranged.cluster.write(Discard(resource, _key(arranged, "absent"), {}))
