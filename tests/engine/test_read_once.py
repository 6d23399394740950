"""What stands on a Canary is put into our words once for each that there is, however often it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta

import pytest

from rollouts.api.resources import CANARIES, Manifest
from rollouts.engine.fight import Fight
from rollouts.engine.readiness import Readiness
from rollouts.engine.restraint import Restraint
from rollouts.engine.work import Memory
from rollouts.errors import StatusUnreadable
from tests.engine.world import World


def _rewritten(canary: Manifest) -> Manifest:
    """The same, stored anew by somebody who wrote another field."""
    return canary | {"metadata": canary["metadata"] | {"resourceVersion": "77"}}


def _moved(canary: Manifest) -> Manifest:
    """With another status."""
    changed = deepcopy(canary)
    changed["status"]["desiredWeight"] = 7
    return changed


@pytest.fixture
async def canary() -> Manifest:
    """At rest."""
    world = World()
    await world.initialize()
    return world.get(CANARIES)


@pytest.fixture
def memory() -> Memory:
    """Of a Canary that was never looked at."""
    world = World()
    now = world.clock.now()
    return Memory("uid", Readiness(timedelta()), Restraint(world.cluster), now, Fight(now))


@pytest.mark.parametrize(
    ("change", "same"),
    [(lambda canary: canary, True), (_rewritten, True), (_moved, False)],
    ids=["as it was", "another field", "another status"],
)
def test_a_status_is_read_once(
    canary: Manifest, memory: Memory, change: Callable[[Manifest], Manifest], *, same: bool
) -> None:
    """And anew as soon as another one is there."""
    first, changed = memory.read_status(canary), change(canary)
    second = memory.read_status(changed)
    assert (second is first) is same
    assert second.desired_weight == changed["status"].get("desiredWeight", 0)


def test_what_is_let_go_is_read_anew(canary: Manifest, memory: Memory) -> None:
    """A Canary at rest is seldom looked at."""
    first = memory.read_status(canary)
    memory.rest()
    assert memory.read_status(canary) == first
    assert memory.read_status(canary) is not first


def test_an_unreadable_status_is_told_each_time(canary: Manifest, memory: Memory) -> None:
    """Nothing is kept of it, nor taken for it."""
    memory.read_status(canary)
    for _ in range(2):
        with pytest.raises(StatusUnreadable):
            memory.read_status(canary | {"status": {"phase": 7}})
