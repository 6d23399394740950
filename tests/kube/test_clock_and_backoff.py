from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from rollouts.kube.backoff import Backoff
from rollouts.kube.clock import ServerClock, ServerTime

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_clock_starts_at_the_servers_time_and_runs_by_the_monotonic_one() -> None:
    """Half a second is added, because the header is cut to whole ones; then only the monotonic clock counts."""
    now_s = 100.0
    clock = ServerClock(ServerTime(AT.astimezone(timezone(timedelta(hours=2))), 100.0), lambda: now_s)
    assert clock.now() == AT + timedelta(seconds=0.5)
    now_s = 107.25
    assert clock.now() == AT + timedelta(seconds=7.75)
    assert clock.now().tzinfo is UTC


async def test_sleep_takes_its_time() -> None:
    """Sleeping for a while takes at least that long on the monotonic clock."""
    began_s = time.monotonic()
    await ServerClock(ServerTime(AT, began_s), time.monotonic).sleep(0.02)
    assert time.monotonic() - began_s >= 0.019


@given(seed=st.integers(), rounds=st.integers(1, 80), at_least_s=st.floats(0, 100))
def test_a_delay_stays_between_what_was_asked_for_and_the_cap(seed: int, rounds: int, at_least_s: float) -> None:
    """Never sooner than the server allowed, never later than the cap unless the server asked for that."""
    backoff = Backoff(Random(seed), first_s=0.25, cap_s=30.0)
    for _ in range(rounds):
        assert at_least_s <= backoff.next_s(at_least_s=at_least_s) <= max(30.0, at_least_s)
    assert backoff.failures == rounds


def test_delays_grow_and_start_over() -> None:
    """The mean doubles with each failure up to the cap's; a reset goes back to the first."""

    class Longest(Random):
        def uniform(self, a: float, b: float) -> float:
            return max(a, b)

    backoff = Backoff(Longest(), first_s=0.25, cap_s=1.5)
    assert [backoff.next_s() for _ in range(5)] == [0.25, 0.5, 1.0, 1.5, 1.5]
    backoff.reset()
    assert backoff.next_s() == 0.25
