"""Waiting for a condition with a deadline, and addresses of this process's own, for the lab's tests."""

import asyncio
import itertools
import os
from collections.abc import Callable

DEADLINE_S = 10.0
_HOSTS = itertools.count()


async def until(condition: Callable[[], object], *, what: str) -> None:
    """Return as soon as the condition holds; fail with `what` when it does not in time."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"not within {DEADLINE_S:g} s: {what}") from None


def own_address() -> str:
    """A loopback address that no other test, in this or another process, uses now."""
    pid = os.getpid()
    return f"127.{1 + pid // 256 % 250}.{pid % 256}.{1 + next(_HOSTS) % 250}"
