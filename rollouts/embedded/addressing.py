"""Which object a write is of: its kind, name and namespace, by the path and by the body, which must agree."""

from __future__ import annotations

import copy
from random import Random

from rollouts.api.resources import Manifest
from rollouts.embedded.answers import Refusal
from rollouts.embedded.asked import Asked
from rollouts.embedded.kinds import REVIEWS, Kinds
from rollouts.embedded.target import Target

_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


class Addressing:
    """Names for one server. `random` is for those that it generates."""

    def __init__(self, kinds: Kinds, random: Random) -> None:
        self._kinds = kinds
        self._random = random

    def addressed(self, asked: Asked) -> Manifest:
        """The body with the name and namespace of the path, which must not contradict it. Raises Refusal."""
        target, manifest = asked.target, copy.deepcopy(asked.manifest)
        check_kind(target, manifest)
        metadata = manifest.setdefault("metadata", {})
        if not isinstance(metadata, dict):
            raise Refusal(400, "metadata must be an object")
        if target.kind.resource in REVIEWS:
            return manifest
        if target.kind.namespaced:
            metadata.setdefault("namespace", target.namespace)
        else:
            metadata.pop("namespace", None)
        if not metadata.get("name"):
            metadata["name"] = target.name or self._generated(target, metadata)
        check_identity(target, manifest)
        if target.kind.namespaced:
            self._check_namespace(target)
        return manifest

    def _generated(self, target: Target, metadata: Manifest) -> str:
        prefix = str(metadata.get("generateName", ""))
        if not prefix:
            resource = target.kind.resource
            told = "Required value: name or generateName is required"
            cause = {"reason": "FieldValueRequired", "message": told, "field": "metadata.name"}
            details: Manifest = {"group": resource.group, "kind": resource.kind, "causes": [cause]}
            raise Refusal(422, f'{resource.kind} "" is invalid: metadata.name: {told}', details=details)
        return prefix + "".join(self._random.choices(_SUFFIX_LETTERS, k=5))

    def _check_namespace(self, target: Target) -> None:
        if not self._kinds.has_namespace(target.namespace):
            details: Manifest = {"name": target.namespace, "kind": "namespaces"}
            raise Refusal(404, f'namespaces "{target.namespace}" not found', details=details)


def check_kind(target: Target, manifest: Manifest) -> None:
    """That the body is of the kind on the path. Raises Refusal."""
    resource = target.kind.resource
    meant = (resource.api_version, resource.kind)
    said = (manifest.get("apiVersion", meant[0]), manifest.get("kind", meant[1]))
    if said != meant:
        told = f"the API version in the data ({said[0]}, Kind={said[1]}) does not match the expected one"
        raise Refusal(400, f"{told} ({meant[0]}, Kind={meant[1]})")


def check_identity(target: Target, manifest: Manifest) -> None:
    """That the body is of the object on the path. Raises Refusal."""
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict):
        raise Refusal(400, "metadata must be an object")
    name, namespace = metadata.get("name"), metadata.get("namespace", "")
    if target.name and name != target.name:
        raise Refusal(400, f"the name of the object ({name}) does not match the name on the URL ({target.name})")
    if namespace != target.namespace:
        said = f"the namespace of the object ({namespace}) does not match the namespace on the request"
        raise Refusal(400, f"{said} ({target.namespace})")
