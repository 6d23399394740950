"""Every phase, in each mode, in each way of deleting, under each circumstance: the whole matrix, nothing drawn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from rollouts.api.ownership import CANARY_LABEL, MANAGED_BY_LABEL, RESTORE_FINALIZER
from rollouts.api.resources import (
    CANARIES,
    DEPLOYMENTS,
    DESTINATION_RULES,
    SERVICES,
    VIRTUAL_SERVICES,
    ObjectKey,
    Resource,
)
from rollouts.ports import Propagation
from rollouts.testing.pods import NEVER
from rollouts.testing.virtual_time import VirtualClock, run_virtually
from tests.deletion.cell import Cell
from tests.deletion.clients import APEX, ROUTE
from tests.deletion.instants import INSTANTS, Instant
from tests.deletion.modes import MODES, TARGET_REF, Mode, Place, canonical
from tests.engine.world import KEY

pytestmark = [pytest.mark.sim, pytest.mark.timeout(300)]

EACH_MODE = pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
EACH_INSTANT = pytest.mark.parametrize("instant", INSTANTS, ids=lambda instant: instant.name)
EACH_WAY = pytest.mark.parametrize("how", Propagation, ids=str)
Story = Callable[[Cell, asyncio.TaskGroup], Awaitable[None]]


def tell(mode: Mode, instant: Instant, story: Story, check: Callable[[Cell], None] = lambda _cell: None) -> Cell:
    """Bring a fresh world to the instant, tell the story, and check what holds after each, and after this one."""
    clock = VirtualClock()

    async def whole() -> Cell:
        cell = Cell(clock, mode)
        async with asyncio.TaskGroup() as tasks:
            await cell.begin(tasks)
            await instant.reach(cell)
            await story(cell, tasks)
            cell.stop()
            assert cell.watch is not None
            assert not cell.watch.flaws, cell.watch.flaws[0]
            assert cell.gone
            check(cell)
        assert RESTORE_FINALIZER not in str([cell.server.stored(*place) for place in cell.server.places()])
        return cell

    try:
        return run_virtually(clock, whole())
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


def assert_given_back(cell: Cell) -> None:
    """Ours is gone, the user's is as it was but for what ADR 3 says, and clients are led to who serves."""
    mode, server = cell.mode, cell.server
    assert [place for place in mode.made if server.stored(*place) is not None] == []
    assert cell.clients.served() == {APEX: True, ROUTE: True}
    for resource, before in mode.users():
        place = (resource, ObjectKey.of(before))
        after = server.stored(*place)
        assert after is not None, place
        for name in ("uid", "creationTimestamp"):
            before["metadata"][name] = after["metadata"][name]
        without: tuple[str, ...] = ()
        if place == (DEPLOYMENTS, mode.released) and after["spec"]["template"] != before["spec"]["template"]:
            before["spec"]["template"] = mode.template("app:2")
        if mode is not TARGET_REF and resource == DEPLOYMENTS:
            without = ("replicas",)
        if mode is not TARGET_REF and resource == VIRTUAL_SERVICES:
            for rule in before["spec"]["http"][1:]:
                rule["route"] = after["spec"]["http"][1]["route"]
        assert canonical(after, *without) == canonical(before, *without)
    if mode is TARGET_REF:
        assert cell.clients.led_to() == {APEX: {"app"}, ROUTE: {"app"}}
        route = server.stored(VIRTUAL_SERVICES, KEY)
        if route is not None:
            assert route["metadata"].get("annotations", {}) == {}
            assert set(route["metadata"]["labels"]) == {MANAGED_BY_LABEL, CANARY_LABEL}


@EACH_WAY
@EACH_INSTANT
@EACH_MODE
def test_plain(mode: Mode, instant: Instant, how: Propagation) -> None:
    """Clients are served at every moment, and everything is given back."""

    async def story(cell: Cell, _tasks: asyncio.TaskGroup) -> None:
        cell.delete(how)
        await cell.until(lambda: cell.gone)
        await asyncio.sleep(5.0)

    tell(mode, instant, story, assert_given_back)


