"""What a view hears, and when: order, cuts, bookmarks, a history that was forgotten, changes that are never told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import pytest

from rollouts.api.resources import DEPLOYMENTS, SERVICES, ObjectKey, Resource
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.memory_view import MemoryView
from rollouts.testing.virtual_time import VirtualClock, run_virtually
from rollouts.testing.watch import LaggingWatch, Lateness
from tests.testing.manifests import key, put_deployment, put_service

SEEDS = range(20)


class Watched:
    """A server, a view of it, and what the view was told: object and its `number`, None for gone."""

    def __init__(self, lateness: Lateness, seed: int = 1) -> None:
        self.server = MemoryServer(VirtualClock().now)
        self.view = MemoryView(self.server)
        self.watch = LaggingWatch(self.server, self.view, Random(seed))
        self.watch.lateness = lateness
        self.told: list[tuple[str, int | None]] = []
        self.view.on_change = self._heard

    def _heard(self, resource: Resource, of: ObjectKey) -> None:
        found = self.view.read(resource, of)
        self.told.append((of.name, None if found is None else found["spec"].get("number", 0)))

    def is_up_to_date(self) -> bool:
        """Whether the view knows what is on the server, and nothing else."""
        return all(
            {ObjectKey.of(one): one for one in self.view.list_all(kind)}
            == {ObjectKey.of(one): one for one in self.server.all_of(kind)}
            for kind in (SERVICES, DEPLOYMENTS)
        )


def run(watched: Watched, story: Callable[[Watched], Awaitable[None]]) -> None:
    """The story, in virtual time, from a started watch to its end."""

    async def whole() -> None:
        watched.watch.start()
        await story(watched)
        watched.watch.stop()

    run_virtually(VirtualClock(), whole())


@pytest.mark.parametrize("seed", SEEDS)
def test_one_object_is_told_in_order_and_in_full(seed: int) -> None:
    """Every state that it had, though each change has a delay of its own."""

    async def story(watched: Watched) -> None:
        for number in range(5):
            put_service(watched.server, "a", number=number)
        watched.server.delete(SERVICES, key("a"))
        await asyncio.sleep(10.0)
        assert watched.told == [*(("a", number) for number in range(5)), ("a", None)]

    run(Watched(Lateness(delay_max_s=10.0), seed), story)


def test_objects_overtake_each_other() -> None:
    """The last that was changed may be the first that is told."""

    async def story(watched: Watched) -> None:
        names = [f"s{number}" for number in range(10)]
        for name in names:
            put_service(watched.server, name)
        await asyncio.sleep(10.0)
        told = [name for name, _ in watched.told]
        assert told != names
        assert sorted(told) == names

    run(Watched(Lateness(delay_max_s=10.0)), story)


@pytest.mark.parametrize("seed", SEEDS)
def test_after_a_cut_everything_missed_is_told(seed: int) -> None:
    """What was under way, and what happened meanwhile, in order; nothing is listed again, nothing told twice."""

    async def story(watched: Watched) -> None:
        put_service(watched.server, "a", number=1)
        await asyncio.sleep(1.0)
        watched.watch.cut(20.0, SERVICES)
        put_service(watched.server, "a", number=2)
        await asyncio.sleep(19.9)
        assert watched.told in ([], [("a", 1)])
        await asyncio.sleep(2.2)
        assert watched.told == [("a", 1), ("a", 2)]
        assert watched.watch.streams[SERVICES].relists == 0

    run(Watched(Lateness(delay_max_s=2.0), seed), story)


def test_other_kinds_are_told_while_one_is_cut() -> None:
    """Each kind has a connection of its own."""

    async def story(watched: Watched) -> None:
        watched.watch.cut(20.0, SERVICES)
        put_service(watched.server, "a")
        put_deployment(watched.server, "b", 1)
        await asyncio.sleep(1.0)
        assert [name for name, _ in watched.told] == ["b"]

    run(Watched(Lateness()), story)


def test_a_place_that_the_server_has_forgotten_is_listed_anew() -> None:
    """410: the view learns what is, of that kind, and never what was in between; what is gone, is gone."""

    async def story(watched: Watched) -> None:
        put_service(watched.server, "a", number=1)
        put_service(watched.server, "b", number=1)
        await asyncio.sleep(1.0)
        watched.told.clear()
        watched.watch.cut(20.0)
        put_service(watched.server, "a", number=2)
        put_service(watched.server, "a", number=3)
        watched.server.delete(SERVICES, key("b"))
        watched.server.journal.forget()
        await asyncio.sleep(21.0)
        assert dict(watched.told) == {"a": 3, "b": None}
        assert len(watched.told) == 2
        assert watched.watch.streams[SERVICES].relists == 1
        put_service(watched.server, "a", number=4)
        await asyncio.sleep(1.0)
        assert watched.told[2:] == [("a", 4)]

    run(Watched(Lateness(delay_max_s=1.0)), story)


@pytest.mark.parametrize("bookmarked", [True, False], ids=["bookmarked", "not"])
def test_a_bookmark_keeps_the_place_of_an_idle_kind(*, bookmarked: bool) -> None:
    """Without one its place grows old with every change of another kind, until the server has forgotten it."""

    async def story(watched: Watched) -> None:
        put_service(watched.server, "a")
        await asyncio.sleep(1.0)
        watched.server.journal.limit = 5
        for replicas in range(10):
            put_deployment(watched.server, "b", replicas)
        if bookmarked:
            watched.watch.bookmark()
        watched.watch.cut(1.0, SERVICES)
        await asyncio.sleep(2.0)
        assert watched.watch.streams[SERVICES].relists == (0 if bookmarked else 1)

    run(Watched(Lateness(delay_max_s=0.1)), story)


def test_a_bookmark_does_not_overtake_what_is_under_way() -> None:
    """Else a cut would lose it for good."""

    async def story(watched: Watched) -> None:
        put_service(watched.server, "a")
        watched.watch.bookmark()
        watched.watch.cut(1.0)
        await asyncio.sleep(12.0)
        assert watched.told == [("a", 0)]

    run(Watched(Lateness(delay_max_s=10.0)), story)


def test_what_is_older_than_a_list_is_old_news() -> None:
    """An object that was gone when everything was listed does not come back with a late event of it."""

    async def story(watched: Watched) -> None:
        put_service(watched.server, "a")
        watched.server.delete(SERVICES, key("a"))
        watched.view.list_again()
        await asyncio.sleep(10.0)
        assert watched.told == []

    run(Watched(Lateness(delay_max_s=10.0)), story)


def test_what_is_never_told_is_found_by_the_next_list() -> None:
    """Not before it."""

    async def story(watched: Watched) -> None:
        put_service(watched.server, "a")
        await asyncio.sleep(4.9)
        assert watched.told == []
        await asyncio.sleep(0.2)
        assert watched.told == [("a", 0)]

    run(Watched(Lateness(drop_chance=1.0, heal_after_s=5.0)), story)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_the_view_catches_up(seed: int) -> None:
    """Changes late, lost and cut by chance, a short memory of the server: in the calm the view is the server."""
    random = Random(seed)

    async def story(watched: Watched) -> None:
        for number in range(100):
            name = random.choice("abcd")
            if watched.server.stored(SERVICES, key(name)) and random.random() < 0.3:
                watched.server.delete(SERVICES, key(name))
            else:
                put_service(watched.server, name, number=number)
            put_deployment(watched.server, "d", number)
            await asyncio.sleep(random.uniform(0.0, 2.0))
        watched.watch.lateness = Lateness()
        await asyncio.sleep(20.0)
        assert watched.is_up_to_date()

    watched = Watched(Lateness(delay_max_s=3.0, drop_chance=0.1, cut_chance=0.1), seed)
    watched.server.journal.limit = 8
    run(watched, story)
    assert sum(stream.relists for stream in watched.watch.streams.values()) > 0
