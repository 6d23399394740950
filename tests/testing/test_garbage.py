"""The collector in memory where no contract can ask a real one: without a loop, and when in virtual time it acts."""

from __future__ import annotations

import asyncio
from random import Random

from rollouts.api.resources import DEPLOYMENTS, SERVICES
from rollouts.ports import Propagation
from rollouts.testing.garbage import GarbageCollector
from rollouts.testing.memory_server import Change, MemoryServer
from rollouts.testing.virtual_time import VirtualClock, run_virtually
from tests.testing.manifests import key, put_deployment, put_service

NAMES = ("b", "c", "d", "e", "f")


def test_without_a_loop_everything_is_collected_at_once() -> None:
    """Dependents, and theirs, in the order that the propagation asks for; what has no owner stays."""
    server = MemoryServer(VirtualClock().now)
    garbage = GarbageCollector(server, Random(1))
    owner = put_deployment(server, "a", 1)
    put_service(server, "c", put_service(server, "b", owner))
    put_service(server, "free")
    ended: list[str] = []
    server.watchers.append(lambda change: ended.append(change.place[1].name) if change.after is None else None)
    server.delete(DEPLOYMENTS, key("a"), Propagation.FOREGROUND)
    assert len(server.places()) == 4
    garbage.collect()

    assert ended == ["c", "b", "a"]
    assert server.places() == [(SERVICES, key("free"))]


def collected_at(seed: int, latency_max_s: float) -> list[tuple[str, float]]:
    """When five dependents of one owner go, in seconds after it."""
    clock, ended = VirtualClock(), list[tuple[str, float]]()
    server = MemoryServer(clock.now)
    owner = put_deployment(server, "a", 1)
    for name in NAMES:
        put_service(server, name, owner)

    def heard(change: Change) -> None:
        if change.after is None:
            ended.append((change.place[1].name, clock.elapsed_s))

    async def run() -> None:
        garbage = GarbageCollector(server, Random(seed))
        garbage.latency_max_s = latency_max_s
        garbage.start()
        await asyncio.sleep(2 * latency_max_s + 1.0)
        server.watchers.append(heard)
        began_s = clock.elapsed_s
        server.delete(DEPLOYMENTS, key("a"))
        await asyncio.sleep(latency_max_s)
        assert len(ended) == 1 + len(NAMES), "a dependent is seen later than the latency allows"
        garbage.stop()
        ended[:] = [(name, at_s - began_s) for name, at_s in ended if name != "a"]

    run_virtually(clock, run())
    return ended


def test_it_is_late_by_a_latency_that_the_seed_decides() -> None:
    """Each dependent at its own moment, in an order of its own; the same seed is the same."""
    first = collected_at(seed=1, latency_max_s=60.0)

    assert first == collected_at(seed=1, latency_max_s=60.0) != collected_at(seed=2, latency_max_s=60.0)
    assert [name for name, _ in first] != [*NAMES]
    assert all(0.0 < at_s <= 60.0 for _, at_s in first)
    assert len({at_s for _, at_s in first}) == len(NAMES)


def test_stopped_it_does_nothing_and_started_again_it_catches_up() -> None:
    """As a controller-manager that is down for a while."""
    clock = VirtualClock()
    server = MemoryServer(clock.now)

    async def run() -> None:
        garbage = GarbageCollector(server, Random(1))
        garbage.start()
        put_service(server, "b", put_deployment(server, "a", 1))
        server.delete(DEPLOYMENTS, key("a"))
        garbage.stop()
        await asyncio.sleep(10.0)
        assert server.stored(SERVICES, key("b")) is not None
        garbage.start()
        await asyncio.sleep(garbage.latency_max_s)
        assert server.stored(SERVICES, key("b")) is None

    run_virtually(clock, run())
