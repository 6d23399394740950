"""What a seat lets be done at the edges: while it gives away, when it leaves, when its Lease runs out under a write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rollouts.api.resources import CONFIG_MAPS, Manifest, ObjectKey
from rollouts.core.lease import Lease, Me
from rollouts.core.shares import Rule, Share
from rollouts.engine.fence import Fenced
from rollouts.engine.seat import Listeners, Seat, Takes
from rollouts.errors import NotFound, NotHeld
from rollouts.ports import Delete, Write
from rollouts.testing.memory_cluster import MemoryCluster
from rollouts.testing.virtual_time import START, VirtualClock, run_virtually
from tests.sim.lease_mutants import CLOSE_MUTANTS
from tests.sim.mutants import Mutant

DURATION = timedelta(seconds=15)
OURS, THEIRS = "a", "b"
_TOGETHER = Share(Rule.SHARDS, (OURS, THEIRS))
GIVEN = next(key for key in (ObjectKey("ns", f"app{i}") for i in range(99)) if _TOGETHER.takes(THEIRS, key))
"""A Canary that the second replica gets when it comes."""
WRITE = Delete(CONFIG_MAPS, ObjectKey("ns", "x"))


class Book:
    """Implements `ports.Leases`: every write is taken at once."""

    def __init__(self) -> None:
        self.leases: dict[str, Lease] = {}
        self._version = 0

    def known(self) -> Sequence[Lease]:
        """All of them."""
        return [*self.leases.values()]

    async def read_all(self) -> Sequence[Lease]:
        """The same."""
        return self.known()

    async def write(self, lease: Lease) -> Lease:
        """Taken."""
        self._version += 1
        since = lease.since or str(self._version)
        made = replace(lease, version=str(self._version), uid=lease.uid or str(self._version), since=since)
        self.leases[lease.replica] = made
        return made

    async def delete(self, lease: Lease) -> None:
        """Gone."""
        self.leases.pop(lease.replica, None)


class Hanging:
    """A cluster that does not answer."""

    def __init__(self) -> None:
        empty = MemoryCluster(lambda: START)
        self.read, self.list_all, self.trouble = empty.read, empty.list_all, empty.trouble
        self.begun = 0

    async def write(self, _write: Write) -> Manifest:
        """For ever."""
        self.begun += 1
        never: asyncio.Future[Manifest] = asyncio.get_running_loop().create_future()
        return await never


async def _seated(clock: VirtualClock) -> tuple[Seat, Book, asyncio.Task[None]]:
    book = Book()
    seat = Seat(book, Me(OURS, "a_1", Rule.SHARDS, DURATION), clock)
    keeping = asyncio.create_task(seat.run())
    await clock.sleep(1.0)
    assert seat.holds(GIVEN)
    return seat, book, keeping


async def _end(keeping: asyncio.Task[None]) -> None:
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping


async def _gives_away(clock: VirtualClock) -> None:
    """While work on what is given away goes on, none is begun, and the Lease still says that it is ours."""
    seat, book, keeping = await _seated(clock)
    ended = asyncio.Event()

    async def idle(_takes: Takes) -> None:
        await ended.wait()

    seat.listeners = Listeners(idle=idle)
    theirs = await book.write(Lease(THEIRS, "b_1", DURATION, Share(Rule.SHARDS), since="9"))
    seat.changed()
    await clock.sleep(0.5)
    assert not seat.holds(GIVEN)
    assert book.leases[OURS].takes(GIVEN)
    ended.set()
    await clock.sleep(0.5)
    assert not book.leases[OURS].takes(GIVEN)
    assert book.leases[THEIRS] == theirs
    await _end(keeping)


async def _leaves(clock: VirtualClock) -> None:
    """The Lease stands until what is under way has ended."""
    seat, book, keeping = await _seated(clock)
    await _end(keeping)
    ended = asyncio.Event()

    async def idle(_takes: Takes) -> None:
        await ended.wait()

    seat.listeners = Listeners(idle=idle)
    leaving = asyncio.create_task(seat.leave())
    await clock.sleep(1.0)
    assert not seat.holds(GIVEN)
    assert OURS in book.leases
    ended.set()
    await leaving
    assert book.leases == {}


async def _stays(clock: VirtualClock) -> None:
    """Where all is being deleted, its Lease too, it keeps what it has and writes on: nobody can take over."""
    seat, book, keeping = await _seated(clock)

    async def is_going() -> bool:
        return True

    async def refuse(lease: Lease) -> Lease:
        raise NotFound("gone")

    seat.listeners = Listeners(is_going=is_going)
    book.leases.clear()
    book.write = refuse  # type: ignore[method-assign]
    await clock.sleep(10 * DURATION.total_seconds())
    assert seat.holds(GIVEN)
    assert seat.left_s() > 0
    assert keeping.done()
    assert not seat.trouble


async def _hangs(clock: VirtualClock) -> None:
    """A write that hangs ends with the Lease, and none is begun after it."""
    seat, _, keeping = await _seated(clock)
    await _end(keeping)
    hanging = Hanging()
    fenced, left_s = Fenced(hanging, seat), seat.left_s()
    assert 5.0 < left_s < 15.0
    began_s = clock.elapsed_s
    async with asyncio.timeout(60.0):
        with pytest.raises(NotHeld):
            await fenced.write(WRITE)
    assert clock.elapsed_s - began_s == pytest.approx(left_s)
    assert hanging.begun == 1
    with pytest.raises(NotHeld):
        await fenced.write(WRITE)
    assert hanging.begun == 1


Case = Callable[[VirtualClock], Coroutine[Any, Any, None]]
CASES: tuple[Case, ...] = (_gives_away, _leaves, _stays, _hangs)


def _play(case: Case) -> None:
    clock = VirtualClock()
    run_virtually(clock, case(clock))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__.strip("_"))
def test_at_the_edges_of_a_lease(case: Case) -> None:
    """As each case says."""
    _play(case)


@pytest.mark.parametrize("mutant", CLOSE_MUTANTS, ids=lambda mutant: mutant.name)
def test_a_broken_rule_is_caught(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    """By one of the cases that the right rule holds in."""
    mutant.install(monkeypatch)
    assert any(not _holds(case) for case in CASES)


def _holds(case: Case) -> bool:
    try:
        _play(case)
    except (AssertionError, TimeoutError, pytest.fail.Exception):
        return False
    return True
