"""The controller itself, in the cluster in memory, held to what the play beside a ScaledObject expects in the lab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from e2e.play.manifests import example
from e2e.play.seen import Shares, SharesSeen
from e2e.scaling.facts import OWN_LEAST
from e2e.scaling.keda.facts import SIZE, KedaRun
from e2e.scaling.keda.judge import MOST, judge_begin, judge_left, judge_run
from e2e.scaling.keda.witness import Witness
from rollouts.api.resources import DEPLOYMENTS, SCALED_OBJECTS, Manifest, ObjectKey, Resource
from rollouts.api.status import Phase
from rollouts.core.measurement import Value
from rollouts.testing.garbage import GarbageCollector
from tests.engine.leaving import delete, run_until_gone
from tests.engine.scaled_world import keda_canary, scale
from tests.engine.world import KEY, NAMESPACE, SUCCESS_RATE, World
from tests.lab.scaling_facts import run_facts

BOUNDS = {"minReplicas": OWN_LEAST, "maxReplicas": MOST}


class Watched:
    """A world with the example's ScaledObject, and the play's witness in it; its clock is the version."""

    def __init__(self) -> None:
        source = example("scaled-object", "scaling")
        source["metadata"]["namespace"] = NAMESPACE
        self.spec: Manifest = source["spec"]
        canary = keda_canary(name="app", primaryScalerReplicas=BOUNDS)
        self.world = World(canary=canary, others=[(SCALED_OBJECTS, source)])
        self.witness = Witness()
        self._before: Callable[[Resource, ObjectKey], None] = self.world.cluster.on_change
        self.world.cluster.on_change = self._on_change

    def since(self, version: int) -> Any:
        """As if seconds were versions."""
        scaled = [replace(one, at_s=float(one.version)) for one in self.witness.scaled]
        pods = [replace(one, at_s=float(one.version)) for one in self.witness.pods]
        return Witness(scaled, pods, self.witness.gone).since(float(version))

    @property
    def version(self) -> int:
        """Of the newest change."""
        return self.world.cluster.server.version

    def _on_change(self, resource: Resource, key: ObjectKey) -> None:
        self._before(resource, key)
        stored = self.world.cluster.stored(resource, key)
        if resource == DEPLOYMENTS and stored is not None:
            self.witness.pods_seen(stored)
        if resource == SCALED_OBJECTS and stored is not None:
            self.witness.scaled_seen(stored)
        if resource == SCALED_OBJECTS and stored is None:
            self.witness.gone.append(key.name)


async def at_rest() -> Watched:
    """Initialized, and the primary has been given its size."""
    watched = Watched()
    for one in watched.world.cluster.server.all_of(SCALED_OBJECTS):
        watched.witness.scaled_seen(one)
    watched.witness.pods_seen(watched.world.get(DEPLOYMENTS, KEY))
    await watched.world.initialize()
    return watched


async def sized() -> Watched:
    """And the primary has been given its size."""
    watched = await at_rest()
    scale(watched.world, SIZE)
    await watched.world.run_until_quiet()
    return watched


async def test_the_begin() -> None:
    """Copied, paused, and in that order."""
    watched = await at_rest()
    assert [one for one in judge_begin(watched.since(0)) if not one.ok] == []


@pytest.mark.parametrize("promotes", [True, False], ids=["promotion", "rollback"])
async def test_a_release(*, promotes: bool) -> None:
    """All that concerns the ScaledObjects and sizes; clients and Envoy are the lab's matter."""
    watched = await sized()
    world, began = watched.world, watched.version
    if not promotes:
        world.metrics.set(SUCCESS_RATE, Value(10.0))
    world.release()
    await world.run_until_phase(Phase.FINALISING if promotes else Phase.FAILED)
    back = float(watched.version)
    await world.run_until_quiet()
    spec_kept = world.get(SCALED_OBJECTS)["spec"] == watched.spec
    shares = (SharesSeen(back, back, Shares(0, 0)),)
    facts = KedaRun(replace(run_facts(promotes=promotes), shares=shares), watched.since(began), spec_kept)
    assert [one for one in judge_run(facts) if not one.ok] == []


async def test_the_end() -> None:
    """Deleted, it leaves the target to KEDA."""
    watched = await sized()
    world, began = watched.world, watched.version
    garbage = GarbageCollector(world.cluster.server, Random(1))
    delete(world)
    await run_until_gone(world, garbage.collect)
    spec_kept = world.get(SCALED_OBJECTS)["spec"] == watched.spec
    assert [one for one in judge_left(watched.since(began), spec_kept=spec_kept) if not one.ok] == []
