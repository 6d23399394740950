"""What a story plays with: the lab, the controller, the load, the journal; and how these are brought on and off."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from e2e.first_light.controller import Controller
from e2e.first_light.facts import ApiRequest
from e2e.first_light.journal import Journal
from e2e.first_light.logs import read_audit, read_queries
from e2e.lab.load import LoadClient
from e2e.lab.workload.kube_api import KubeApi, open_api
from e2e.lab.workload.kubeconfig import read_kubeconfig

RATE_PER_S = 220.0
LOAD_TIMEOUT_S = 60.0
"""Longer than nearly any answer of the slow version: a patient client, whose time-out is an error in itself."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One lab with the controller in it."""

    lab: Mapping[str, str]
    api: KubeApi
    controller: Controller
    journal: Journal
    load: LoadClient
    interval_s: float

    def requests(self, since_s: float, until_s: float) -> list[ApiRequest]:
        """What the controller asked of the API server in that time."""
        with Path(self.lab["AUDIT_LOG"]).open(encoding="utf-8") as log:
            return read_audit(log, since_s=since_s, until_s=until_s)

    def queries(self, since_s: float, until_s: float) -> list[str]:
        """What Prometheus was asked in that time."""
        with Path(self.lab["PROMETHEUS_QUERY_LOG"]).open(encoding="utf-8") as log:
            return read_queries(log, since_s=since_s, until_s=until_s)


@asynccontextmanager
async def opened(interval_s: float) -> AsyncIterator[Scene]:
    """A scene in the lab that this process runs in. The load is not started, nor is the controller."""
    lab = dict(os.environ)
    url = lab.get("GATEWAY_URL", "http://127.0.0.1:18080")
    controller = Controller(lab)
    async with (
        open_api(read_kubeconfig(Path(lab["KUBECONFIG"]))) as api,
        LoadClient(url, rate_per_s=RATE_PER_S, timeout_s=LOAD_TIMEOUT_S) as load,
    ):
        try:
            yield Scene(lab, api, controller, Journal(), load, interval_s)
        finally:
            # Also when the stories were broken off: nothing is left running.
            await asyncio.shield(controller.kill())
