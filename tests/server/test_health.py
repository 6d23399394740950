from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter

from rollouts.errors import RolloutsError
from rollouts.server.health import make_server
from rollouts.server.listen import AddressUnusable, bind, serving


class State:
    """Why the process can't work, as the test wants it."""

    reason = "waiting for the first lists of all kinds"


@pytest.fixture
def state() -> State:
    """Not ready at first."""
    return State()


@pytest.fixture
async def url(state: State) -> AsyncIterator[str]:
    """A server on a port of its own."""
    registry = CollectorRegistry()
    Counter("rollouts_things", "Things.", registry=registry).inc(3)
    listener = bind("127.0.0.1:0")
    port = listener.getsockname()[1]
    async with serving(make_server(registry, lambda: state.reason), listener):
        yield f"http://127.0.0.1:{port}"


async def get(url: str) -> tuple[int, str, str]:
    """Status, type and text of an answer."""
    limits = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=limits) as session, session.get(url) as answer:
        return answer.status, answer.headers["Content-Type"], await answer.text()


async def test_it_is_alive_whether_ready_or_not(url: str) -> None:
    """Liveness says that the loop turns, nothing else: a restart would mend nothing."""
    assert await get(f"{url}/healthz") == (200, "text/plain; charset=utf-8", "ok\n")


async def test_it_is_ready_when_nothing_stands_in_the_way(url: str, state: State) -> None:
    """503 with the reason before; 200 after; 503 again when something comes up."""
    assert (await get(f"{url}/readyz"))[::2] == (503, "waiting for the first lists of all kinds\n")
    state.reason = ""
    assert (await get(f"{url}/readyz"))[::2] == (200, "ok\n")
    state.reason = "canaries.rollouts.dev is not served by this cluster"
    assert (await get(f"{url}/readyz"))[::2] == (503, "canaries.rollouts.dev is not served by this cluster\n")


async def test_metrics_are_those_of_the_registry(url: str) -> None:
    """In Prometheus's text format, and of nobody else's registry."""
    code, kind, text = await get(f"{url}/metrics")
    assert (code, kind.partition(";")[0]) == (200, "text/plain")
    lines = [line for line in text.splitlines() if not line.startswith("#") and "_created" not in line]
    assert lines == ["rollouts_things_total 3.0"]


async def test_answers_carry_the_date(url: str) -> None:
    """Of now, not of the start: it goes on while the server lives."""
    limits = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=limits) as session, asyncio.timeout(10):
        dates: set[datetime] = set()
        while len(dates) < 2:
            async with session.get(f"{url}/healthz") as answer:
                dates.add(parsedate_to_datetime(answer.headers["Date"]))
            await asyncio.sleep(0.05)
    assert datetime.now(UTC) - max(dates) < timedelta(seconds=5)


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/redoc"])
async def test_nothing_else_is_served(url: str, path: str) -> None:
    """No page that nobody asked for."""
    assert (await get(f"{url}{path}"))[0] == 404


async def test_the_port_is_free_again_afterwards() -> None:
    """The next process can have it."""
    listener = bind("127.0.0.1:0")
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    async with serving(make_server(CollectorRegistry(), lambda: ""), listener):
        assert (await get(f"http://{address}/healthz"))[0] == 200
    bind(address).close()


@pytest.mark.parametrize("place", ["taken", "not ours", "no name"])
def test_an_unusable_address_is_told_in_one_line(place: str) -> None:
    """As an error that the operator can mend."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        address = {"taken": f"127.0.0.1:{port}", "not ours": f"192.0.2.1:{port}", "no name": f"nowhere.invalid:{port}"}
        with pytest.raises(AddressUnusable) as refused:
            bind(address[place])
    assert isinstance(refused.value, RolloutsError)
    assert str(refused.value).startswith(f"can't listen on {address[place]}: ")
    assert "\n" not in str(refused.value)


async def test_a_hanging_client_does_not_hold_the_end() -> None:
    """Who has opened a connection and says nothing is not waited for."""
    listener = bind("127.0.0.1:0")
    address: Any = listener.getsockname()
    async with asyncio.timeout(10):
        async with serving(make_server(CollectorRegistry(), lambda: ""), listener):
            _, writer = await asyncio.open_connection(*address[:2])
        writer.close()
