"""All services and releases that are simulated, by name."""

from __future__ import annotations

from collections.abc import Mapping
from math import erfc, log, sqrt
from types import MappingProxyType

from tests.bench.analysis import shapes
from tests.bench.analysis.worlds import World

RATES = (0.1, 1.0, 10.0, 100.0, 1000.0)


def slow_share(p99_ms: float, limit_ms: float = 500.0, sigma: float = 0.7) -> float:
    """The share slower than the limit, of log-normal durations with this 99th percentile."""
    z = log(limit_ms / p99_ms) / sigma + 2.3263478740408408
    return erfc(z / sqrt(2.0)) / 2.0


USUAL_SLOW, MORE_SLOW = slow_share(400.0), slow_share(600.0)

HEALTHY = tuple(World(f"healthy, {rps:g} rps", rps) for rps in RATES)
NEAR = tuple(World(f"both .8 %, {rps:g} rps", rps, 0.008) for rps in (10.0, 100.0, 1000.0))
BOTH = tuple(World(f"both 1.2 %, {rps:g} rps", rps, 0.012) for rps in (10.0, 100.0, 1000.0))
SLOW = tuple(World(f"p99 400 ms, {rps:g} rps", rps, USUAL_SLOW) for rps in (1.0, 10.0, 100.0))
OWN_BURSTS = tuple(
    World(f"60 s bursts of each, {rps:g} rps", rps, shape=shapes.own_bursts) for rps in (100.0, 1000.0)
)  # fmt: skip
ARM_BURSTS = (World("60 s bursts of a whole version, 1000 rps", 1000.0, shape=shapes.arm_bursts),)
SHARED_BURSTS = (
    World("60 s bursts, shared, 1000 rps", 1000.0, shape=shapes.shared_bursts),
    World("the same, primary a tick late", 1000.0, shape=shapes.shared_bursts, late=True),
    World("steady, primary a tick late, 100 rps", 100.0, late=True),
)
COLD = tuple(World(f"cold start 45 s, {rps:g} rps", rps, shape=shapes.cold_start) for rps in (10.0, 100.0))
FALSE_ALARMS = HEALTHY + SLOW + NEAR + BOTH + OWN_BURSTS + ARM_BURSTS + SHARED_BURSTS + COLD


def _worse(share: float, *rates: float) -> tuple[World, ...]:
    return tuple(World(f"{100 * share:g} %, {rps:g} rps", rps, canary=share) for rps in rates)


CELLS = (
    *_worse(0.005, 10.0, 100.0, 1000.0), *_worse(0.02, *RATES[1:]), *_worse(0.05, *RATES[1:]),
    *_worse(0.5, *RATES[1:]), *_worse(1.0, *RATES[1:]),
)  # fmt: skip
BAD = (
    *CELLS,
    *(World(f"p99 400->600 ms, {rps:g} rps", rps, USUAL_SLOW, MORE_SLOW) for rps in (1.0, 10.0, 100.0)),
    World("5 % from weight 30 on, 100 rps", 100.0, canary=0.05, from_weight=0.3),
    World("5 %, primary 1.2 %, 10 rps", 10.0, 0.012, 0.05),
    World("5 % in 15 s bursts, 100 rps", 100.0, canary=0.05, shape=shapes.short_bursts),
)
LATE_ONSET = World("2 % after 40 minutes, 100 rps", 100.0, canary=0.02, shape=shapes.late_onset)

UNSEEN = (
    World("day and night, healthy, 100 rps at noon", 100.0, shape=shapes.day),
    World("day and night, 2 %, 100 rps at noon", 100.0, canary=0.02, shape=shapes.day),
    World("four bad requests at a time (retries), healthy, 100 rps", 100.0, clump=4),
    World("four bad requests at a time (retries), 2 %, 100 rps", 100.0, canary=0.02, clump=4),
    World("retry storm on both for 2 min, 100 rps", 100.0, shape=shapes.storm),
    World("memory leak, .1 % to 10 % in an hour, 100 rps", 100.0, canary=0.1, shape=shapes.leak),
    World("memory leak, .1 % to 1 % in an hour, 100 rps", 100.0, canary=0.01, shape=shapes.leak),
    World("half of all fail in one scrape of ten, else none, 100 rps", 100.0, canary=0.05, shape=shapes.now_and_then),
    World("one of ten canary pods dead, 100 rps", 100.0, canary=0.1),
    World("one of ten primary pods fails a fifth, healthy, 100 rps", 100.0, shape=shapes.bad_pod_of_primary),
    World("a shared dependency fails 30 % for 8 min, 100 rps", 100.0, shape=shapes.dependency),
    World("every fifth scrape fails, healthy, 100 rps", 100.0, gaps=0.2),
    World("every fifth scrape fails, 2 %, 100 rps", 100.0, canary=0.02, gaps=0.2),
    World("every fifth scrape fails, shared bursts, 1000 rps", 1000.0, shape=shapes.shared_bursts, gaps=0.2),
)

WORLDS: Mapping[str, World] = MappingProxyType(
    {world.name: world for world in (*FALSE_ALARMS, *BAD, LATE_ONSET, *UNSEEN)}
)
FAIR_HEALTHY = tuple(world.name for world in (*HEALTHY, *NEAR[:2]))
FAIR_CELLS = tuple(world.name for world in CELLS)
ROW_7 = ("2 %, 10 rps", "2 %, 100 rps", "5 %, 10 rps", "50 %, 10 rps", "100 %, 100 rps")
