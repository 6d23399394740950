from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from kubernetes_asyncio.client import ApiClient, Configuration

from rollouts.kube.clock import ServerClock, ServerTime
from rollouts.kube.transport import Timeouts, Transport
from tests.kube.rude_server import RudeServer, rude_server


@pytest.fixture
async def rude() -> AsyncIterator[RudeServer]:
    """A server that does what the test's script says."""
    async with rude_server() as server:
        yield server


@pytest.fixture
async def transport(rude: RudeServer) -> AsyncIterator[Transport]:
    """A transport to it, with short time-outs."""
    made = Transport(
        ApiClient(Configuration(host=rude.url)),
        monotonic=time.monotonic,
        timeouts=Timeouts(connect_s=1.0, total_s=0.5),
    )
    yield made
    await made.close()


@pytest.fixture
def clock() -> ServerClock:
    """A clock that runs in real time."""
    return ServerClock(ServerTime(datetime(2026, 1, 1, tzinfo=UTC), time.monotonic()), time.monotonic)
