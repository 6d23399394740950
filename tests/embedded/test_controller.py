"""The program as it is shipped, on the embedded cluster: over HTTP, by its own transport."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import yaml

from rollouts.api.resources import CANARIES, DEPLOYMENTS, VIRTUAL_SERVICES, ObjectKey
from rollouts.embedded import serving, write_kubeconfig
from rollouts.testing.garbage import GarbageCollector
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.pods import PodsController
from tests.adapters.prometheus_server import prometheus_server, vector
from tests.app.test_controller import controller

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "first-light"
INITIALIZED_WITHIN_S = 30.0


async def test_the_controller_makes_a_canary_ready_and_lets_it_go(tmp_path: Path) -> None:
    """Initialized, with a primary and a route; deleted, the primary is gone."""
    server = MemoryServer(lambda: datetime.now(UTC))
    GarbageCollector(server, Random(1)).start()
    PodsController(server, Random(1), lambda _image: 0.05).start()
    app = ObjectKey("default", "app")
    async with serving(server) as url, prometheus_server(vector("0")) as prometheus:
        write_kubeconfig(tmp_path / "config", url)
        for resource, file in ((DEPLOYMENTS, "deployment"), (CANARIES, "canary")):
            server.put(resource, yaml.safe_load((EXAMPLES / f"{file}.yaml").read_text(encoding="utf-8")))
        settings = {"kubeconfig": tmp_path / "config", "metrics_server": prometheus.url, "listen": "127.0.0.1:0"}
        program = controller(tmp_path / "log", **settings)
        await asyncio.to_thread(program.__enter__)
        try:
            await _until(lambda: _phase(server, app) == "Initialized")
            assert server.stored(DEPLOYMENTS, ObjectKey("default", "app-primary")) is not None
            assert server.stored(VIRTUAL_SERVICES, app) is not None
            server.delete(CANARIES, app)
            await _until(lambda: server.stored(CANARIES, app) is None)
            assert server.stored(DEPLOYMENTS, ObjectKey("default", "app-primary")) is None
        finally:
            program.__exit__(None, None, None)


def _phase(server: MemoryServer, key: ObjectKey) -> str:
    canary = server.stored(CANARIES, key) or {}
    return str(canary.get("status", {}).get("phase", ""))


async def _until(condition: object) -> None:
    assert callable(condition)
    ends_at = time.monotonic() + INITIALIZED_WITHIN_S
    while not condition():
        assert time.monotonic() < ends_at
        await asyncio.sleep(0.05)
