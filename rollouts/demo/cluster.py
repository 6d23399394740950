"""The simulated parts: a server in memory, the controllers that every cluster has, and users who send requests."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import Random

from rollouts.demo.behaviour import behaviour_of
from rollouts.demo.clock import Elapsing
from rollouts.demo.traffic import Traffic
from rollouts.testing.garbage import GarbageCollector
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.pods import PodsController

REQUESTS_PER_S = 300
TICK_S = 0.05


@dataclass(frozen=True, slots=True)
class Cluster:
    """All of it; `clock` is everybody's."""

    server: MemoryServer
    pods: PodsController
    traffic: Traffic
    clock: Elapsing


def make_cluster(seed: int, clock: Elapsing) -> Cluster:
    """The simulated parts, with the controllers that every cluster has. Make it within a running loop."""
    server = MemoryServer(clock.now)
    pods = PodsController(server, Random(seed), lambda template: behaviour_of(template).ready_after_s)
    pods.start()
    GarbageCollector(server, Random(seed + 1)).start()
    return Cluster(server, pods, Traffic(server, pods.ready_templates, seed + 2), clock)


async def send(cluster: Cluster) -> None:
    """Be the users, until cancelled: as many requests as the time that has passed is worth."""
    sent = 0
    began_s = cluster.clock.elapsed_s
    while True:
        await asyncio.sleep(TICK_S)
        due = round((cluster.clock.elapsed_s - began_s) * REQUESTS_PER_S)
        cluster.traffic.tick(cluster.clock.now(), due - sent)
        sent = due
