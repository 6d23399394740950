"""The readers of Secrets that have to keep the contract: the one in memory, and one on a real API server."""

from __future__ import annotations

import base64
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest
from kubernetes_asyncio.client import ApiClient

from rollouts.api.resources import SECRETS, Manifest
from rollouts.embedded import serving, write_kubeconfig
from rollouts.kube.access import open_client
from rollouts.kube.requests import Request, create
from rollouts.kube.secrets import KubeSecrets
from rollouts.kube.transport import Transport
from rollouts.ports import Secrets
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.secrets import MemorySecrets
from tests.contract.clusters import NAMESPACES


class Owner(Protocol):
    """Who makes Secrets and gives rights."""

    async def make(self, name: str, data: Mapping[str, bytes] | None) -> None:
        """A Secret; without `data` it has not even the field."""
        ...

    def forbid(self) -> None:
        """From now on the reader may read none."""
        ...


@dataclass(frozen=True, slots=True)
class Arranged:
    """A reader to be tested."""

    secrets: Secrets
    namespace: str
    owner: Owner


Factory = Callable[[], AbstractAsyncContextManager[Arranged]]


@dataclass(frozen=True, slots=True)
class _MemoryOwner:
    server: MemoryServer
    secrets: MemorySecrets

    async def make(self, name: str, data: Mapping[str, bytes] | None) -> None:
        self.server.put(SECRETS, _secret("contract", name, data))

    def forbid(self) -> None:
        self.secrets.forbidden = True


@asynccontextmanager
async def memory() -> AsyncIterator[Arranged]:
    """The double."""
    server = MemoryServer(lambda: datetime.now(UTC))
    secrets = MemorySecrets(server)
    yield Arranged(secrets, "contract", _MemoryOwner(server, secrets))


@dataclass(frozen=True, slots=True)
class _KubeOwner:
    transport: Transport
    client: ApiClient
    namespace: str

    async def make(self, name: str, data: Mapping[str, bytes] | None) -> None:
        await self.transport.send(create(SECRETS, _secret(self.namespace, name, data)))

    def forbid(self) -> None:
        self.client.set_default_header("Impersonate-User", "nobody-with-rights")


@asynccontextmanager
async def embedded() -> AsyncIterator[Arranged]:
    """The double behind HTTP."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kubeconfig"
        async with serving(MemoryServer(lambda: datetime.now(UTC))) as url:
            write_kubeconfig(path, url)
            async with _at(path) as arranged:
                yield arranged


@asynccontextmanager
async def kube() -> AsyncIterator[Arranged]:
    """The real thing, on the API server that KUBECONFIG names."""
    path = os.environ.get("KUBECONFIG")
    if not path:
        pytest.fail("KUBECONFIG is not set: run `make test-kube`, which starts an API server of its own")
    async with _at(Path(path)) as arranged:
        yield arranged


@asynccontextmanager
async def _at(path: Path) -> AsyncIterator[Arranged]:
    reading = await open_client(kubeconfig=path)
    reader = Transport(reading, monotonic=time.monotonic)
    owner = Transport(await open_client(kubeconfig=path), monotonic=time.monotonic)
    made = (await owner.send(create(NAMESPACES, {"metadata": {"generateName": "contract-"}}))).manifest()
    namespace: str = made["metadata"]["name"]
    try:
        yield Arranged(KubeSecrets(reader), namespace, _KubeOwner(owner, reading, namespace))
    finally:
        await owner.send(Request("DELETE", NAMESPACES.path(name=namespace), (), (), None, "delete", "namespaces"))
        await owner.close()
        await reader.close()


FACTORIES = [
    pytest.param(memory, id="memory"),
    pytest.param(embedded, id="embedded"),
    pytest.param(kube, id="kube", marks=pytest.mark.kube),
]


def _secret(namespace: str, name: str, data: Mapping[str, bytes] | None) -> Manifest:
    manifest: Manifest = {"metadata": {"namespace": namespace, "name": name}, "type": "Opaque"}
    if data is not None:
        manifest["data"] = {key: base64.b64encode(value).decode() for key, value in data.items()}
    return manifest