@pytest.mark.parametrize("away_s", [30.0, 900.0], ids=["for half a minute", "longer than a deletion may take"])
@EACH_WAY
@EACH_INSTANT
@EACH_MODE
def test_no_controller_is_there(mode: Mode, instant: Instant, how: Propagation, away_s: float) -> None:
    """It is dead when the Canary is deleted, and comes back later: as if it had been there."""

    async def story(cell: Cell, tasks: asyncio.TaskGroup) -> None:
        cell.stop()
        cell.delete(how)
        await asyncio.sleep(away_s)
        cell.start(tasks)
        await cell.until(lambda: cell.gone)
        await asyncio.sleep(5.0)

    tell(mode, instant, story, assert_given_back)


def killed_at(mode: Mode, instant: Instant, how: Propagation, place: int, away_s: float) -> Cell:
    """The controller dies at one await after the deletion."""

    async def story(cell: Cell, _tasks: asyncio.TaskGroup) -> None:
        cell.kill_at, cell.away_s = place, away_s
        cell.delete(how)
        await cell.until(lambda: cell.gone, within_s=away_s + 400.0)
        await asyncio.sleep(5.0)

    return tell(mode, instant, story, assert_given_back)


def _killed_at_each(mode: Mode, instant: Instant, how: Propagation, away_s: float) -> None:
    awaits = killed_at(mode, instant, how, 0, 1.0).awaits
    for place in range(1, awaits + 1):
        assert killed_at(mode, instant, how, place, away_s).kills == 1, f"nobody died at await {place}"


@EACH_INSTANT
@EACH_MODE
def test_the_controller_is_killed_at_each_await(mode: Mode, instant: Instant) -> None:
    """Wherever it dies: clients are served at every moment, and everything is given back."""
    _killed_at_each(mode, instant, Propagation.BACKGROUND, 1.0)


@pytest.mark.full
@pytest.mark.parametrize("away_s", [1.0, 900.0], ids=["for a second", "longer than a deletion may take"])
@EACH_WAY
@EACH_INSTANT
@EACH_MODE
def test_the_controller_is_killed_and_stays_away(mode: Mode, instant: Instant, how: Propagation, away_s: float) -> None:
    """In each way of deleting, and however long it takes the next one to come: it begins the time anew."""
    _killed_at_each(mode, instant, how, away_s)


def check_who_can_is_led_to(cell: Cell) -> None:
    """Whoever has pods gets the requests, and the end was told."""
    if cell.clients.can_answer():
        assert cell.clients.served() == {APEX: True, ROUTE: True}, cell.clients.led_to()
    assert {"Released", "GivenUp"} & set(cell.events), cell.events


@pytest.mark.parametrize("dead", [False, True], ids=["seen by the controller", "while it was dead"])
@pytest.mark.parametrize("cascade", [Propagation.BACKGROUND, Propagation.FOREGROUND], ids=["gone", "going"])
@pytest.mark.parametrize("which", ["released", "primary"])
@EACH_WAY
@EACH_INSTANT
@EACH_MODE
def test_a_workload_is_gone_already(
    mode: Mode, instant: Instant, how: Propagation, *, which: str, cascade: Propagation, dead: bool
) -> None:
    """The Canary is let go; no write of ours takes clients their answers, and whoever can serve is led to."""
    key = getattr(mode, which)

    async def story(cell: Cell, tasks: asyncio.TaskGroup) -> None:
        if dead:
            cell.stop()
        if cell.server.stored(DEPLOYMENTS, key) is not None:
            if cascade is Propagation.FOREGROUND:  # its pods go, and somebody else's finalizer holds it
                cell.server.edit(DEPLOYMENTS, key, {"metadata": {"finalizers": ["tests.rollouts.dev/hold"]}})
            cell.server.delete(DEPLOYMENTS, key, cascade)
        await asyncio.sleep(0.5)
        cell.delete(how, strict=False)
        await asyncio.sleep(5.0)
        if dead:
            cell.start(tasks)
        await cell.until(lambda: cell.gone)
        await asyncio.sleep(5.0)

    # Nobody was led to anything of ours yet: whom the user's objects lead to a workload that is gone, they still do.
    untouched = instant.name.startswith("Initializing")
    tell(mode, instant, story, (lambda _cell: None) if untouched else check_who_can_is_led_to)


