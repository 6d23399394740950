"""The process dies at each write of a release in turn; the next one goes on from the status alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count, pairwise

import pytest

from rollouts.api.resources import RULES_REVIEWS
from rollouts.api.status import Phase
from rollouts.core.measurement import Value
from rollouts.ports import PatchJson, Write
from tests.engine.world import INTERVAL_S, PRIMARY_KEY, SUCCESS_RATE, Crash, World, only_claims


class Executioner:
    """Lets the process die at one write: before it is carried out, or when it is and the answer is never seen."""

    def __init__(self, world: World, place: int, *, effect: bool) -> None:
        self.left = place
        self._before = world.cluster.before
        self._effect = effect
        world.cluster.before = self.before
        world.cluster.after = self.after

    def before(self, write: Write) -> None:
        """Of every write."""
        self._before(write)
        if not self._effect:
            self._count()

    def after(self, _write: Write) -> None:
        """Of every write that took effect."""
        if self._effect:
            self._count()

    def _count(self) -> None:
        self.left -= 1
        if self.left == -1:
            raise Crash


async def good(world: World) -> None:
    """From nothing to a release that passes every check."""
    await world.initialize()
    world.release()
    await world.run_until_quiet()


async def bad(world: World) -> None:
    """From nothing to a release that fails once the canary has half of the traffic."""
    await world.initialize()
    earlier = world.cluster.before

    def turn(write: Write) -> None:
        if isinstance(write, PatchJson) and world.status.desired_weight == 50:
            world.metrics.set(SUCCESS_RATE, Value(10.0))
        earlier(write)

    world.cluster.before = turn
    world.release()
    await world.run_until_quiet()


def assert_ended_well(world: World) -> None:
    """Every step once, in order, none cut short, none much longer; all traffic at the primary, no canary left."""
    times = [at for at, _ in world.weights]
    assert [weight for _, weight in world.weights] == [20, 50, 0]
    assert [INTERVAL_S <= later - earlier < INTERVAL_S + 1.0 for earlier, later in pairwise(times)] == [True, True]
    assert (world.weight, world.replicas(), world.replicas(PRIMARY_KEY)) == (0, 0, 3)
    assert world.status.observed_weight == 0


def assert_promoted(world: World) -> None:
    """As after a release without any crash."""
    assert_ended_well(world)
    assert (world.status.phase, world.image(PRIMARY_KEY)) == (Phase.SUCCEEDED, "app:2")
    assert world.status.last_promoted_spec == world.status.last_applied_spec


def assert_rolled_back(world: World) -> None:
    """As after a failed release without any crash."""
    assert_ended_well(world)
    assert (world.status.phase, world.image(PRIMARY_KEY)) == (Phase.FAILED, "app:1")
    assert world.status.failed_checks == 1


@pytest.mark.parametrize("effect", [False, True], ids=["before the write", "before the answer"])
@pytest.mark.parametrize(
    ("story", "assert_end"), [(good, assert_promoted), (bad, assert_rolled_back)], ids=["good", "bad"]
)
async def test_a_crash_at_any_write(
    story: Callable[[World], Awaitable[None]],
    assert_end: Callable[[World], None],
    effect: bool,  # noqa: FBT001 - a parameter of pytest
) -> None:
    """Wherever the process dies, the release ends as if nothing had been: no step skipped, repeated or cut short."""
    for place in count():
        world = World()
        executioner = Executioner(world, place, effect=effect)
        await story(world)
        assert_end(world)
        if executioner.left >= 0:  # there are no more writes to die at
            assert place > 20
            break
        assert world.crashes == 1


async def test_a_crash_at_every_write() -> None:
    """A process that dies after each single write still brings the release to its end, one write a life."""
    world = World()

    def die(write: Write) -> None:
        # A question changes nothing: who dies at each one never gets further.
        if write.resource != RULES_REVIEWS and not only_claims(write):
            raise Crash

    world.cluster.after = die
    await good(world)
    assert world.crashes > 20
    assert_promoted(world)
