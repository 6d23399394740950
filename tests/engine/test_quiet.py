"""What a release that is held costs: judged each interval, written once a minute, and all the same after a restart."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rollouts.api.status import Phase
from rollouts.core.measurement import NoData, Value
from rollouts.ports import PatchStatus
from tests.engine.world import INTERVAL_S, STABLE_REQUESTS, SUCCESS_RATE, World

MINUTES = 10


async def _held() -> World:
    """Released, and nobody sends a request."""
    world = World()
    await world.initialize()
    world.metrics.set(SUCCESS_RATE, NoData())
    world.metrics.set(STABLE_REQUESTS, Value(0.0))
    world.release()
    await world.run_until(lambda: world.status.metrics)
    return world


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "another one each half a minute"])
async def test_a_held_release_is_written_once_a_minute(restarts: bool) -> None:  # noqa: FBT001
    """And asked for each interval: what its status tells was measured within the last minute."""
    world = await _held()
    began_s, asked, oldest = world.clock.elapsed_s, len(world.metrics.asked), timedelta()
    restart_at_s = began_s + 30.0

    def minutes_over() -> bool:
        nonlocal oldest, restart_at_s
        oldest = max(oldest, world.clock.now() - world.status.metrics[0].measured_at)
        if restarts and world.clock.elapsed_s >= restart_at_s:
            restart_at_s += 30.0
            world.restart()
        return world.clock.elapsed_s - began_s >= MINUTES * 60

    with world.recorded() as writes:
        await world.run_until(minutes_over, within_s=3600)
    statuses = [write for write in writes if isinstance(write, PatchStatus) and "metrics" in write.status]
    assert MINUTES - 1 <= len(statuses) <= MINUTES + 1
    assert oldest <= timedelta(minutes=1)
    assert len(world.metrics.asked) - asked >= MINUTES * 60 / INTERVAL_S


@pytest.mark.parametrize("restart_s", [None, 3.0, 12.0, 25.0])
async def test_the_deadline_counts_from_the_first_request_of_the_stable_side(restart_s: float | None) -> None:
    """To the interval, though what was found between went unwritten, and whenever another process takes over."""
    world = await _held()
    began_s = world.clock.elapsed_s
    await world.run_until(lambda: world.clock.elapsed_s >= began_s + 3 * INTERVAL_S)
    busy_s = world.clock.elapsed_s
    world.metrics.set(STABLE_REQUESTS, Value(5.0))
    if restart_s is not None:
        await world.run_until(lambda: world.clock.elapsed_s >= busy_s + restart_s)
        world.restart()
    await world.run_until_phase(Phase.FAILED)
    assert 3 * INTERVAL_S <= world.clock.elapsed_s - busy_s <= 4 * INTERVAL_S
