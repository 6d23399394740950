"""Keeps the journal: follows the Canary and its VirtualService, and asks Envoy for its routes again and again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import aiohttp

from e2e.lab.workload.follow import Audience, Follower
from e2e.lab.workload.kube_api import KubeApi
from e2e.play.envoy_routes import read_shares
from e2e.play.journal import Journal, Json

CANARIES = "/apis/rollouts.dev/v1beta1/namespaces/{}/canaries"
ROUTES = "/apis/networking.istio.io/v1/namespaces/{}/virtualservices"
_POLL_S = 0.05
_ROUTES_DUMP = "/config_dump?resource=dynamic_route_configs"
_NO_ROUTES = 404
"""Envoy's answer while it was given no route at all."""
_TIMEOUT = aiohttp.ClientTimeout(total=5)


async def follow_release(api: KubeApi, journal: Journal) -> None:
    """Follow the Canary and the VirtualService in namespace `default` until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(Follower(api, CANARIES.format("default"), _told(journal.canary_seen)).run())
        tasks.create_task(Follower(api, ROUTES.format("default"), _told(journal.route_seen)).run())


async def poll_envoy(admin_url: str, journal: Journal) -> None:
    """Read Envoy's routes every 50 ms until cancelled."""
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        while True:
            asked_at_s = time.time()
            async with session.get(admin_url + _ROUTES_DUMP) as answer:
                if answer.status != _NO_ROUTES:
                    answer.raise_for_status()
                    journal.envoy_seen(read_shares(await answer.json(content_type=None)), asked_at_s)
            await asyncio.sleep(_POLL_S)


def _told(put: Callable[[Json], None]) -> Audience:
    return Audience(put=put, remove=lambda _gone: None)
