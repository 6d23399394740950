"""Keeps the journal: follows the Canaries, asks Envoy for its listeners and routes, reads the user's objects."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp

from e2e.lab.workload.follow import Audience, Follower
from e2e.lab.workload.kube_api import KubeApi
from e2e.play.witnesses import CANARIES
from e2e.protocols.journal import Journal
from e2e.scenarios.witnesses import read_objects

_POLL_S = 0.1
_OBJECTS_S = 1.0
_DUMPS = ("dynamic_listeners", "dynamic_route_configs")
_NOTHING = 404
"""Envoy's answer while it was given nothing of the sort."""
_TIMEOUT = aiohttp.ClientTimeout(total=5)


async def follow_canaries(api: KubeApi, journal: Journal) -> None:
    """Follow all Canaries until cancelled."""
    await Follower(api, CANARIES.format("default"), Audience(journal.canary_seen, lambda _gone: None)).run()


async def poll_envoy(admin_url: str, journal: Journal) -> None:
    """Read Envoy's configuration until cancelled."""
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        while True:
            asked_at_s = time.time()
            dumps = [await _dump(session, f"{admin_url}/config_dump?resource={name}") for name in _DUMPS]
            journal.envoy_seen(dumps, asked_at_s)
            await asyncio.sleep(_POLL_S)


async def poll_objects(api: KubeApi, journal: Journal) -> None:
    """Read the user's objects every second until cancelled."""
    while True:
        journal.objects_seen(await read_objects(api))
        await asyncio.sleep(_OBJECTS_S)


async def _dump(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with session.get(url) as answer:
        if answer.status == _NOTHING:
            return {}
        answer.raise_for_status()
        found: dict[str, Any] = await answer.json(content_type=None)
        return found
