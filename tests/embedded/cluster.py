"""The two servers that are compared, each with kubectl to talk to it, in a namespace of its own."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from rollouts.embedded import serving, write_kubeconfig
from rollouts.testing.garbage import GarbageCollector
from rollouts.testing.memory_server import MemoryServer
from tests.embedded.kubectl_script import Kubectl, Step


@asynccontextmanager
async def embedded(prefix: str, folder: Path) -> AsyncIterator[Kubectl]:
    """A cluster of its own, and a collector of garbage as on a real one."""
    server = MemoryServer(lambda: datetime.now(UTC))
    garbage = GarbageCollector(server, Random(1))
    garbage.latency_max_s = 0.01
    garbage.start()
    async with serving(server) as url:
        write_kubeconfig(folder / "kubeconfig", url)
        async with _in_namespace(prefix, folder / "kubeconfig", folder) as kubectl:
            yield kubectl
    garbage.stop()


@asynccontextmanager
async def real(prefix: str, folder: Path) -> AsyncIterator[Kubectl]:
    """The lab's server."""
    path = os.environ.get("KUBECONFIG")
    if not path:
        pytest.fail("KUBECONFIG is not set: run `make test-kube`, which starts an API server of its own")
    async with _in_namespace(prefix, Path(path), folder) as kubectl:
        yield kubectl


@asynccontextmanager
async def _in_namespace(prefix: str, kubeconfig: Path, folder: Path) -> AsyncIterator[Kubectl]:
    kubectl = Kubectl(kubeconfig, f"{prefix}-{secrets.token_hex(3)}", folder)
    made = await kubectl.run(Step(f"create namespace {kubectl.namespace}"))
    assert made.status == 0, made
    yield kubectl
    await kubectl.run(Step(f"delete namespace {kubectl.namespace} --wait=false"))
