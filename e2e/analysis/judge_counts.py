"""Whether the controller counted what there was, and decided as soon as the counts allowed it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from e2e.analysis.counts import UNDER_WAY_S, Counted, Growth, Instant, instants_of, running, ticks
from e2e.analysis.facts import ReleaseFacts
from e2e.analysis.replay import first, replay
from e2e.play.result import Result
from e2e.play.seen import PRIMARY, TARGET
from rollouts.core.evidence.verdict import Finding

SCRAPE_S = 2.0
_LEAST = 3
"""So many evaluations there must have been, for the comparison to say anything."""
_PUNCTUAL_S = 0.05


@dataclass(frozen=True, slots=True)
class Trace:
    """What each evaluation ought to have counted, and where the controller has counted something else."""

    instants: tuple[Instant, ...]
    counted: tuple[Counted, ...]
    differences: tuple[str, ...]


def trace(facts: ReleaseFacts) -> Trace:
    """By the workload server's counts. Only of a scrape that was under way nobody can say if it was to be read."""
    told, grown = {one.at_s: one.counts for one in facts.evaluations}, facts.growths
    instants, differences = list[Instant](), list[str]()
    for instant in instants_of(facts.evaluations, facts.dwells, facts.release.interval_s):
        without = replace(instant, end_s=instant.end_s - UNDER_WAY_S)
        sums = [running(_found(facts, grown, [*instants, one]))[-1].counts for one in (instant, without)]
        said = told.get(instant.at_s, sums[0])
        if said not in sums:
            at = f"{instant.at_s - facts.dwells[0]:.1f} s"
            differences.append(f"at {at} {_told(said)}, but there were {_told(sums[0])}")
        instants.append(without if said == sums[1] and said != sums[0] else instant)
    strays = {one.at_s for one in facts.evaluations} - {one.at_s for one in instants}
    differences += [f"an evaluation at {at_s - facts.began_at_s:.1f} s, when no weight was in force" for at_s in strays]
    return Trace(tuple(instants), tuple(_found(facts, grown, instants)), tuple(differences))


def judge_counts(facts: ReleaseFacts) -> Iterator[Result]:
    """At each evaluation the controller's counts are those that the workload server showed to the last scrape."""
    wrong = trace(facts).differences
    last = facts.evaluations[-1].counts if facts.evaluations else ()
    detail = "; ".join(wrong) or f"{len(facts.evaluations)} evaluations, the last: {_told(last)}"
    ok = len(facts.evaluations) >= _LEAST and not wrong
    expected = "at each evaluation the counts are those that the last scrape was shown"
    yield Result(facts.release.title, expected, ok, detail)
    if facts.down_s is None:
        yield _punctual(facts)


def judge_decision(facts: ReleaseFacts) -> Iterator[Result]:
    """It comes when the mathematics allows it: never before, and one scrape and one evaluation later at most."""
    seen, fails, decided = trace(facts), facts.release.ends == "Failed", facts.decided
    judged = replay(facts.release.spec, seen.instants, seen.counted)
    proven = first(judged, Finding.FAIL if fails else Finding.PASS)
    what, within_s = "rollback" if fails else "promotion", SCRAPE_S + facts.release.interval_s
    expected = f"the {what} is decided once it is proven, at most a scrape and an evaluation ({within_s:g} s) later"
    if proven is None or decided is None:
        told = f"at last: {judged[-1].words}" if judged else "no evaluation"
        told = f"never proven; {told}" if proven is None else f"proven: {proven.words}; never decided"
        yield Result(facts.release.title, expected, ok=False, detail=told)
        return
    # By this machine's clock, as what was seen of the Canary.
    late_s = decided.at_s - proven.at_s - min(one.read_at_s - one.at_s for one in facts.evaluations)
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


def _found(facts: ReleaseFacts, grown: list[Growth], instants: list[Instant]) -> list[Counted]:
    """What each evaluation adds; of the primary nothing where the metric does not compare."""
    counted = ticks(grown, instants, TARGET, PRIMARY)
    compares = facts.release.metric.get("compare") == "primary"
    return counted if compares else [Counted(one.canary) for one in counted]


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
