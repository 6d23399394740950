"""What is expected of a canary that clients see nothing of: that it is really asked, by copies or by testers. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from e2e.play.binomial import band
from e2e.play.result import Result
from e2e.play.seen import TARGET
from e2e.strategies.facts import RunFacts
from e2e.strategies.spans import Span, read_spans, served_within

IN_FLIGHT = 15
"""By how much counts of two workloads may differ since some requests are under way when they are read."""


def judge_copies(facts: RunFacts) -> Iterator[Result]:
    """While requests are copied the canary's pods answer that share of what the primary's do."""
    for span in read_spans(facts):
        if span.shares.mirror_percent:
            yield _copied(facts, span)


def judge_tests(facts: RunFacts) -> Iterator[Result]:
    """In the dark step the canary answers its testers, and no one else."""
    story = facts.plan.story
    until_s = facts.shares[0].before_s if facts.shares else facts.ended_at_s
    tests = [record for record in facts.tests if record.done_at_s < until_s]
    wrong = [record for record in tests if record.failed or record.workload != TARGET]
    words = sorted({record.error or f"{record.status} of {record.workload or 'nobody'}" for record in wrong})
    detail = f"{len(wrong)} wrong of {len(tests)} answers {words or ''}".rstrip()
    yield Result(story, "testers get version " + facts.plan.version, bool(tests) and not wrong, detail)
    canary, primary = served_within(facts.served, facts.applied_at_s, until_s)
    ok = 0 < canary <= len(tests) + IN_FLIGHT
    detail = f"its counter rose by {canary}, the primary's by {primary}; {len(tests)} tests"
    yield Result(story, "in the dark step the canary serves testers alone", ok, detail)


def _copied(facts: RunFacts, span: Span) -> Result:
    percent = span.shares.mirror_percent
    canary, primary = served_within(facts.served, span.since_s, span.until_s)
    limits = band(primary, percent / 100)
    ok = primary > 0 and limits.low - IN_FLIGHT <= canary <= limits.high + IN_FLIGHT
    detail = f"its counter rose by {canary}, the primary's by {primary}; {limits.low}..{limits.high} is {percent} %"
    expected = f"while clients get none of it, the canary serves copies of {percent} % of the requests"
    return Result(facts.plan.story, expected, ok, detail)
