"""What an earlier revision did is not held against, or in favour of, the one that is judged."""

from __future__ import annotations

import pytest

from rollouts.core.measurement import Probe, Signal
from rollouts.core.step import step
from tests.core.given import at, running, seen_at, spec_of

WIDE = [{"name": "request-success-rate", "interval": "1m", "thresholdRange": {"min": 99}}]


@pytest.mark.parametrize(("checked_at", "window_s"), [(0, 30.0), (100, 60.0)], ids=["young run", "old run"])
def test_the_look_back_ends_where_the_run_began(checked_at: float, window_s: float) -> None:
    """A minute is wanted, but half a minute ago the canary was another revision, which may have failed."""
    status = running(10, started_at=at(-20), last_check_at=at(checked_at))
    decision = step(spec_of(metrics=WIDE), status, seen_at(checked_at + 10, route_weight=10))
    assert decision.asks[:-2] == tuple(Probe(one, window_s=window_s) for one in (Signal.SUCCESS_RATE, Signal.UNREACHED))
