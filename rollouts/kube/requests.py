"""What to ask of the API server, as values: one small builder per verb.

Pure: nothing here sends anything or knows what an answer looks like. `verb` and `resource` are written as RBAC
writes them, so that a refusal can say exactly which right is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from rollouts.api.resources import EVENTS, SECRETS, Manifest, ObjectKey, Resource
from rollouts.errors import InvariantViolated

PAGE_LIMIT = 500
"""Objects in one page of a list: bounds how long decoding one page keeps the event loop."""

APPLY_PATCH = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
JSON = "application/json"
_METADATA = "g=meta.k8s.io;v=v1"
_ACCEPTED = MappingProxyType({
    ("list", SECRETS): f"{JSON};as=PartialObjectMetadataList;{_METADATA},{JSON}",
    ("watch", SECRETS): f"{JSON};as=PartialObjectMetadata;{_METADATA},{JSON}",
})  # fmt: skip
"""What is in Secrets is not sent by the server where all of them are asked for: that one has changed is enough."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `body` is JSON data, not text; None means that there is none."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: Manifest | list[Manifest] | None
    verb: str
    resource: str

    def __str__(self) -> str:
        """For people: `patch canaries.rollouts.dev/status`."""
        return f"{self.verb} {self.resource}".strip()

    @property
    def content_type(self) -> str:
        """The type of the body; empty without one."""
        return dict(self.headers).get("Content-Type", "")


def list_page(resource: Resource, *, namespace: str = "", continue_token: str = "", limit: int = PAGE_LIMIT) -> Request:
    """One page of all objects of a kind, in one namespace or in all.

    The first without a token is the newest state, never a stale cache.
    """
    query = [("limit", str(limit))]
    if continue_token:
        query.append(("continue", continue_token))
    return _read(resource.path(namespace=namespace), "list", resource, query)


def list_selected(resource: Resource, namespace: str, *, selector: str, limit: int) -> Request:
    """At most `limit` objects of one namespace that a label selector means; what comes after them is not asked for."""
    query = [("labelSelector", selector), ("limit", str(limit))]
    return _read(resource.path(namespace=namespace), "list", resource, query)


def list_events(about: Resource, key: ObjectKey, *, limit: int) -> Request:
    """At most `limit` Events about one object."""
    fields = f"involvedObject.kind={about.kind},involvedObject.name={key.name}"
    query = [("fieldSelector", fields), ("limit", str(limit))]
    return _read(EVENTS.path(namespace=key.namespace), "list", EVENTS, query)


def with_token(request: Request, token: str) -> Request:
    """The same, as somebody who has that token."""
    return replace(request, headers=(*request.headers, ("Authorization", f"Bearer {token}")))


def watch(resource: Resource, *, namespace: str = "", resource_version: str, timeout_s: int) -> Request:
    """Changes after `resource_version`; the server ends the stream after `timeout_s` seconds."""
    query = [
        ("watch", "true"),
        ("allowWatchBookmarks", "true"),
        ("resourceVersion", resource_version),
        ("timeoutSeconds", str(timeout_s)),
    ]
    return _read(resource.path(namespace=namespace), "watch", resource, query)


def get(resource: Resource, key: ObjectKey) -> Request:
    """One object as it is now."""
    return _read(resource.path(namespace=key.namespace, name=key.name), "get", resource, [])


def get_version() -> Request:
    """The server's version: the cheapest question that every account may ask."""
    return Request("GET", "/version", (), (("Accept", JSON),), None, "get", "/version")


def create(resource: Resource, manifest: Manifest) -> Request:
    """A new object, refused if one of that name exists. A review may have no name at all."""
    namespace = manifest.get("metadata", {}).get("namespace", "")
    path = resource.path(namespace=namespace)
    return Request("POST", path, (), _typed(JSON), manifest, "create", str(resource))


def apply(resource: Resource, manifest: Manifest, *, field_manager: str) -> Request:
    """Server-side apply, forced: the fields in `manifest` become `field_manager`'s, others stay as they are."""
    key = ObjectKey.of(manifest)
    body = {**manifest, "apiVersion": resource.api_version, "kind": resource.kind}
    path = resource.path(namespace=key.namespace, name=key.name)
    query = (("fieldManager", field_manager), ("force", "true"))
    return Request("PATCH", path, query, _typed(APPLY_PATCH), body, "patch", str(resource))


def patch_json(resource: Resource, key: ObjectKey, operations: Sequence[Manifest]) -> Request:
    """RFC 6902 operations on one object; they carry their own preconditions."""
    path = resource.path(namespace=key.namespace, name=key.name)
    return Request("PATCH", path, (), _typed(JSON_PATCH), list(operations), "patch", str(resource))


def patch_strategic(resource: Resource, key: ObjectKey, patch: Manifest) -> Request:
    """What is to be so, of an object of a built-in kind: its lists are sets where Kubernetes says so."""
    path = resource.path(namespace=key.namespace, name=key.name)
    return Request("PATCH", path, (), _typed(STRATEGIC_PATCH), patch, "patch", str(resource))


def patch_status(resource: Resource, key: ObjectKey, *, resource_version: str, status: Manifest) -> Request:
    """Merge patch of the status subresource, refused unless the object is at `resource_version`."""
    if not resource_version:  # the server would take it as "whatever the version is"
        raise InvariantViolated(f"a status of {resource} {key} without the version it was made from")
    path = resource.path(namespace=key.namespace, name=key.name, subresource="status")
    body = {"metadata": {"resourceVersion": resource_version}, "status": status}
    return Request("PATCH", path, (), _typed(MERGE_PATCH), body, "patch", f"{resource}/status")


def delete(resource: Resource, key: ObjectKey, *, propagation: str, uid: str, resource_version: str) -> Request:
    """The end of one object, refused unless it has this uid and version; an empty one is not asked for."""
    path = resource.path(namespace=key.namespace, name=key.name)
    named = {"uid": uid, "resourceVersion": resource_version}
    demanded = {name: value for name, value in named.items() if value}
    body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation, "preconditions": demanded}
    return Request("DELETE", path, (), _typed(JSON), body, "delete", str(resource))


def _read(path: str, verb: str, resource: Resource, query: Sequence[tuple[str, str]]) -> Request:
    accept = _ACCEPTED.get((verb, resource), JSON)
    return Request("GET", path, tuple(query), (("Accept", accept),), None, verb, str(resource))


def _typed(content_type: str) -> tuple[tuple[str, str], ...]:
    return (("Accept", JSON), ("Content-Type", content_type))
