"""From nothing to a transport and the one clock: a single question to the API server, which tells the time too."""

from __future__ import annotations

from collections.abc import Callable

from rollouts.errors import Unavailable
from rollouts.kube.clock import ServerClock
from rollouts.kube.requests import get_version
from rollouts.kube.transport import Transport


async def read_clock(transport: Transport, monotonic: Callable[[], float]) -> ServerClock:
    """A clock set to the API server's. `monotonic` must be the transport's. Raises KubeError if it can't be asked."""
    await transport.send(get_version())
    if transport.server_time is None:
        raise Unavailable("the API server's answers have no Date header: there is no common time to measure by")
    return ServerClock(transport.server_time, monotonic)
