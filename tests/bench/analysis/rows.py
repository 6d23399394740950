"""What is required of the method, row by row, next to what was found. No requirement is ever bent here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.bench.analysis import boundary, catalog
from tests.bench.analysis.cells import Results
from tests.bench.analysis.fair import best, worst_false_alarm
from tests.bench.analysis.outcomes import PROMOTED, ROLLED_BACK, RUNNING, refuted
from tests.bench.analysis.sequential import SEQ
from tests.bench.analysis.worlds import TICKS_A_MINUTE, World


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement."""

    number: str
    required: str
    found: str = ""
    met: bool = False
    took: str = ""
    """What depends on the machine: told, and not published."""


def rows(results: Results) -> list[Row]:
    """Rows 1 to 9."""
    return [
        _boundary(results), _healthy(results), *_bursts(results), _cold(results), *_dead(results), _flagger(results),
        _fair(results), *_power(results), *_promotion(results),
    ]  # fmt: skip


def _boundary(results: Results) -> Row:
    settings = SEQ.settings
    failed, passed = zip(*(results.edges[edge.name] for edge in boundary.EDGES), strict=True)
    broken = any(
        refuted(hits, results.runs, level)
        for of, level in ((failed, settings.alpha), (passed, settings.beta))
        for hits in of
    )
    return Row(
        "1", f"at the limit for 2 h, {len(boundary.EDGES)} settings: ever failed <= 5 %, ever passed <= 10 %",
        f"failed {_span(failed, results)}, passed {_span(passed, results)}", not broken,
    )  # fmt: skip


def _span(hits: Sequence[int], results: Results) -> str:
    return f"{100 * min(hits) / results.runs:.2f} to {100 * max(hits) / results.runs:.2f} %"


def _healthy(results: Results) -> Row:
    worlds = (*catalog.HEALTHY, *catalog.NEAR, *catalog.SLOW, *catalog.BOTH)
    return _false_alarms(Row("2", "healthy, near the objective, slow, shared breach"), results, worlds, 0.005)


def _bursts(results: Results) -> list[Row]:
    return [
        _false_alarms(Row("3", "bursts of each version by itself"), results, catalog.OWN_BURSTS, 0.03),
        _false_alarms(Row("3", "shared bursts, primary a tick late"), results, catalog.SHARED_BURSTS, 0.005),
    ]


def _cold(results: Results) -> Row:
    return _false_alarms(Row("4", "cold start 45 s, warmup 60 s"), results, catalog.COLD, 0.005, "SEQ-warm")


def _false_alarms(row: Row, results: Results, worlds: Sequence[World], most: float, rule: str = "SEQ") -> Row:
    found = {world.name: results.of(world.name, rule).rolled_back for world in worlds}
    worst = max(found, key=lambda name: found[name])
    return replace(
        row,
        required=f"false rollbacks, {row.required}: <= {100 * most:g} % in each of {len(worlds)}",
        found=f"at most {100 * found[worst]:.2f} %" + (f" ({worst})" if found[worst] else ""),
        met=found[worst] <= most,
    )


def _dead(results: Results) -> list[Row]:
    dead = [f"{share} %, {rps} rps" for share in (100, 50) for rps in (10, 100, 1000)]
    medians = [_minutes(results, name) for name in dead]
    slow = [_minutes(results, f"{share} %, 1 rps", 90.0) for share in (100, 50)]
    return [
        Row("5", "dead canary at 10 % weight, >= 10 rps: decided in <= 60 s, median",
            f"{60 * min(medians):.0f} to {60 * max(medians):.0f} s", max(medians) <= 1.0),
        Row("5", "dead canary, 1 rps: decided in <= 3 min in 90 %",
            f"{slow[0]:.2f} min (100 %), {slow[1]:.2f} min (50 %)", max(slow) <= 3.0),
    ]  # fmt: skip


def _minutes(results: Results, name: str, percentile: float = 50.0, rule: str = "SEQ") -> float:
    """How long a rollback takes, those that never come counted as endless."""
    of = results.of(name, rule)
    if 100.0 * of.rolled_back <= percentile:
        return float("inf")
    return of.minutes_to(ROLLED_BACK, percentile)


def _flagger(results: Results) -> Row:
    name = "100 %, 100 rps"
    ours = results.of(name, "SEQ").bad_requests
    five, ten = (results.of(name, rule).bad_requests / ours for rule in ("F5", "F10"))
    return Row(
        "6", "bad requests, dead canary, 100 rps: <= 1/5 of Flagger's threshold 5, <= 1/10 of 10",
        f"1/{five:.1f}, 1/{ten:.1f}", five >= 5.0 and ten >= 10.0,
    )  # fmt: skip


def _fair(results: Results) -> Row:
    found = []
    for name in catalog.ROW_7:
        ours = results.of(name, "SEQ").bad_requests
        found.append(best(results, name, 0.01)[1] / ours)
    ours_worst = worst_false_alarm(results)
    return Row(
        "7", "fewer bad requests than the best of the grid with <= 1 % false alarms, per cell: >= 3 times in 5 cells",
        ", ".join(f"{ratio:.1f}" for ratio in found) + f" times; own false alarms {100 * ours_worst:.2f} %",
        min(found) >= 3.0 and ours_worst <= 0.01,
    )  # fmt: skip


def _power(results: Results) -> list[Row]:
    told = []
    for name, most in (("2 %, 10 rps", 0.02), ("5 %, 1 rps", 0.02), ("0.5 %, 1000 rps", 0.01)):
        missed = 1.0 - results.of(name, "SEQ").rolled_back
        told.append(Row("8", f"{name}: missed <= {100 * most:g} %", f"{100 * missed:.2f} %", missed <= most))
    minutes = _minutes(results, "0.5 %, 1000 rps")
    told.append(Row("8", "0.5 %, 1000 rps: <= 6 min, median", f"{minutes:.2f} min", minutes <= 6.0))
    delay = _minutes(results, catalog.LATE_ONSET.name, rule="SEQ-watch") - 40.0
    told.append(Row("8", f"{catalog.LATE_ONSET.name}: delay <= 4 min, median", f"{delay:.2f} min", delay <= 4.0))
    return told


def _promotion(results: Results) -> list[Row]:
    healthy = {world.rps: results.of(world.name, "SEQ") for world in catalog.HEALTHY}
    quick, busy = healthy[1000.0].minutes_to(PROMOTED), healthy[100.0].minutes_to(PROMOTED)
    ends = [of for of in healthy.values() if (of.ends == PROMOTED).any()]
    longest = max(float(of.minutes[of.ends == PROMOTED].max()) for of in ends)
    never = any((of.ends == RUNNING).any() for of in healthy.values())
    least, most = (len(SEQ.steps) * ticks / TICKS_A_MINUTE for ticks in (SEQ.step_ticks, SEQ.hold_ticks))
    return [
        Row("9", f"healthy, 1000 rps: promoted after steps x stepDuration = {least:g} min", f"{quick:g} min",
            quick <= least),
        Row("9", "healthy, 100 rps: <= 10 min, median", f"{busy:g} min", busy <= 10.0),
        Row("9", f"healthy: never after steps x maxHold = {most:g} min", f"{longest:g} min at most",
            longest <= most and not never),
    ]  # fmt: skip
