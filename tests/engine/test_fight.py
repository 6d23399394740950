"""Somebody keeps undoing our weights: how soon they are put back, when that is told, and when it is over."""

from __future__ import annotations

import copy

import pytest

from rollouts.api.resources import VIRTUAL_SERVICES
from rollouts.api.status import Condition, ConditionType, Phase
from tests.engine.world import KEY, World, canary_manifest


def undo(world: World, canary: int = 5) -> None:
    """Their file is applied again: its weights."""
    theirs = copy.deepcopy(world.get(VIRTUAL_SERVICES)["spec"]["http"])
    theirs[0]["route"][0]["weight"], theirs[0]["route"][1]["weight"] = 100 - canary, canary
    world.cluster.edit(VIRTUAL_SERVICES, KEY, {"spec": {"http": theirs}})


async def at_a_step() -> World:
    """A release that has 20 % for an hour."""
    world = World(canary=canary_manifest(interval="1h"))
    await world.initialize()
    world.release()
    await world.run_until(lambda: world.weight == 20)
    await world.settle()
    return world


async def put_back_after_s(world: World) -> float:
    """How long it takes until the step's weight is there again, looking whenever the Canary asks for it."""
    began_s = world.clock.elapsed_s
    while True:
        wake_at = await world.settle()
        if world.weight == 20:
            return round(world.clock.elapsed_s - began_s, 3)
        assert wake_at is not None
        world.clock.advance((wake_at - world.clock.now()).total_seconds())


def contest(world: World) -> Condition | None:
    """The condition, if it is there."""
    return next((one for one in world.status.conditions if one.type == ConditionType.WEIGHTS_CONTESTED), None)


def told(world: World) -> list[str]:
    """The Events that speak of it."""
    return [message for reason, message in world.events() if reason == "WeightsContested"]


@pytest.mark.parametrize("every_s", [2, 5, 30])
async def test_a_sync_is_answered_at_once_for_ever(every_s: float) -> None:
    """Fifty times. From the tenth on the condition says which object it is and what to do, and one Event does."""
    world = await at_a_step()
    for count in range(1, 51):
        undo(world)
        assert await put_back_after_s(world) == 0
        assert (contest(world) is not None) == (count >= 10)
        world.clock.advance(every_s)
    found = contest(world)
    assert found is not None
    assert (found.status, found.reason) == ("True", "ChangedByOthers")
    for words in (f"VirtualService {KEY}", "had 5 weight, not 20", "deploy/policies/keep-weights.yaml", "routeRefs"):
        assert words in found.message
    assert told(world) == [found.message]
    assert world.status.phase is Phase.PROGRESSING


async def test_who_answers_at_once_is_answered_ever_later() -> None:
    """0.1 s, doubled each time, at most 30 s: an hour of that costs few writes."""
    world = await at_a_step()
    waited = []
    for _ in range(13):
        undo(world)
        waited.append(await put_back_after_s(world))
    assert waited == [0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30, 30]


async def test_after_a_quiet_minute_a_fight_begins_anew() -> None:
    """Neither the first answer nor the second has the delay of the fight before."""
    world = await at_a_step()
    for _ in range(6):
        undo(world)
        await put_back_after_s(world)
    world.clock.advance(60)
    waited = []
    for _ in range(3):
        undo(world)
        waited.append(await put_back_after_s(world))
    assert waited == [0, 0.1, 0.2]


async def test_a_step_of_the_release_waits_for_no_fight() -> None:
    """The next weight is another one than was fought about: it is written at once."""
    world = await at_a_step()
    for _ in range(9):
        undo(world)
        await put_back_after_s(world)
    undo(world)
    world.clock.advance(3600 - world.clock.elapsed_s % 3600)
    await world.run_until(lambda: world.weight == 50, within_s=7200)


@pytest.mark.parametrize("ends", ["rolled back", "at rest"])
async def test_what_takes_requests_away_waits_for_nothing(ends: str) -> None:
    """Somebody gives weight to a version that is not to have any, again and again: each time it is taken at once."""
    world = await at_a_step()
    if ends == "rolled back":
        for _ in range(9):
            undo(world)
            await put_back_after_s(world)
        undo(world)
        await world.settle()
        assert world.weight == 5
        world.release("app:1")
        await world.settle()
        assert world.weight == 0
    else:
        world = World()
        await world.initialize()
    for _ in range(20):
        undo(world, canary=50)
        await world.settle()
        assert world.weight == 0


async def test_the_condition_goes_after_ten_quiet_minutes() -> None:
    """By itself, and also where another process has taken over meanwhile; not a minute sooner."""
    world = await at_a_step()
    for _ in range(10):
        undo(world)
        await put_back_after_s(world)
        world.clock.advance(5)
    assert contest(world) is not None
    world.clock.advance(60)
    world.restart()
    await world.settle()
    began_s = world.clock.elapsed_s
    await world.run_until(lambda: contest(world) is None, within_s=700)
    assert world.clock.elapsed_s - began_s == 600
    undo(world)
    assert await put_back_after_s(world) == 0
    assert contest(world) is None


@pytest.mark.parametrize("every_s", [5, 70])
async def test_a_few_put_backs_are_no_contest(every_s: float) -> None:
    """Nine at one time, or one in a minute and more, say nothing."""
    world = await at_a_step()
    for _ in range(9 if every_s == 5 else 30):
        undo(world)
        await put_back_after_s(world)
        world.clock.advance(every_s)
    await world.settle()
    assert contest(world) is None
    assert told(world) == []
