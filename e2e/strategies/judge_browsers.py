"""What is expected of session affinity: who met the canary stays there, until all are sent back. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from e2e.play.result import Result
from e2e.play.seen import PRIMARY, TARGET
from e2e.strategies.browsers import BROWSERS, Visit
from e2e.strategies.facts import RunFacts
from e2e.strategies.spans import read_spans


def judge_browsers(facts: RunFacts, visits: Sequence[Visit]) -> Iterator[Result]:
    """While the canary has weight, and after it has none."""
    story, spans = facts.plan.story, read_spans(facts)
    failed = [visit for visit in visits if visit.status != 200]
    yield Result(story, "no browser sees an error", bool(visits) and not failed, f"{len(failed)} of {len(visits)}")
    given = [visit for visit in visits if spans and visit.sent_at_s < spans[0].until_s]
    by_browser = {number: [visit for visit in given if visit.browser == number] for number in range(BROWSERS)}
    met = {number: found for number, found in by_browser.items() if any(visit.workload == TARGET for visit in found)}
    strayed = [number for number, found in met.items() if _strayed(found)]
    detail = f"{len(met)} of {BROWSERS} met it, {len(strayed)} strayed"
    yield Result(story, "a browser that met the canary stays with it", len(met) > BROWSERS // 2 and not strayed, detail)
    after = [visit for visit in visits if len(spans) > 1 and visit.sent_at_s >= spans[-1].since_s]
    others = [visit for visit in after if visit.workload != PRIMARY]
    carried = {visit.browser for visit in after if visit.carried}
    detail = f"{len(others)} others of {len(after)} answers, {len(carried)} browsers came with the cookie"
    expected = "after the rollback the primary answers them, cookie or not"
    yield Result(story, expected, bool(carried) and not others, detail)
    kept = [visit for visit in after if visit.kept]
    yield Result(story, "and they forget the cookie with that answer", bool(after) and not kept, f"{len(kept)} kept it")


def _strayed(visits: Sequence[Visit]) -> bool:
    """Whether somebody else answered after the canary had."""
    workloads = [visit.workload for visit in visits]
    return set(workloads[workloads.index(TARGET) :]) != {TARGET}