@pytest.mark.parametrize("dead", [False, True], ids=["seen by the controller", "while it was dead"])
@pytest.mark.parametrize("kind", [SERVICES, VIRTUAL_SERVICES, DESTINATION_RULES], ids=lambda kind: kind.kind)
@EACH_INSTANT
@EACH_MODE
def test_what_leads_to_the_workloads_is_gone_already(
    mode: Mode, instant: Instant, *, kind: Resource, dead: bool
) -> None:
    """As where an application is uninstalled in another order: nothing hangs, and we take nobody their answers."""

    async def story(cell: Cell, tasks: asyncio.TaskGroup) -> None:
        if dead:
            cell.stop()
        if cell.server.stored(kind, KEY) is not None:
            cell.server.delete(kind, KEY)
        await asyncio.sleep(0.5)
        cell.delete(Propagation.BACKGROUND, strict=False)
        await asyncio.sleep(5.0)
        if dead:
            cell.start(tasks)
        await cell.until(lambda: cell.gone)
        await asyncio.sleep(5.0)

    def check(cell: Cell) -> None:
        if "GivenUp" in cell.events:
            assert (mode, kind, dead) == (TARGET_REF, SERVICES, True)
            assert cell.clients.served()[ROUTE], "who served serves no more"
        elif mode is TARGET_REF:
            assert [place for place in mode.made if cell.server.stored(*place) is not None] == []

    tell(mode, instant, story, check)


@EACH_WAY
@EACH_INSTANT
@EACH_MODE
def test_no_pod_starts_any_more(mode: Mode, instant: Instant, how: Propagation) -> None:
    """After five minutes at most it is given up, visibly, and who served serves."""

    async def story(cell: Cell, _tasks: asyncio.TaskGroup) -> None:
        cell.startup_s = lambda _image: NEVER
        cell.delete(how)
        await cell.until(lambda: cell.gone, within_s=400.0)
        await asyncio.sleep(5.0)

    def check(cell: Cell) -> None:
        if "GivenUp" not in cell.events:
            assert_given_back(cell)
        assert cell.clients.served() == {APEX: True, ROUTE: True}

    tell(mode, instant, story, check)


def _orders(mode: Mode) -> list[list[Place]]:
    """Each object first, second ... last."""
    places = [*mode.made, *((resource, ObjectKey.of(one)) for resource, one in mode.users()), (CANARIES, KEY)]
    places += [(VIRTUAL_SERVICES, KEY)] if mode is TARGET_REF else []
    return [places[first:] + places[:first] for first in range(len(places))]


def _namespace_goes(mode: Mode, instant: Instant, how: Propagation, *, dead: bool) -> None:
    for order in _orders(mode):

        async def story(cell: Cell, tasks: asyncio.TaskGroup, order: list[Place] = order) -> None:
            if dead:
                cell.stop()
            cell.delete(how, strict=False)
            ending = tasks.create_task(cell.end_namespace(order))
            if dead:
                await asyncio.sleep(20.0)
                cell.start(tasks)
            await ending

        tell(mode, instant, story)


@pytest.mark.parametrize("dead", [False, True], ids=["live", "dead"])
@EACH_INSTANT
@EACH_MODE
def test_the_namespace_goes(mode: Mode, instant: Instant, *, dead: bool) -> None:
    """Nothing can be made, and all is deleted, in any order: the namespace ends once a controller is there."""
    _namespace_goes(mode, instant, Propagation.BACKGROUND, dead=dead)


@pytest.mark.full
@pytest.mark.parametrize("dead", [False, True], ids=["live", "dead"])
@pytest.mark.parametrize("how", [Propagation.FOREGROUND, Propagation.ORPHAN], ids=str)
@EACH_INSTANT
@EACH_MODE
def test_the_namespace_of_a_canary_that_goes_goes(
    mode: Mode, instant: Instant, how: Propagation, *, dead: bool
) -> None:
    """The same for one that somebody deleted before in another way."""
    _namespace_goes(mode, instant, how, dead=dead)
