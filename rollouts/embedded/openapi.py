"""OpenAPI v3 of what is served, one document a group and version: as much as kubectl and other clients look at.

kubectl takes from it the keys of lists (apply, diff), what `explain` prints, and whether the server knows dry runs and
the validation of fields, which the parameters of the operations say. Pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rollouts.api.resources import Manifest, Resource
from rollouts.embedded.schemas import schema_of, with_metadata

V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
NOTHING_IN_V2 = b"\x0a\x032.0\x12\x10\x0a\x0aKubernetes\x12\x02v1B\x00"
"""An OpenAPI v2 document without a path, as kubectl reads it: it looks there for kinds that v3 does not have."""

_GVK = "x-kubernetes-group-version-kind"
_OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_BODIES = {
    "post": ("application/json", "application/yaml"),
    "put": ("application/json", "application/yaml"),
    "patch": (
        "application/apply-patch+yaml",
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
    ),
}
_WRITE_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation")


@dataclass(frozen=True, slots=True)
class Documented:
    """A kind as its documentation shows it; `schema` is the one of a custom kind's definition."""

    resource: Resource
    namespaced: bool = True
    schema: Manifest | None = None
    subresources: tuple[str, ...] = ()


def index(documents: Mapping[str, Manifest]) -> Manifest:
    """The answer to /openapi/v3: where the document of each `apis/GROUP/VERSION` is, and which state of it."""
    return {"paths": {path: {"serverRelativeURL": _url(path, each)} for path, each in sorted(documents.items())}}


def documents(kinds: Sequence[Documented]) -> dict[str, Manifest]:
    """The documents by `apis/GROUP/VERSION`, or `api/v1`."""
    by_path: dict[str, list[Documented]] = {}
    for kind in kinds:
        by_path.setdefault(_root(kind.resource), []).append(kind)
    return {path: _document(each) for path, each in by_path.items()}


def _url(path: str, document: Manifest) -> str:
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    return f"/openapi/v3/{path}?hash={digest.upper()}"


def _root(resource: Resource) -> str:
    return f"apis/{resource.api_version}" if resource.group else f"api/{resource.version}"


def _document(kinds: Sequence[Documented]) -> Manifest:
    paths: dict[str, Manifest] = {}
    for kind in kinds:
        paths |= _paths(kind)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1"},
        "paths": paths,
        "components": {"schemas": {_name(kind.resource): _schema(kind) for kind in kinds}},
    }


def _name(resource: Resource) -> str:
    """As a server names it: the group's labels backwards, then version and kind."""
    group = resource.group or "core"
    parts = [*reversed(group.split("."))] if "." in group else ["io", "k8s", "api", group]
    return ".".join([*parts, resource.version, resource.kind])


def _schema(kind: Documented) -> Manifest:
    known = schema_of(kind.resource.kind) if kind.schema is None else kind.schema
    return {**with_metadata(known or _OPEN), _GVK: [_gvk(kind.resource)]}


def _gvk(resource: Resource) -> Manifest:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _paths(kind: Documented) -> dict[str, Manifest]:
    resource, namespace = kind.resource, "{namespace}" if kind.namespaced else ""
    collection = resource.path(namespace=namespace)
    one = resource.path(namespace=namespace, name="{name}")
    paths = {
        collection: {verb: _operation(kind, verb, name) for verb, name in (("get", "list"), ("post", "post"))},
        one: {verb: _operation(kind, verb, verb) for verb in ("get", "put", "patch", "delete")},
    }
    if kind.namespaced:
        paths[resource.path()] = {"get": _operation(kind, "get", "list")}
    for subresource in kind.subresources:
        path = resource.path(namespace=namespace, name="{name}", subresource=subresource)
        paths[path] = {verb: _operation(kind, verb, verb) for verb in ("get", "put", "patch")}
    return paths


def _operation(kind: Documented, verb: str, action: str) -> Manifest:
    resource = kind.resource
    schema = {"$ref": f"#/components/schemas/{_name(resource)}"}
    operation: Manifest = {
        "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": schema}}}},
        "x-kubernetes-action": action,
        _GVK: _gvk(resource),
    }
    if verb in _BODIES:
        operation["parameters"] = [_parameter(name) for name in _WRITE_PARAMETERS]
        # Only built-in kinds take strategic patches: from here kubectl learns how to apply a kind.
        media = [each for each in _BODIES[verb] if not (kind.schema and "strategic" in each)]
        operation["requestBody"] = {"content": {each: {"schema": schema} for each in media}}
    return operation


def _parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
