"""The account is held while a Canary is, and a process whose account is being deleted stays until none is any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from rollouts.api.ownership import RESTORE_FINALIZER
from rollouts.api.resources import Manifest, ObjectKey
from rollouts.engine.foothold import LAST_STAND_S, NOT_MEANT_S, RETRY_S, Foothold
from rollouts.errors import Forbidden, KubeError, Unavailable
from rollouts.testing.virtual_time import VirtualClock, run_virtually

KEY, OTHER = ObjectKey("shop", "app"), ObjectKey("shop", "cart")


def _canary(*, leaves: bool = False, finalizer: str = RESTORE_FINALIZER) -> Manifest:
    metadata: Manifest = {"namespace": "shop", "name": "app", "finalizers": [finalizer]}
    return {"metadata": metadata | ({"deletionTimestamp": "2026-01-01T00:00:00Z"} if leaves else {})}


class Account:
    """Implements `ports.Account`."""

    def __init__(self, *failures: KubeError) -> None:
        self.held: bool | None = None
        self.going = False
        self.writes = 0
        self.failures = [*failures]

    async def hold(self) -> None:
        """Held from now on."""
        self._fail()
        self.held = True

    async def let_go(self) -> None:
        """Not held any more."""
        self._fail()
        self.held = False

    async def is_going(self) -> bool:
        """As it was set."""
        return self.going

    def _fail(self) -> None:
        self.writes += 1
        if self.failures:
            raise self.failures.pop(0)


class Standing:
    """A foothold at work."""

    def __init__(self, clock: VirtualClock, *failures: KubeError, works: bool = True) -> None:
        self.account = Account(*failures)
        self.works = works
        self.clock = clock
        self.foothold = Foothold(self.account, clock, lambda: self.works)
        self._running = asyncio.create_task(self.foothold.run())

    async def settle(self, seconds: float = 1.0) -> bool | None:
        """What is held a little later."""
        await self.clock.sleep(seconds)
        return self.account.held

    async def end(self) -> None:
        """No more."""
        self._running.cancel()
        await asyncio.wait({self._running})


async def _holds(clock: VirtualClock) -> None:
    """From the first Canary that carries our finalizer to the last one; nothing is written between."""
    at = Standing(clock)
    at.foothold.look()
    assert await at.settle() is False
    at.foothold.see(KEY, _canary(finalizer="somebody.else/x"))
    assert await at.settle() is False
    at.foothold.see(KEY, _canary())
    at.foothold.see(OTHER, _canary())
    assert await at.settle() is True
    at.foothold.see(KEY, None)
    assert await at.settle() is True
    at.foothold.see(OTHER, None)
    assert await at.settle() is False
    assert at.account.writes == 3
    await at.end()


async def _stands_by(clock: VirtualClock) -> None:
    """A replica that does not work writes nothing, until it does."""
    at = Standing(clock, works=False)
    at.foothold.see(KEY, _canary())
    assert await at.settle() is None
    at.works = True
    at.foothold.look()
    assert await at.settle() is True
    await at.end()


async def _tries_again(clock: VirtualClock) -> None:
    """A server that is away is asked again; one that refuses is not."""
    at = Standing(clock, Unavailable("away"))
    at.foothold.see(KEY, _canary())
    assert await at.settle() is None
    assert await at.settle(RETRY_S) is True
    await at.end()
    at = Standing(clock, Forbidden("no"))
    at.foothold.see(KEY, _canary())
    assert await at.settle(10 * RETRY_S) is None
    assert at.account.writes == 1
    await at.end()


async def _outlasts(clock: VirtualClock) -> None:
    """It stays until the last Canary is given back, and lets the account go then."""
    at = Standing(clock)
    at.foothold.see(KEY, _canary())
    assert await at.settle() is True
    assert not await at.foothold.is_going()
    at.account.going = True
    assert await at.foothold.is_going()
    stand = asyncio.create_task(at.foothold.last_stand())
    at.foothold.see(KEY, _canary(leaves=True))
    assert await at.settle(LAST_STAND_S - 10.0) is True
    at.foothold.see(KEY, None)
    await stand
    assert at.account.held is False
    assert at.account.writes == 2
    await at.end()


async def _gives_up(clock: VirtualClock) -> None:
    """A Canary that is not given back in time is left behind, and the account is let go all the same."""
    at = Standing(clock)
    at.foothold.see(KEY, _canary(leaves=True))
    assert await at.settle() is True
    began_s = clock.elapsed_s
    await at.foothold.last_stand()
    assert clock.elapsed_s - began_s == pytest.approx(LAST_STAND_S)
    assert at.account.held is False
    await at.end()


async def _is_not_meant(clock: VirtualClock) -> None:
    """Where only the program goes, and no Canary, it does not wait for what will not come."""
    at = Standing(clock)
    at.foothold.see(KEY, _canary())
    assert await at.settle() is True
    began_s = clock.elapsed_s
    await at.foothold.last_stand()
    assert clock.elapsed_s - began_s == pytest.approx(NOT_MEANT_S)
    assert at.account.held is False
    await at.end()


async def _has_nothing(clock: VirtualClock) -> None:
    """Without Canaries there is nothing to stay for."""
    at = Standing(clock)
    at.account.going = True
    assert not await at.foothold.is_going()
    await at.end()


STORIES: tuple[Callable[[VirtualClock], Coroutine[Any, Any, None]], ...] = (
    _holds, _stands_by, _tries_again, _outlasts, _gives_up, _is_not_meant, _has_nothing,
)  # fmt: skip


@pytest.mark.parametrize("story", STORIES, ids=lambda story: str(story.__name__).strip("_"))
def test_story(story: Callable[[VirtualClock], Coroutine[Any, Any, None]]) -> None:
    """Each says what happens."""
    clock = VirtualClock()
    run_virtually(clock, story(clock))
