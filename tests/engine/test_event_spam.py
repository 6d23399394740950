"""How many Events a Canary has that waits for hours, or goes to and fro: not one each look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from rollouts.api.resources import CANARIES, CONFIG_MAPS, EVENTS, Manifest
from rollouts.core.measurement import NoData, Outcome, Unreachable, Value
from rollouts.engine.policy import POLICY
from rollouts.ports import Create
from rollouts.testing.hooks import NO
from tests.engine.world import KEY, STABLE_REQUESTS, SUCCESS_RATE, World, canary_manifest

HOURS, INTERVAL_S = 3, 60
GATE = "http://gate.test/"
AWAY = Unreachable("Prometheus at http://prometheus:9090: connection refused")
Act = Callable[[World], None]


def _measured(outcome: Outcome) -> Act:
    def act(world: World) -> None:
        world.metrics.set(STABLE_REQUESTS, Value(0.0))
        world.metrics.set(SUCCESS_RATE, outcome)

    return act


def _frozen(world: World) -> None:
    metadata = {"name": POLICY.name, "namespace": POLICY.namespace}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"freeze": "true"}}
    world.cluster.put(CONFIG_MAPS, manifest)


def _suspended(world: World) -> None:
    world.cluster.edit(CANARIES, KEY, {"spec": {"suspend": True}})


def _without_a_port(world: World) -> None:
    world.cluster.edit(CANARIES, KEY, {"spec": {"service": {"targetPort": "nope"}}})


def _without_pods(world: World) -> None:
    world.pods_follow = False


def _gated(world: World) -> None:
    world.hooks.script(GATE, NO)


HELD: dict[str, tuple[dict[str, Any], Act]] = {
    "no data": ({}, _measured(NoData())),
    "the metric source is away": ({}, _measured(AWAY)),
    "frozen": ({}, _frozen),
    "suspended": ({}, _suspended),
    "a port that is not there": ({}, _without_a_port),
    "pods that never come": ({}, _without_pods),
    "a gate that is closed": ({"webhooks": [{"name": "gate", "type": "confirm-rollout", "url": GATE}]}, _gated),
}


def patient(**analysis: Any) -> Manifest:
    """A Canary that is looked at every minute, and waits a day for its pods."""
    canary = canary_manifest(interval=f"{INTERVAL_S}s", **analysis)
    canary["spec"]["progressDeadlineSeconds"] = 24 * 3600
    return canary


async def let_pass(world: World, hours: float) -> None:
    """Look whenever there is a reason to, and every minute besides, as informers make controllers do."""
    ends_at_s = world.clock.elapsed_s + 3600 * hours
    while world.clock.elapsed_s < ends_at_s:
        wake_at = await world.settle()
        due_s = 60.0 if wake_at is None else (wake_at - world.clock.now()).total_seconds()
        world.clock.advance(max(0.0, min(due_s, 60.0)))


@pytest.mark.parametrize(("spec", "act"), HELD.values(), ids=HELD.keys())
async def test_a_canary_that_is_held_for_hours_says_once_why(spec: dict[str, Any], act: Act) -> None:
    """Whatever holds it, and however often it is looked at: no Event has the reason and the text of another."""
    world = World(canary=patient(**spec))
    await world.initialize()
    act(world)
    world.release()
    told = len(world.events())
    await let_pass(world, HOURS)
    texts = Counter(world.events()[told:])
    assert texts
    assert max(texts.values()) == 1, texts.most_common(3)
    assert len(texts) <= 3, texts


async def test_a_process_that_takes_over_says_it_no_more() -> None:
    """What was told stands in the status."""
    world = World(canary=patient())
    await world.initialize()
    _measured(NoData())(world)
    world.release()
    await let_pass(world, 0.5)
    told = len(world.events())
    for _ in range(5):
        world.restart()
        await let_pass(world, 0.2)
    assert len(world.events()) == told


async def test_a_source_that_comes_and_goes_is_told_a_few_times_an_hour() -> None:
    """At every second judgement it does not answer, for hours: the Events that are left say how many they stand for."""
    world = World(canary=patient())
    await world.initialize()
    world.metrics.set(STABLE_REQUESTS, Value(0.0))
    world.release()
    outcomes: list[Outcome] = [AWAY, NoData()]
    ends_at_s, judged = world.clock.elapsed_s + HOURS * 3600, 0
    while world.clock.elapsed_s < ends_at_s:
        world.metrics.set(SUCCESS_RATE, outcomes[judged % 2])
        judged += 1
        await let_pass(world, INTERVAL_S / 3600)
    written = [write.manifest for write in world.cluster.writes if isinstance(write, Create)]
    events = [one for one in written if one["kind"] == EVENTS.kind and one["type"] == "Warning"]
    assert judged >= 60 * HOURS
    assert 20 <= len(events) <= 2 * (10 + 6 * HOURS + 1)
    assert sum(one["count"] for one in events) > 45 * HOURS
    assert all(one["firstTimestamp"] <= one["lastTimestamp"] for one in events)
