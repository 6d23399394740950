from __future__ import annotations

import asyncio

import pytest

from rollouts.metrics.sharing import Sharing


async def test_the_same_question_is_asked_once_and_then_anew() -> None:
    """Whoever comes while it is asked has that answer; whoever comes later asks again."""
    asked = 0

    async def ask() -> int:
        nonlocal asked
        asked += 1
        number = asked
        await asyncio.sleep(0)
        return number

    sharing = Sharing[int]()
    same, other = [sharing.result("a", ask) for _ in range(5)], sharing.result("b", ask)
    assert await asyncio.gather(*same, other) == [1, 1, 1, 1, 1, 2]
    assert await sharing.result("a", ask) == 3


async def test_who_waits_asks_where_the_first_one_is_gone() -> None:
    """Cancelled, or failed: nobody waits for an answer that will never come, and the failure is the first one's."""
    tries: list[str] = []
    hold = asyncio.Event()

    async def ask() -> str:
        tries.append("asked")
        if len(tries) == 1:
            await hold.wait()
        if len(tries) == 2:
            await asyncio.sleep(0)
            raise RuntimeError("broken")
        return "answer"

    sharing = Sharing[str]()
    first, second, third = (asyncio.ensure_future(sharing.result("a", ask)) for _ in range(3))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    with pytest.raises(RuntimeError):
        await second
    assert await third == "answer"
    assert len(tries) == 3


async def test_who_waits_can_be_cancelled_alone() -> None:
    """The one who asks, and the others, are not."""
    go = asyncio.Event()

    async def ask() -> bool:
        return await go.wait()

    sharing = Sharing[bool]()
    first, second, third = (asyncio.ensure_future(sharing.result("a", ask)) for _ in range(3))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    go.set()
    assert (await first, await third, second.cancelled()) == (True, True, True)
