"""What is exported of a Canary while the real engine works on it, and what is left when it is no longer ours."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from rollouts.api.resources import CANARIES, ObjectKey
from rollouts.api.status import Phase
from rollouts.core.measurement import Value
from rollouts.ports import Apply, Create, PatchJson, PatchStatus, Write
from tests.engine.world import INTERVAL_S, KEY, SUCCESS_RATE, World, canary_manifest

LABELS = {"namespace": KEY.namespace, "name": KEY.name}


class Lost:
    """Implements `Mandate`: the Canary is another replica's from some moment on."""

    def __init__(self) -> None:
        self.ours = True

    def holds(self, _key: ObjectKey) -> bool:
        """Until then."""
        return self.ours

    def left_s(self) -> float | None:
        """For ever."""
        return None


def of_canary(registry: CollectorRegistry) -> set[str]:
    """Names of the series that are there of the Canary."""
    samples = [sample for metric in registry.collect() for sample in metric.samples]
    return {sample.name for sample in samples if sample.labels.get("name") == KEY.name}


def lengths(registry: CollectorRegistry, name: str, outcome: str) -> list[float]:
    """How many, and how many seconds together."""
    return [registry.get_sample_value(f"{name}_{part}", {"outcome": outcome}) or 0.0 for part in ("count", "sum")]


async def test_a_good_release_is_measured_once_each_step() -> None:
    """Two steps of one interval each, and one release: whatever is written in between."""
    world = World()
    await world.initialize()
    world.release()
    await world.run_until_phase(Phase.SUCCEEDED)
    status = world.status
    assert lengths(world.registry, "rollouts_step_seconds", "Advanced") == pytest.approx([2.0, 2 * INTERVAL_S])
    assert status.started_at is not None
    assert status.finished_at is not None
    took_s = (status.finished_at - status.started_at).total_seconds()
    assert lengths(world.registry, "rollouts_release_seconds", "Succeeded") == pytest.approx([1.0, took_s])
    assert world.registry.get_sample_value("rollouts_canary_metric_limit", LABELS | _bound("min")) == 99.0


async def test_a_bad_release_is_measured_by_the_process_that_ends_it() -> None:
    """Another one than began it: the step began when the status says."""
    world = World(canary=canary_manifest(threshold=1))
    await world.initialize()
    world.metrics.set(SUCCESS_RATE, Value(50.0))
    world.release()
    await world.run_until(lambda: world.status.dwell_started_at is not None)
    world.restart()
    await world.run_until_phase(Phase.FAILED)
    assert lengths(world.registry, "rollouts_step_seconds", "Failed") == pytest.approx([1.0, INTERVAL_S])
    assert lengths(world.registry, "rollouts_release_seconds", "Failed")[0] == 1.0


async def test_a_spec_that_can_not_be_read_is_seen_as_stalled() -> None:
    """Nothing is decided of it, and an alert must fire."""
    world = World()
    await world.initialize()
    assert world.registry.get_sample_value("rollouts_canary_stalled", LABELS) == 0.0
    world.cluster.edit(CANARIES, KEY, {"spec": {"analysis": {"stepWeights": [50, 20]}}})
    await world.settle()
    assert world.registry.get_sample_value("rollouts_canary_stalled", LABELS) == 1.0


@pytest.mark.parametrize("kind", [PatchStatus, PatchJson, Apply, Create], ids=lambda kind: kind.__name__)
async def test_nothing_is_exported_of_a_canary_that_is_given_away_at_work(kind: type[Write]) -> None:
    """The other replica's from a write on, and told so at that moment: the round that is under way leaves nothing."""
    world = World()
    world.mandate = mandate = Lost()
    world.restart()
    await world.initialize()
    world.release()

    def give_away(write: Write) -> None:
        if isinstance(write, kind) and mandate.ours:
            mandate.ours = False
            world.reconciler.release()

    world.cluster.before = give_away
    await world.run_until(lambda: not mandate.ours)
    await world.settle()
    assert of_canary(world.registry) == set()


def _bound(bound: str) -> dict[str, str]:
    return {"metric": "request-success-rate", "bound": bound}
