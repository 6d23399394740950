"""Gets and lists: objects as they are now, selected, in pages, as JSON or as a table."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rollouts.api.resources import Manifest, ObjectKey
from rollouts.embedded.answers import Refusal
from rollouts.embedded.selecting import Selects, by_fields, by_labels
from rollouts.embedded.table import columns_of, table_of
from rollouts.embedded.target import Target
from rollouts.testing.memory_server import MemoryServer

_AS_TABLE = re.compile(r"application/json;(?:[^,]*;)?as=Table(?:;|,|$)")
Query = Mapping[str, str]

_FIELDS = ("metadata.name", "metadata.namespace")
_FIELDS_OF = {
    "Event": (
        *(f"involvedObject.{name}" for name in ("kind", "namespace", "name", "uid", "apiVersion", "fieldPath")),
        "involvedObject.resourceVersion", "reason", "reportingComponent", "type",
    ),
    "Pod": ("spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "status.phase", "status.podIP"),
    "Secret": ("type",),
    "Namespace": ("status.phase", "name"),
    "ReplicaSet": ("status.replicas",),
}  # fmt: skip
"""By which fields a server selects: these of every kind, and some more of some."""


@dataclass(frozen=True, slots=True)
class Form:
    """How objects are to be written."""

    table: bool = False
    include: str = "Metadata"
    """What of an object a table's row carries."""

    @classmethod
    def of(cls, accept: str, query: Query) -> Form:
        """The first that the client accepts."""
        return cls(_AS_TABLE.search(accept) is not None, query.get("includeObject", "Metadata"))

    def write(self, target: Target, manifests: Sequence[Manifest], now: datetime, *, head: bool = True) -> Manifest:
        """These objects as a table."""
        columns = columns_of(target.kind.resource.kind, target.kind.columns)
        return table_of(columns, manifests, now, with_head=head, include=self.include)


def whole(target: Target, manifest: Manifest) -> Manifest:
    """An object with its kind, which what is stored may lack."""
    resource = target.kind.resource
    return {"apiVersion": resource.api_version, "kind": resource.kind, **manifest}


def managed(server: MemoryServer, target: Target, manifest: Manifest) -> Manifest:
    """An object with its managedFields, which are kept beside it."""
    entries = server.managed(target.kind.resource, ObjectKey.of(manifest))
    return {**manifest, "metadata": {**manifest["metadata"], "managedFields": entries}} if entries else manifest


def selection(target: Target, query: Query) -> Selects:
    """Which objects of the kind are meant. Raises Refusal."""
    known = (*_FIELDS, *_FIELDS_OF.get(target.kind.resource.kind, ()))
    labels, fields = by_labels(query.get("labelSelector", "")), by_fields(query.get("fieldSelector", ""), known)
    namespace = target.namespace
    return lambda manifest: (
        namespace in {"", manifest["metadata"].get("namespace", "")} and labels(manifest) and fields(manifest)
    )


def read_one(server: MemoryServer, target: Target, form: Form, now: datetime) -> Manifest:
    """One object. Raises Refusal."""
    stored = server.stored(target.kind.resource, target.key)
    if stored is None:
        resource = target.kind.resource
        details: Manifest = {"name": target.name, "group": resource.group, "kind": resource.plural}
        raise Refusal(404, f"{target} not found", details=details)
    manifest = whole(target, managed(server, target, stored))
    return form.write(target, [manifest], now) if form.table else manifest


def read_list(server: MemoryServer, target: Target, query: Query, form: Form, now: datetime) -> Manifest:
    """All objects that are meant, or a page of them.

    A later page shows what is there by then; its version is the first page's, so that whoever watches from there is
    told of all that has changed in between.
    """
    selects, (version, after) = selection(target, query), _place(query, server.version)
    found = sorted((_sort_key(manifest), manifest) for manifest in server.all_of(target.kind.resource)
                   if selects(manifest))  # fmt: skip
    rest = [manifest for key, manifest in found if key > after]
    limit = _limit(query) or len(rest)
    page = [whole(target, managed(server, target, manifest)) for manifest in rest[:limit]]
    metadata: Manifest = {"resourceVersion": str(version)}
    if len(rest) > limit:
        metadata |= {"continue": _token(version, _sort_key(page[-1])), "remainingItemCount": len(rest) - limit}
    if form.table:
        return {**form.write(target, page, now), "metadata": metadata}
    resource = target.kind.resource
    return {"apiVersion": resource.api_version, "kind": f"{resource.kind}List", "metadata": metadata, "items": page}


def _sort_key(manifest: Manifest) -> tuple[str, str]:
    metadata = manifest["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _limit(query: Query) -> int:
    text = query.get("limit", "0")
    if not text.isascii() or not text.isdigit():
        raise Refusal(400, f"limit: invalid value {text!r}")
    return int(text)


def _token(version: int, after: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([version, *after]).encode()).decode()


def _place(query: Query, version: int) -> tuple[int, tuple[str, str]]:
    token = query.get("continue", "")
    if not token:
        return version, ("", "")
    try:
        began, namespace, name = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError) as error:
        raise Refusal(400, f"continue key is not valid: {error}") from error
    return int(began), (str(namespace), str(name))
