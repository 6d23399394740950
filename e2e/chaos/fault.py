"""The faults as values: what is done, for how long, what it is called, and how long a rollback may take after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

from e2e.chaos.replica import Replicas
from e2e.play.parts import Parts

RESERVE_S = 10.0
"""For a rollback, beside interval x threshold: a start, a list of all objects, two scrapes, a request under way."""
RESTART_S = 1.0
"""After which a kubelet starts a container again."""
KILLS, KILL_EVERY_S = 3, 4.0
DROPS = 20
CUT_S, FROZEN_S, BESIDE_S = 60.0, 40.0, 40.0
LEASE_S = 20.0
"""In so long another replica works."""


@dataclass(frozen=True, slots=True)
class Cast:
    """What a fault is done to."""

    parts: Parts
    replicas: Replicas


@dataclass(frozen=True, slots=True)
class Fault:
    """One of them."""

    name: str
    """On the command line."""
    title: str
    strike: Callable[[Cast], Awaitable[None]]
    """Brings it about and ends it."""
    reserve_s: float = RESERVE_S
    reserve_for: str = "a start, a list, two scrapes"
    replicas: int = 1
    stood_in: bool = False
    """Whether another replica can go on meanwhile: then a rollback is due from the fault's begin on, not its end."""
    settings: Mapping[str, str] = field(default_factory=dict)


async def _kill(cast: Cast) -> None:
    replica = await cast.replicas.leader()
    for _ in range(KILLS):
        await replica.kill()
        await asyncio.sleep(RESTART_S)
        await replica.start()
        await asyncio.sleep(KILL_EVERY_S)


async def _kill_leader(cast: Cast) -> None:
    await (await cast.replicas.leader()).kill()


async def _freeze_leader(cast: Cast) -> None:
    replica = await cast.replicas.leader()
    replica.freeze()
    try:
        await asyncio.sleep(FROZEN_S)
    finally:
        replica.thaw()


async def _cut(cast: Cast) -> None:
    wire = (await cast.replicas.leader()).wire
    wire.cut()
    try:
        await asyncio.sleep(CUT_S)
    finally:
        wire.mend()


async def _drop(cast: Cast) -> None:
    wire = (await cast.replicas.leader()).wire
    for _ in range(DROPS):
        wire.drop()
        await asyncio.sleep(1.0)


async def _beside(cast: Cast) -> None:
    """A second one works too: neither has a Lease."""
    second = cast.replicas.all[1]
    await second.start(LEASELESS)
    await asyncio.sleep(BESIDE_S)
    await second.stop()


async def _down(part: str, for_s: float, cast: Cast) -> None:
    async with cast.parts.without(part):
        await asyncio.sleep(for_s)


LEASELESS: Mapping[str, str] = MappingProxyType({"ROLLOUTS_LEASE_S": "0"})
_TAKES_OVER = f"a Lease that runs out ({LEASE_S:g} s), a list, two scrapes"

FAULTS = (
    Fault("kill", f"controller: kill -9, {KILLS} times", _kill),
    Fault(
        "kill-leader",
        "two replicas: kill -9 of the one that works",
        _kill_leader,
        reserve_s=RESERVE_S + LEASE_S,
        reserve_for=_TAKES_OVER,
        replicas=2,
        stood_in=True,
    ),
    Fault(
        "freeze-leader",
        f"two replicas: the one that works stands still for {FROZEN_S:g} s",
        _freeze_leader,
        reserve_s=RESERVE_S + LEASE_S,
        reserve_for=_TAKES_OVER,
        replicas=2,
        stood_in=True,
    ),
    Fault(
        "cut-leader",
        f"two replicas: the one that works is cut off from the API server for {CUT_S:g} s",
        _cut,
        reserve_s=RESERVE_S + LEASE_S,
        reserve_for=_TAKES_OVER,
        replicas=2,
        stood_in=True,
    ),
    Fault("two", "two controllers at a time, both without Leases", _beside, stood_in=True, settings=LEASELESS),
    Fault("etcd", "etcd: down for 10 s", partial(_down, "etcd", 10.0)),
    Fault(
        "api-server",
        "API server: down for 10 s",
        partial(_down, "kube-apiserver", 10.0),
        reserve_s=RESERVE_S + 30.0,
        reserve_for="istiod, which asks the API server again after up to 30 s",
    ),
    Fault(
        "istiod",
        "istiod: down for 10 s",
        partial(_down, "istiod", 10.0),
        reserve_s=RESERVE_S + 30.0,
        reserve_for="Envoy, which asks for istiod again after up to 30 s",
    ),
    Fault("envoy", "Envoy, the gateway: down for 3 s", partial(_down, "envoy", 3.0)),
    Fault("prometheus", "Prometheus: down for 15 s", partial(_down, "prometheus", 15.0)),
    Fault("streams", f"every stream to the API server cut, each second, {DROPS} times", _drop),
    Fault("cut", f"controller cut off from the API server for {CUT_S:g} s", _cut),
)
