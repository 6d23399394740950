"""Keeps the journal: follows the Canary and its VirtualService, asks Envoy for its routes, reads the user's objects."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp

from e2e.lab.workload.follow import Audience, Follower
from e2e.lab.workload.kube_api import KubeApi
from e2e.play.witnesses import CANARIES, ROUTES
from e2e.scenarios.journal import Journal

_POLL_S = 0.1
_OBJECTS_S = 1.0
_ROUTES_DUMP = "/config_dump?resource=dynamic_route_configs"
_NO_ROUTES = 404
"""Envoy's answer while it was given no route at all."""
_TIMEOUT = aiohttp.ClientTimeout(total=5)
_ISTIO = "/apis/networking.istio.io/v1/namespaces/default"
_SECURITY = "/apis/security.istio.io/v1/namespaces/default"
KINDS = {
    "Deployment": "/apis/apps/v1/namespaces/default/deployments",
    "Service": "/api/v1/namespaces/default/services",
    "Gateway": f"{_ISTIO}/gateways",
    "VirtualService": f"{_ISTIO}/virtualservices",
    "DestinationRule": f"{_ISTIO}/destinationrules",
    "AuthorizationPolicy": f"{_SECURITY}/authorizationpolicies",
    "RequestAuthentication": f"{_SECURITY}/requestauthentications",
    "PeerAuthentication": f"{_SECURITY}/peerauthentications",
}
"""Every kind that the scenarios' users have, and that a controller might touch."""


async def follow(api: KubeApi, journal: Journal) -> None:
    """Follow the Canary and the VirtualService until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        for path, told in ((CANARIES, journal.canary_seen), (ROUTES, journal.route_seen)):
            tasks.create_task(Follower(api, path.format("default"), Audience(told, lambda _gone: None)).run())


async def poll_envoy(admin_url: str, journal: Journal) -> None:
    """Read Envoy's routes until cancelled."""
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        while True:
            asked_at_s = time.time()
            async with session.get(admin_url + _ROUTES_DUMP) as answer:
                if answer.status != _NO_ROUTES:
                    answer.raise_for_status()
                    journal.envoy_seen(await answer.json(content_type=None), asked_at_s)
            await asyncio.sleep(_POLL_S)


async def poll_objects(api: KubeApi, journal: Journal) -> None:
    """Read the user's objects every second until cancelled."""
    while True:
        journal.objects_seen(await read_objects(api))
        await asyncio.sleep(_OBJECTS_S)


async def read_objects(api: KubeApi) -> list[dict[str, Any]]:
    """All objects of these kinds in namespace `default` but Kubernetes' own, with their kinds."""
    found = []
    for kind, path in KINDS.items():
        items, _ = await api.list_objects(path)
        found += [{**item, "kind": kind} for item in items if item["metadata"]["name"] != "kubernetes"]
    return found
