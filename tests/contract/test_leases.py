"""Leases of replicas: the book in memory, and the one on an API server, real or embedded, keep the same contract."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from rollouts.core.lease import Lease
from rollouts.core.shares import Rule, Share
from rollouts.embedded import serving, write_kubeconfig
from rollouts.errors import Conflict, NotFound
from rollouts.kube.access import open_client
from rollouts.kube.cluster import KubeCluster
from rollouts.kube.connect import read_clock
from rollouts.kube.leases import KubeLeases
from rollouts.kube.transport import Transport
from rollouts.ports import Create, Leases
from rollouts.testing.leases import memory_leases
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.memory_view import MemoryView
from rollouts.testing.watch import LaggingWatch
from tests.contract.clusters import NAMESPACES
from tests.kube.waiting import running, until

DURATION = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Given:
    """Two replicas' books of one namespace. The second hears by its watch of what the first writes."""

    one: Leases
    other: Leases


class WallClock:
    """Implements `ports.Clock`: two renewals never have the same time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@asynccontextmanager
async def in_memory() -> AsyncIterator[Given]:
    """The double."""
    clock = WallClock()
    server = MemoryServer(clock.now)
    books = []
    for seed in range(2):
        view = MemoryView(server)
        LaggingWatch(server, view, Random(seed)).start()
        books.append(memory_leases(view, "contract", clock))
    yield Given(*books)


@asynccontextmanager
async def embedded() -> AsyncIterator[Given]:
    """The double behind HTTP."""
    server = MemoryServer(lambda: datetime.now(UTC))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kubeconfig"
        async with serving(server) as url:
            write_kubeconfig(path, url)
            async with _at(path) as given:
                yield given


@asynccontextmanager
async def kube() -> AsyncIterator[Given]:
    """The API server that KUBECONFIG names."""
    path = os.environ.get("KUBECONFIG")
    if not path:
        pytest.fail("KUBECONFIG is not set: run `make test-kube`")
    async with _at(Path(path)) as given:
        yield given


@asynccontextmanager
async def _at(path: Path) -> AsyncIterator[Given]:
    async with AsyncExitStack() as stack:
        transport = Transport(await open_client(kubeconfig=path), monotonic=time.monotonic)
        stack.push_async_callback(transport.close)
        clock = await read_clock(transport, time.monotonic)
        cluster = KubeCluster(transport, {}, clock=clock, random=Random(1))
        made = await cluster.write(Create(NAMESPACES, {"metadata": {"generateName": "leases-test-"}}))
        books = []
        for seed in range(2):
            leases = KubeLeases(transport, made["metadata"]["name"], clock, Random(seed))
            await stack.enter_async_context(running(leases.run()))
            await leases.wait_synced()
            books.append(leases.book)
        yield Given(*books)


FACTORIES: list[Callable[[], AbstractAsyncContextManager[Given]]] = [in_memory, embedded]


@pytest.fixture(
    params=[*(pytest.param(one, id=one.__name__) for one in FACTORIES),
            pytest.param(kube, id="kube", marks=pytest.mark.kube)]
)  # fmt: skip
async def given(request: pytest.FixtureRequest) -> AsyncIterator[Given]:
    """Each pair of books in turn."""
    async with request.param() as made:
        yield made


def fresh(replica: str = "a", *members: str) -> Lease:
    """One that nobody has made yet."""
    return Lease(replica, f"{replica}_1", DURATION, Share(Rule.SHARDS, members or (replica,)))


async def test_what_is_made_is_read_by_others(given: Given) -> None:
    """As it was written, with the server's time, and a version."""
    made = await given.one.write(fresh("a", "a", "b"))
    assert replace(made, since="", version="", uid="") == fresh("a", "a", "b")
    assert all((made.since, made.version, made.uid))
    assert [*given.one.known()] == [made]
    assert [*await given.other.read_all()] == [made]
    assert [*given.other.known()] == [made]


async def test_a_change_is_heard_of_without_a_question(given: Given) -> None:
    """By the watch; also when it is gone."""
    made = await given.one.write(fresh())
    changed = await given.one.write(replace(made, share=Share(Rule.LEADER, ("a", "b"))))
    assert changed.version != made.version
    await until(lambda: [*given.other.known()] == [changed])
    await given.one.delete(changed)
    await until(lambda: not given.other.known())
    assert not given.one.known()


async def test_a_renewal_changes_the_version_and_nothing_else(given: Given) -> None:
    """So others see that it was renewed."""
    made = await given.one.write(fresh())
    renewed = await given.one.write(made)
    assert replace(renewed, version=made.version) == made
    assert renewed.version != made.version


async def test_one_that_is_there_is_not_made_again(given: Given) -> None:
    """Who comes too late is told so."""
    await given.one.write(fresh())
    with pytest.raises(Conflict):
        await given.other.write(replace(fresh(), incarnation="a_2"))


async def test_nothing_is_changed_at_another_version(given: Given) -> None:
    """Neither written nor deleted."""
    made = await given.one.write(fresh())
    renewed = await given.one.write(made)
    with pytest.raises(Conflict):
        await given.other.write(replace(made, incarnation="a_2"))
    with pytest.raises(Conflict):
        await given.other.delete(made)
    assert [*await given.other.read_all()] == [renewed]


async def test_one_that_was_deleted_is_not_made_anew_by_a_renewal(given: Given) -> None:
    """Whoever was taken for dead has to notice."""
    made = await given.one.write(fresh())
    await given.other.read_all()
    await given.other.delete(made)
    with pytest.raises(NotFound):
        await given.one.write(made)
    with pytest.raises(NotFound):
        await given.one.delete(made)
    assert not await given.one.read_all()
