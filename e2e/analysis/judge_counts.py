"""Whether the controller counted what there was, and decided as soon as the counts allowed it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from e2e.analysis.counts import UNDER_WAY_S, Counted, Instant, Scrape, instants_of, running, ticks
from e2e.analysis.facts import ReleaseFacts
from e2e.analysis.replay import Judged, first, replay
from e2e.play.result import Result
from e2e.play.seen import PRIMARY, TARGET
from rollouts.core.evidence.verdict import Finding

SCRAPE_S = 2.0
_LEAST = 3
"""So many evaluations there must have been, for the comparison to say anything."""
_PUNCTUAL_S = 0.05


def judge_counts(facts: ReleaseFacts) -> Iterator[Result]:
    """At each evaluation the controller's counts are those that the workload server showed to the last scrape."""
    instants = instants_of(facts.evaluations, facts.dwells, facts.release.interval_s)
    up_to = dict(zip((one.at_s for one in instants), running(found(facts, instants)), strict=True))
    wrong = [text for one in facts.evaluations if (text := _difference(facts, one.at_s, one.counts, up_to))]
    last = facts.evaluations[-1].counts if facts.evaluations else ()
    detail = "; ".join(wrong) or f"{len(facts.evaluations)} evaluations, the last: {_told(last)}"
    ok = len(facts.evaluations) >= _LEAST and not wrong
    yield Result(
        facts.release.title, "at each evaluation the counts are those that the last scrape was shown", ok, detail
    )
    if facts.down_s is None:
        yield _punctual(facts)


def found(facts: ReleaseFacts, instants: list[Instant]) -> list[Counted]:
    """What each evaluation ought to have added."""
    compares = facts.release.metric.get("compare") == "primary"
    counted = ticks(facts.growths, instants, TARGET, PRIMARY)
    return counted if compares else [Counted(one.canary) for one in counted]


def judged(facts: ReleaseFacts) -> list[Judged]:
    """What the shipped statistics make of the true counts."""
    instants = instants_of(facts.evaluations, facts.dwells, facts.release.interval_s)
    return replay(facts.release.spec, instants, found(facts, instants))


def judge_decision(facts: ReleaseFacts) -> Iterator[Result]:
    """It comes when the mathematics allows it: never before, and one scrape and one evaluation later at most."""
    fails = facts.release.ends == "Failed"
    proven = first(judged(facts), Finding.FAIL if fails else Finding.PASS)
    what = "rollback" if fails else "promotion"
    within_s = SCRAPE_S + facts.release.interval_s
    expected = f"the {what} is decided once it is proven, at most a scrape and an evaluation ({within_s:g} s) later"
    decided = facts.decided
    if proven is None or decided is None or not facts.dwells:
        told = "never proven" if proven is None else f"proven: {proven.words}; never decided"
        yield Result(facts.release.title, expected, ok=False, detail=told)
        return
    late_s = decided.at_s - proven.at_s
    since_s = proven.at_s - facts.dwells[0]
    detail = f"proven {since_s:.1f} s after the weight was in force: {proven.words}; decided {late_s:.2f} s later"
    yield Result(facts.release.title, expected, 0 <= late_s <= within_s, detail)


def judge_totals(facts: ReleaseFacts) -> Iterator[Result]:
    """After the load and one more scrape, nothing is missing and nothing too much."""
    differences, total = facts.totals.differences, sum(facts.totals.clients.values())
    told = ", ".join(
        f"{count:g} {workload} {status}" for (workload, status), count in sorted(facts.totals.counted.items())
    )
    expected = "after the load and one more scrape, all that was counted is all that clients were answered"
    yield Result(facts.release.title, expected, total > 0 and not differences, "; ".join(differences) or told)


def _difference(facts: ReleaseFacts, at_s: float, counts: tuple[float, ...], up_to: dict[float, Counted]) -> str:
    """In words, how an evaluation's counts differ from the true ones; empty if they don't."""
    true = up_to.get(at_s)
    if true is None:
        return f"an evaluation at {at_s - facts.began_at_s:.1f} s, when no weight was in force"
    if counts == true.counts or counts == _but_the_last(facts, at_s):
        return ""
    since_s = at_s - facts.dwells[0] if facts.dwells else 0.0
    return f"at {since_s:.1f} s {_told(counts)}, but there were {_told(true.counts)}"


def _but_the_last(facts: ReleaseFacts, at_s: float) -> tuple[float, ...]:
    """What there was up to the evaluation without a scrape that began right before it."""
    fresh = [scrape for scrape in facts.scrapes if at_s - UNDER_WAY_S < scrape.at_s <= at_s]
    if not fresh:
        return ()
    instants = instants_of(facts.evaluations, facts.dwells, facts.release.interval_s)
    until = [one for one in instants if one.at_s <= at_s]
    until[-1] = Instant(_before(fresh[-1]), until[-1].weight_from_s)
    return running(found(facts, until))[-1].counts


def _before(scrape: Scrape) -> float:
    return scrape.at_s - 1e-3


def _punctual(facts: ReleaseFacts) -> Result:
    """None was left out, and none was late: their instants follow from the status."""
    interval_s, ends = facts.release.interval_s, [one.at_s for one in facts.evaluations]
    gaps = [later - earlier for earlier, later in pairwise((*facts.dwells[:1], *ends))]
    uneven = [gap for gap in gaps[1:] if abs(gap - interval_s) > _PUNCTUAL_S]
    ok = bool(gaps) and not uneven and gaps[0] <= 2 * interval_s
    detail = f"the first {gaps[0]:.1f} s after the weight was in force, {len(gaps)} in all" if gaps else "none"
    told = f"{detail}; gaps of {', '.join(f'{gap:.2f} s' for gap in uneven)}" if uneven else detail
    return Result(facts.release.title, f"an evaluation each {interval_s:g} s", ok, told)


def _told(counts: tuple[float, ...]) -> str:
    if len(counts) != 4:
        return "none"
    requests, bad, primary_requests, primary_bad = counts
    beside = f", primary {primary_bad:g} of {primary_requests:g}" if primary_requests else ""
    return f"{bad:g} of {requests:g}{beside}"
