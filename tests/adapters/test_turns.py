"""Queries under way are few, and whoever asks much waits for itself."""

from __future__ import annotations

import asyncio

from rollouts.metrics.turns import Turns


class Line:
    """Callers who note when they had their turn, and hold it until they are let go."""

    def __init__(self, limit: int) -> None:
        self.served: list[str | None] = []
        self.most = self.now = 0
        self.go = asyncio.Semaphore(0)
        self._turns = Turns(limit)

    def ask(self, *owners: str | None) -> list[asyncio.Task[None]]:
        """So many callers, in that order."""
        return [asyncio.ensure_future(self._call(owner)) for owner in owners]

    async def _call(self, owner: str | None) -> None:
        async with self._turns.turn(owner):
            self.served.append(owner)
            self.now += 1
            self.most = max(self.most, self.now)
            await self.go.acquire()
            self.now -= 1


async def settle() -> None:
    """Let everybody run as far as they get."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_one_that_asks_much_does_not_hold_the_others_up() -> None:
    """Half of the turns are its own at most, and after each the next owner comes first."""
    line = Line(4)
    asked = line.ask(*["greedy"] * 50, "a", "b", "c")
    await settle()
    assert line.served == ["greedy", "greedy", "a", "b"]
    for _ in asked:
        line.go.release()
        await settle()
    await asyncio.gather(*asked)
    assert line.served.index("c") <= 5
    assert line.most == 4


async def test_all_have_their_turn_in_rotation() -> None:
    """With one turn at a time the owners alternate, whatever each has waiting."""
    line = Line(1)
    asked = line.ask("a", "a", "a", "b", "b", "c")
    await settle()
    for _ in asked:
        line.go.release()
    await asyncio.gather(*asked)
    assert line.served == ["a", "a", "b", "c", "a", "b"]  # the first was alone
    assert line.most == 1


async def test_who_gives_up_leaves_its_turn_to_the_next() -> None:
    """While it waits, in the moment that it is granted, and while it has it: no turn is lost."""
    line = Line(1)
    first, second, third = line.ask("a", "b", "c")
    await settle()
    second.cancel()
    await settle()
    first.cancel()
    await asyncio.sleep(0)  # the turn is granted to the third, who has not run yet
    third.cancel()
    await settle()
    (last,) = line.ask("d")
    await settle()
    line.go.release()
    await last
    assert line.served == ["a", "d"]
    assert all(task.cancelled() for task in (first, second, third))


async def test_what_is_asked_for_nobody_has_its_turn_too() -> None:
    """A question that no Canary asks has None for an owner: it is served, and those behind it are not held up."""
    line = Line(2)
    asked = line.ask(None, "a", None)
    await settle()
    assert line.served == [None, "a"]
    for _ in asked:
        line.go.release()
    await asyncio.gather(*asked)
    assert line.served == [None, "a", None]
