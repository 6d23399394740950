"""Attempts until one ends for good, or until the number or the time that the request allows is used up.

Pauses grow from 1 s to 30 s, with chance in them, so that receivers that come back are not met by all at once. Knows
nothing of how an attempt is made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random

from tenacity import AsyncRetrying, RetryCallState, retry_if_result

from rollouts.api.hooks import PAUSE_MAX_S
from rollouts.hooks.answer import Answered, Attempt, Silent, may_mend
from rollouts.ports import Clock, HookRequest

FIRST_PAUSE_S = 1.0
"""Of those we choose ourselves: Retry-After may ask for more, while the patience allows it."""


def patience_s(request: HookRequest) -> float:
    """How long a call may take altogether, in seconds: its attempts at their longest, and the pauses between them."""
    return request.timeout_s + request.retries * (request.timeout_s + PAUSE_MAX_S)


async def persist(
    attempt: Callable[[], Awaitable[Attempt]], request: HookRequest, clock: Clock, random: Random
) -> Attempt:
    """The last attempt that was made. A pause after which the patience leaves no time for one more is not begun."""
    until = clock.now() + timedelta(seconds=patience_s(request))

    def stop(state: RetryCallState) -> bool:
        ends_at = clock.now() + timedelta(seconds=state.upcoming_sleep + request.timeout_s)
        return ends_at > until or state.attempt_number > request.retries

    def pause_s(state: RetryCallState) -> float:
        ceiling_s = min(PAUSE_MAX_S, FIRST_PAUSE_S * 2.0 ** (state.attempt_number - 1))
        return max(_asked_s(_last(state)), random.uniform(ceiling_s / 2, ceiling_s))

    retrying = AsyncRetrying(
        retry=retry_if_result(may_mend), stop=stop, wait=pause_s, sleep=clock.sleep, retry_error_callback=_last
    )
    return await retrying(attempt)


def _last(state: RetryCallState) -> Attempt:
    assert state.outcome is not None  # noqa: S101 - what tenacity promises between attempts
    ended: Attempt = state.outcome.result()
    return ended


def _asked_s(attempt: Attempt) -> float:
    match attempt:
        case Answered(retry_after_s=asked_s):
            return asked_s or 0.0
        case Silent():
            return 0.0
