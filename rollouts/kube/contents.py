"""Writes that need to look at an object first: copies of what is in another, and deletions of what is not watched.

What is read for them is held for one request, and told to nobody.
"""

from __future__ import annotations

from rollouts.api.resources import Manifest, ObjectKey, Resource
from rollouts.core.revision import content_digest
from rollouts.errors import Conflict, NotFound
from rollouts.kube.requests import delete, get
from rollouts.kube.transport import Transport
from rollouts.ports import Apply, CopyContent, Discard, Propagation


class Contents:
    """Reads one object for each such write."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def filled(self, write: CopyContent) -> Apply:
        """The apply that a copy comes to. Raises Conflict if the source is gone or has other content, and KubeError."""
        return filled_from(write, await self._read(write.resource, write.source))

    async def discard(self, write: Discard) -> Manifest:
        """Delete what is ours, if it is there. Raises KubeError."""
        found = await self._read(write.resource, write.key)
        if found is not None and bears(found, write):
            metadata = found["metadata"]
            uid, version = str(metadata.get("uid", "")), str(metadata.get("resourceVersion", ""))
            await self._transport.send(
                delete(write.resource, write.key, propagation=Propagation.BACKGROUND, uid=uid, resource_version=version)
            )
        return {}

    async def _read(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        try:
            return (await self._transport.send(get(resource, key))).manifest()
        except NotFound:
            return None


def filled_from(write: CopyContent, source: Manifest | None) -> Apply:
    """The apply of a copy of `source`, as it is now. Raises Conflict if that is not what is to be copied."""
    if source is None or content_digest(source, write.salt) != write.digest:
        changed = f"get {write.resource}: {write.source} has changed since it was looked at"
        raise Conflict(changed, verb="get", resource=str(write.resource), status=409)
    content = {field: source[field] for field in ("data", "binaryData") if source.get(field)}
    return Apply(write.resource, write.manifest | content)


def bears(found: Manifest, write: Discard) -> bool:
    """Whether an object has the labels by which it is ours to delete."""
    labels = found["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in write.labels.items())
