"""Somebody with kubectl: changes objects through the API, as a user or a pipeline does, never behind its back."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Protocol

import yaml

from rollouts.api.actions import PREFIX, Verb
from rollouts.api.resources import CANARIES, DEPLOYMENTS, Manifest, ObjectKey, Resource
from rollouts.kube import requests
from rollouts.kube.requests import Request
from rollouts.kube.transport import Response

MANAGER = "kubectl"
_CONTAINER = "/spec/template/spec/containers/0"


class Sender(Protocol):
    """A way to the API server; a Transport is one."""

    async def send(self, request: Request) -> Response:
        """The whole answer. Raises KubeError."""
        ...


class User:
    """Works through one connection. Everything raises KubeError as the API server has it."""

    def __init__(self, transport: Sender) -> None:
        self._transport = transport

    async def apply(self, resource: Resource, manifest: Manifest) -> None:
        """Like `kubectl apply --server-side`."""
        await self._transport.send(requests.apply(resource, manifest, field_manager=MANAGER))

    async def release(self, key: ObjectKey, image: str, env: Mapping[str, str]) -> None:
        """Like `kubectl set image` and `set env`: of the first container, in one request."""
        found = (await self._transport.send(requests.get(DEPLOYMENTS, key))).manifest()
        known = found["spec"]["template"]["spec"]["containers"][0].get("env") or []
        changed = {one["name"]: one for one in known} | {
            name: {"name": name, "value": value} for name, value in env.items()
        }
        operations: list[Manifest] = [
            {"op": "add", "path": f"{_CONTAINER}/image", "value": image},
            {"op": "add", "path": f"{_CONTAINER}/env", "value": [*changed.values()]},
        ]
        await self._transport.send(requests.patch_json(DEPLOYMENTS, key, operations))

    async def ask(self, key: ObjectKey, verb: Verb, text: str) -> None:
        """Like `kubectl annotate`: ask something of a Canary."""
        annotated = {"name": key.name, "namespace": key.namespace, "annotations": {PREFIX + verb: text}}
        request = requests.apply(CANARIES, {"metadata": annotated}, field_manager=f"{MANAGER}-annotate")
        await self._transport.send(request)


def shipped(name: str) -> Manifest:
    """One of the manifests that come with the demo."""
    text = files("rollouts.demo").joinpath("manifests", f"{name}.yaml").read_text(encoding="utf-8")
    manifest: Manifest = yaml.safe_load(text)
    return manifest
