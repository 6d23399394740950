"""The API over loopback: a cluster in memory, people with tokens and rights, and a client that sends them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from prometheus_client import CollectorRegistry

from rollouts.api.resources import CANARIES, ObjectKey
from rollouts.ports import Access
from rollouts.server.api import Backend
from rollouts.server.feed import Feed
from rollouts.server.health import make_server
from rollouts.server.link_pages import LinkPages, make_links
from rollouts.server.listen import bind, serving
from rollouts.server.routes import make_api
from rollouts.testing.memory_cluster import MemoryCluster
from rollouts.testing.on_behalf import People
from tests.engine.world import canary_manifest

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
APP = ObjectKey("shop", "app")
KEYS = (b"k" * 32, b"old" * 16)
GATE: Mapping[str, Any] = {"type": "confirm-promotion", "since": "2026-05-04T11:00:00Z", "message": "gate waits"}
STATUS: Mapping[str, Any] = {
    "observedGeneration": 1, "phase": "WaitingPromotion",
    "lastAppliedSpec": "b", "lastPromotedSpec": "a", "desiredWeight": 50, "stepIndex": 5,
    "stepCount": 5, "gate": GATE, "startedAt": "2026-05-04T10:00:00Z", "lastTransitionTime": "2026-05-04T11:00:00Z",
}  # fmt: skip


@dataclass
class ApiWorld:
    """All there is, and the time that the test sets."""

    cluster: MemoryCluster
    people: People
    feed: Feed = field(default_factory=Feed)
    now: datetime = NOW
    monotonic_s: float = 0.0
    url: str = ""
    session: aiohttp.ClientSession | None = None

    def canary(self, key: ObjectKey = APP, **status: Any) -> None:
        """A Canary that waits at its last gate, but for what is said."""
        manifest = canary_manifest()
        manifest["metadata"] = {"name": key.name, "namespace": key.namespace}
        self.cluster.put(CANARIES, manifest)
        self.cluster.set_status(CANARIES, key, {**STATUS, **status})

    def person(self, name: str, *verbs: str, namespace: str = "shop") -> str:
        """Somebody with a token, who may do that; the token."""
        self.people.tokens[f"token-of-{name}"] = name
        self.people.rights[name] = {Access(verb, namespace) for verb in verbs}
        return f"token-of-{name}"

    async def ask(self, method: str, path: str, token: str = "", **options: Any) -> tuple[int, Any]:
        """Code and JSON of an answer."""
        async with self.request(method, path, token, **options) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if answer.content_type == "application/json" else text

    def request(self, method: str, path: str, token: str = "", **options: Any) -> Any:
        """A request under way."""
        assert self.session is not None
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.session.request(method, self.url + path, headers=headers | options.pop("headers", {}), **options)

    def annotations(self, key: ObjectKey = APP) -> dict[str, Any]:
        """What is asked of a Canary: the annotations, read as JSON."""
        canary = self.cluster.stored(CANARIES, key)
        assert canary is not None
        found = (canary["metadata"].get("annotations") or {}).items()
        return {name.partition("/")[2]: json.loads(text) for name, text in found if name.startswith("actions.")}


@asynccontextmanager
async def api_world(*, heartbeat_s: float = 15.0) -> AsyncIterator[ApiWorld]:
    """The server on a port of its own."""
    cluster = MemoryCluster(lambda: NOW)
    world = ApiWorld(cluster, People())
    cluster.on_change = lambda resource, key: world.feed.publish(key) if resource == CANARIES else None
    backend = Backend(
        lambda: cluster, world.people, world.feed, lambda: world.now, lambda: world.monotonic_s,
        heartbeat_s=heartbeat_s,
    )  # fmt: skip
    pages = LinkPages(lambda: cluster, lambda: KEYS, lambda: world.now, lambda: world.monotonic_s)
    mounted = {"/api/v1": make_api(backend), "/links": make_links(pages)}
    listener = bind("127.0.0.1:0")
    world.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        serving(make_server(CollectorRegistry(), lambda: "", mounted), listener),
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as world.session,
    ):
        yield world
