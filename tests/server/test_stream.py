"""Server-sent events over a real connection: changes, heartbeats, ends."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from rollouts.api.resources import CANARIES, ObjectKey
from rollouts.server.feed import QUEUE_MAX, Feed
from rollouts.server.stream import EventStream, News, Said
from tests.server.api_world import APP, STATUS, ApiWorld, api_world

EVENTS = "/api/v1/namespaces/shop/canaries/app/events"


async def _next(answer: Any) -> tuple[str, Any]:
    """The next event; of a heartbeat the comment alone."""
    told: dict[str, str] = {}
    async with asyncio.timeout(10):
        while True:
            line = (await answer.content.readline()).decode().rstrip("\n")
            if line.startswith(":"):
                return line, None
            if not line and told:
                return told["event"], json.loads(told["data"])
            if line:
                name, _, value = line.partition(": ")
                told[name] = value


async def test_each_change_is_told_and_the_end_too() -> None:
    """First what it is, then what it becomes; another Canary's changes are not told."""
    async with api_world() as world:
        world.canary()
        token = world.person("ann", "watch")
        async with world.request("GET", EVENTS, token) as answer:
            assert answer.content_type == "text/event-stream"
            assert (await _next(answer))[1]["weight"] == 50
            world.canary(ObjectKey("shop", "other"))
            world.cluster.set_status(CANARIES, APP, {**STATUS, "desiredWeight": 60})
            assert (await _next(answer))[1]["weight"] == 60
            world.cluster.delete(CANARIES, APP)
            assert await _next(answer) == ("gone", {})


async def test_silence_has_a_heartbeat_and_a_right_that_ends_ends_it() -> None:
    """So that proxies keep the connection, and nobody hears more than allowed."""
    async with api_world(heartbeat_s=0.05) as world:
        world.canary()
        async with world.request("GET", EVENTS, world.person("ann", "watch")) as answer:
            await _next(answer)
            assert await _next(answer) == (": alive", None)
            world.people.rights["ann"] = set()
            world.monotonic_s += 60
            while (told := await _next(answer))[1] is None:
                pass
            assert told[0] == "denied"
            assert await answer.content.read() == b""


async def test_who_goes_is_forgotten() -> None:
    """No listener is left behind."""
    async with api_world() as world:
        world.canary()
        async with world.request("GET", EVENTS, world.person("ann", "watch")) as answer:
            await _next(answer)
            assert len(world.feed._listeners) == 1
        await _until_alone(world)


async def _until_alone(world: ApiWorld) -> None:
    async with asyncio.timeout(10):
        while world.feed._listeners:  # noqa: ASYNC110 - the server ends it, and tells nobody
            await asyncio.sleep(0.01)


async def test_who_does_not_keep_up_is_cut() -> None:
    """What is kept for one listener is bounded; many changes of one Canary are one."""
    feed = Feed()
    with feed.listening() as slow:
        for _ in range(QUEUE_MAX * 2):
            feed.publish(APP)
        assert not slow.cut
        for number in range(QUEUE_MAX + 1):
            feed.publish(ObjectKey("shop", str(number)))
        assert (slow.cut, len(slow.waiting)) == (True, 0)


async def test_a_client_that_reads_nothing_is_left() -> None:
    """Its connection is closed after a while, and nobody waits for it."""
    feed, gone = Feed(), asyncio.Event()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await gone.wait()

    async def receive() -> Any:
        await gone.wait()

    async def allowed() -> bool:
        return True

    stream = EventStream(News(feed, APP, lambda: Said("canary", "{}"), allowed), send_max_s=0.05)
    async with asyncio.timeout(10):
        await stream({"type": "http"}, receive, send)
    assert not feed._listeners
