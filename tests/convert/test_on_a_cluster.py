"""What the examples become, on the embedded cluster: taken by the API server, and brought up by the real controller."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from aiohttp import ClientSession

from rollouts.api import resources
from rollouts.api.resources import ANALYSIS_TEMPLATES, CANARIES, SCALED_OBJECTS, Manifest, ObjectKey, Resource
from rollouts.embedded import serving, write_kubeconfig
from rollouts.embedded.kinds import DEFINITIONS, NAMESPACES
from rollouts.embedded.open_kinds import open_definition
from rollouts.lint.schema_rules import kinds_of_ours
from rollouts.testing.garbage import GarbageCollector
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.pods import PodsController
from tests.adapters.prometheus_server import prometheus_server, vector
from tests.app.test_controller import controller
from tests.convert.goldens import NAMES, in_the_end

BROUGHT_UP_WITHIN_S = 50.0
RESOURCES = {one.kind: one for one in vars(resources).values() if isinstance(one, Resource)}
WAIT_FOR = {
    "argo-header/shop": "RouteNotFound",
    "argo-several/shop": "RouteNotFound",
    "argo-no-router/shop": "Suspended",
    "flagger-ab-lost/shop": "Suspended",
    "argo-analysis/shop": "SecretNotFound",
    "flagger-elsewhere/gateway": "TargetNotFound",
    "flagger-elsewhere/gloo": "TargetNotFound",
    "flagger-elsewhere/nginx": "TargetNotFound",
    "flagger-sources/shop": "TemplateNotFound",
}
"""Canaries that wait, as the report told: for what is not in the files, for a template that was lost, or for a look."""


async def test_each_result_is_taken_and_comes_up(tmp_path: Path) -> None:
    """Every Canary whose target and routes are there is Initialized; the others say what they wait for."""
    server = MemoryServer(lambda: datetime.now(UTC))
    GarbageCollector(server, Random(1)).start()
    PodsController(server, Random(1), lambda _image: 0.05).start()
    objects = [one for name in NAMES for one in in_the_end(name)]
    async with serving(server) as url, prometheus_server(vector("0")) as prometheus:
        write_kubeconfig(tmp_path / "config", url)
        await _apply(url, [_asking(one, prometheus.url) for one in objects])
        keys = [ObjectKey.of(one) for one in objects if one["kind"] == CANARIES.kind]
        settings = {"kubeconfig": tmp_path / "config", "metrics_server": prometheus.url, "listen": "127.0.0.1:0"}
        program = controller(tmp_path / "log", **settings)
        await asyncio.to_thread(program.__enter__)
        try:
            await _until_alike(server, keys)
        finally:
            program.__exit__(None, None, None)
    assert len(keys) > len(WAIT_FOR) * 2


async def _apply(url: str, objects: list[Manifest]) -> None:
    """As kubectl does: strictly, so that an unknown field is an error."""
    async with ClientSession(url) as session:
        await _send(session, DEFINITIONS, open_definition(SCALED_OBJECTS))
        for name in sorted({one["metadata"]["namespace"] for one in objects}):
            await _send(session, NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        for one in objects:
            if (manifest := _known(one)) is not None:
                await _send(session, RESOURCES[one["kind"]], manifest)


def _asking(manifest: Manifest, url: str) -> Manifest:
    """With the address of a server that is there, where a template has one of its own."""
    provider = manifest["spec"].get("provider") or {} if manifest["kind"] == ANALYSIS_TEMPLATES.kind else {}
    if "address" not in provider:
        return manifest
    return {**manifest, "spec": {**manifest["spec"], "provider": {**provider, "address": url}}}


async def _send(session: ClientSession, resource: Resource, manifest: Manifest) -> None:
    path = resource.path(namespace=manifest["metadata"].get("namespace", ""))
    async with session.post(f"{path}?fieldValidation=Strict", json=manifest) as answer:
        assert answer.status == 201, (manifest["metadata"], await answer.text())


def _known(manifest: Manifest) -> Manifest | None:
    """As far as this version has the kinds: alerts go with the AlertProvider."""
    if "AlertProvider" in kinds_of_ours():
        return manifest
    if manifest["kind"] == "AlertProvider":
        return None
    if manifest["kind"] != CANARIES.kind:
        return manifest
    analysis = {name: value for name, value in manifest["spec"]["analysis"].items() if name != "alerts"}
    return {**manifest, "spec": {**manifest["spec"], "analysis": analysis}}


def _unlike(server: MemoryServer, keys: list[ObjectKey]) -> dict[str, Any]:
    """Canaries that are not as they should be, and how they are."""
    found = {}
    for key in keys:
        status = (server.stored(CANARIES, key) or {}).get("status", {})
        ready = [one for one in status.get("conditions", ()) if one["type"] == "Ready"]
        waits = WAIT_FOR.get(str(key))
        if (ready and ready[0]["reason"] == waits) if waits else status.get("phase") == "Initialized":
            continue
        found[str(key)] = (status.get("phase"), *((one["reason"], one["message"]) for one in ready))
    return found


async def _until_alike(server: MemoryServer, keys: list[ObjectKey]) -> None:
    ends_at = time.monotonic() + BROUGHT_UP_WITHIN_S
    while unlike := _unlike(server, keys):
        assert time.monotonic() < ends_at, unlike
        await asyncio.sleep(0.1)
