"""What a story plays with: the lab, the controller, the clients, the journal; and how these are brought on and off."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from e2e.lab.load import LoadClient, Record
from e2e.lab.workload.kube_api import KubeApi, open_api
from e2e.lab.workload.kubeconfig import read_kubeconfig
from e2e.play.controller import Controller
from e2e.play.journal import Journal
from e2e.play.logs import read_audit, read_queries
from e2e.play.seen import ApiRequest

RATE_PER_S = 220.0
"""Of all clients together."""
LOAD_TIMEOUT_S = 60.0
"""Longer than nearly any answer of the slow version: a patient client, whose time-out is an error in itself."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One lab with the controller in it."""

    lab: Mapping[str, str]
    api: KubeApi
    controller: Controller
    journal: Journal
    loads: Mapping[str, LoadClient]
    """By the name of the kind of clients."""
    interval_s: float

    def start_load(self) -> None:
        """All clients begin to send, for good."""
        for load in self.loads.values():
            load.start()

    def records(self, since_s: float = 0.0) -> tuple[Record, ...]:
        """What came of the requests that were sent from that time on, in the order of their ends."""
        found = (record for name in self.loads for record in self.records_of(name, since_s))
        return tuple(sorted(found, key=lambda record: record.done_at_s))

    def records_of(self, clients: str, since_s: float = 0.0) -> tuple[Record, ...]:
        """The same of one kind of clients."""
        return tuple(record for record in self.loads[clients].records if record.sent_at_s >= since_s)

    def requests(self, since_s: float, until_s: float) -> list[ApiRequest]:
        """What the controller asked of the API server in that time."""
        with Path(self.lab["AUDIT_LOG"]).open(encoding="utf-8") as log:
            return read_audit(log, since_s=since_s, until_s=until_s)

    def queries(self, since_s: float, until_s: float) -> list[str]:
        """What Prometheus was asked in that time."""
        with Path(self.lab["PROMETHEUS_QUERY_LOG"]).open(encoding="utf-8") as log:
            return read_queries(log, since_s=since_s, until_s=until_s)


@asynccontextmanager
async def opened(
    interval_s: float, clients: Mapping[str, Mapping[str, str]], rate_per_s: float = RATE_PER_S
) -> AsyncIterator[Scene]:
    """A scene in the lab that this process runs in. No client sends yet, nor is the controller started.

    `clients` are the kinds of clients with the headers that each sends; they share the rate evenly.
    """
    lab = dict(os.environ)
    url = lab.get("GATEWAY_URL", "http://127.0.0.1:18080")
    controller = Controller(lab)
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(open_api(read_kubeconfig(Path(lab["KUBECONFIG"]))))
        loads = {
            name: await stack.enter_async_context(
                LoadClient(url, rate_per_s=rate_per_s / len(clients), headers=headers, timeout_s=LOAD_TIMEOUT_S)
            )
            for name, headers in clients.items()
        }
        # Also when the stories were broken off: nothing is left running.
        stack.push_async_callback(lambda: asyncio.shield(controller.kill()))
        yield Scene(lab, api, controller, Journal(), loads, interval_s)
