"""Commands run in this process, in a thread of their own, against an API server on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import io
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession, web

from rollouts.api.resources import CANARIES, DEPLOYMENTS, EVENTS, Manifest, ObjectKey
from rollouts.cli import main
from rollouts.core.revision import revision_of
from rollouts.embedded import serving, write_kubeconfig
from rollouts.testing.memory_server import MemoryServer
from tests.kube.waiting import until

SHOP = ObjectKey("default", "shop")
CANARY: Manifest = yaml.safe_load("""
apiVersion: rollouts.dev/v1beta1
kind: Canary
metadata: {name: shop, namespace: default, labels: {team: a}}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
  service: {port: 80}
  analysis:
    interval: 10s
    stepWeights: [10, 50]
    metrics: [{name: request-success-rate, thresholdRange: {min: 99}}]
    webhooks: [{name: release-manager, type: confirm-promotion}]
""")
DEPLOYMENT: Manifest = yaml.safe_load("""
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: default}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: "shop:1"}]}
""")


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(slots=True)
class Cli:
    """Runs commands with one kubeconfig. One at a time: they share this process's standard output."""

    kubeconfig: Path
    printing: io.StringIO = field(default_factory=io.StringIO)
    """What the command that runs has printed so far."""

    async def __call__(self, *words: str) -> Done:
        """Run one to its end."""
        return await asyncio.to_thread(self.run, *words)

    def run(self, *words: str) -> Done:
        """The same, in this thread."""
        self.printing = out = io.StringIO()
        err = io.StringIO()
        before = sys.argv
        sys.argv = ["rollouts", words[0], "--kubeconfig", str(self.kubeconfig), *words[1:]]
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
                main.run()
        finally:
            sys.argv = before
            gc.enable()
            gc.unfreeze()  # a command is meant to be a process of its own; this one goes on
        code = ended.value.code
        return Done(code if isinstance(code, int) else 0, out.getvalue(), err.getvalue())


@dataclass(slots=True)
class Shop:
    """A cluster with one Canary, whose status is what a test says."""

    server: MemoryServer
    cli: Cli

    def write(self, phase: str, **changes: Any) -> None:
        """What the controller would write: the template that the target has now is released, unless it is said."""
        canary = self.server.stored(CANARIES, SHOP) or {}
        known = {
            "phase": phase, "observedGeneration": canary["metadata"].get("generation", 1),
            "lastAppliedSpec": self.template, "lastPromotedSpec": "aaaaaaaaaaaaaaaa", "weightTotal": 100,
            "stepCount": 2, "strategy": "Weights", "drained": True,
        }  # fmt: skip
        self.server.set_status(CANARIES, SHOP, {**(canary.get("status") or {}), **known, **changes})

    @property
    def template(self) -> str:
        """The revision of what the target has now."""
        deployment = self.server.stored(DEPLOYMENTS, SHOP)
        assert deployment is not None
        return revision_of(deployment["spec"]["template"])

    def release(self, image: str) -> None:
        """Another version of the target."""
        deployment = copy.deepcopy(self.server.stored(DEPLOYMENTS, SHOP))
        assert deployment is not None
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] = image
        self.server.put(DEPLOYMENTS, deployment)

    async def has_read(self, words: str) -> None:
        """Wait until the command that runs has printed that."""
        await until(lambda: words in self.cli.printing.getvalue(), within_s=30)

    def tell(self, reason: str, message: str) -> None:
        """An Event, as the controller writes it."""
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.server.put(EVENTS, {
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": f"shop.{reason.lower()}", "namespace": "default"},
            "involvedObject": {
                "apiVersion": CANARIES.api_version, "kind": "Canary", "name": "shop", "namespace": "default",
            },
            "type": "Normal", "reason": reason, "message": message, "lastTimestamp": stamp,
        })  # fmt: skip


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """The Canary of the shop, and a command line for its cluster."""
    server = MemoryServer(lambda: datetime.now(UTC))
    async with serving(server) as url:
        write_kubeconfig(tmp_path / "kubeconfig", url)
        server.put(DEPLOYMENTS, copy.deepcopy(DEPLOYMENT))
        path = CANARIES.path(namespace=SHOP.namespace)
        async with ClientSession(url) as session, session.post(path, json=CANARY) as made:
            assert made.status == 201  # by way of the API, which fills in the defaults
        yield Shop(server, Cli(tmp_path / "kubeconfig"))


@contextlib.asynccontextmanager
async def answering(folder: Path, code: int, body: Any, token: str = "") -> AsyncIterator[tuple[Cli, list[Any]]]:
    """A server that answers everything alike, a command line for it, and what it was asked."""
    asked: list[Any] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append((request.method, request.path, request.headers.get("Authorization"), await request.text()))
        return web.json_response(body, status=code)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    path = folder / "answering"
    write_kubeconfig(path, url)
    if token:
        told = yaml.safe_load(path.read_text())
        told["users"][0]["user"] = {"token": token}
        path.write_text(yaml.safe_dump(told))
    try:
        yield Cli(path), [url, asked]
    finally:
        await runner.cleanup()


def ago(seconds: float) -> str:
    """A stamp of that many seconds before now."""
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
