"""What can go wrong between us and the API server, as errors of ours, and how a dead peer is noticed.

Nothing of aiohttp's or the system's gets past here. Messages name the kind of failure, never what was sent.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import ClientConnectorError, ClientError, ClientResponse, ConnectionTimeoutError
from kubernetes_asyncio.config import ConfigException

from rollouts.errors import Unavailable
from rollouts.kube.failures import NotSent
from rollouts.kube.lines import LineTooLong
from rollouts.kube.requests import Request


@contextmanager
def our_errors(request: Request) -> Iterator[None]:
    """Turn every way in which talking can fail into an error of ours."""
    try:
        yield
    except (ClientConnectorError, ConnectionTimeoutError) as error:
        raise unavailable(request, "no connection to the API server", kind=NotSent, cause=error) from error
    except LineTooLong as error:
        raise unavailable(request, str(error)) from error
    except ConfigException as error:
        raise unavailable(request, "the credentials can't be read", kind=NotSent, cause=error) from error
    except (TimeoutError, ClientError, OSError) as error:
        raise unavailable(request, "the connection failed", cause=error) from error


def unavailable(
    request: Request, what: str, *, kind: type[Unavailable] = Unavailable, cause: Exception | None = None
) -> Unavailable:
    """The error for a request that got no usable answer. Of the cause only the type is told."""
    why = f" ({type(cause).__name__})" if cause else ""
    return kind(f"{request}: {what}{why}", verb=request.verb, resource=request.resource)


def keep_alive(answer: ClientResponse) -> None:
    """Have the kernel find a dead peer within half a minute, long before the silence limit does."""
    connection = answer.connection
    transport = connection.transport if connection else None
    link = transport.get_extra_info("socket") if transport else None
    if link is None or link.family == socket.AF_UNIX:  # within one machine a dead peer's end is closed by the kernel
        return
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):  # not every system has them
            link.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
