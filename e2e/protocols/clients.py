"""The clients: of each kind those whose share is counted, and those who ask for what is not released.

TCP and TLS clients open a connection for each request, since connections are what is shared there.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from e2e.lab.load import LoadClient
from e2e.lab.load.target import Target, read_target
from e2e.lab.mesh import GATEWAY_TCP_URL, GATEWAY_TLS_ADDRESS, GATEWAY_URL
from e2e.lab.workload.kubeconfig import read_kubeconfig
from e2e.protocols.kind import DELEGATION, TCP, TLS

TIMEOUT_S = 15.0
PLAIN_TLS, PLAIN_HTTP = "plain by SNI", "plain by path"
BESIDE = (PLAIN_TLS, PLAIN_HTTP)
"""Clients whom no release concerns, though their routes stand in the same objects."""
_CLOSED = {"connection": "close"}


@dataclass(frozen=True, slots=True)
class Client:
    """One kind of clients."""

    target: Target
    rate_per_s: float
    headers: Mapping[str, str]


def clients() -> dict[str, Client]:
    """All, by their names: a kind's own have the kind's."""
    by_path = {"Host": "shop.example"}
    return {
        TCP.name: Client(read_target(f"{GATEWAY_TCP_URL}/"), 60.0, _CLOSED),
        TLS.name: Client(_over_tls("vault.example"), 60.0, _CLOSED),
        DELEGATION.name: Client(read_target(f"{GATEWAY_URL}/shop"), 60.0, by_path),
        PLAIN_TLS: Client(_over_tls("plain.example"), 10.0, _CLOSED),
        PLAIN_HTTP: Client(read_target(f"{GATEWAY_URL}/"), 10.0, by_path),
    }


@asynccontextmanager
async def opened_clients() -> AsyncIterator[dict[str, LoadClient]]:
    """All of them; none sends yet."""
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(
                LoadClient(one.target, rate_per_s=one.rate_per_s, headers=one.headers, timeout_s=TIMEOUT_S)
            )
            for name, one in clients().items()
        }


def _over_tls(name: str) -> Target:
    """The gateway passes the bytes on: what ends the TLS is a pod, whose certificate is the lab's only one."""
    context = read_kubeconfig(Path(os.environ["KUBECONFIG"])).tls
    if context is None:
        raise ValueError("the lab's API server has no certificate")
    context.check_hostname = False
    return Target(*GATEWAY_TLS_ADDRESS, name, "/", context, name)
