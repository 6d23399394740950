"""What is expected of what clients get: their share, no canary before its time, whose errors, which version. Pure.

Both kinds of clients are judged alike: the plan says what share of their requests is the canary's at each step.
"""

from __future__ import annotations

from collections.abc import Iterator

from e2e.lab.load import Record
from e2e.play.binomial import band
from e2e.play.result import Result
from e2e.play.seen import PRIMARY, TARGET
from e2e.strategies.facts import RunFacts
from e2e.strategies.spans import Span, answered_by, rest_span


def judge_clients(facts: RunFacts, spans: list[Span]) -> Iterator[Result]:
    """Every expectation of one run that clients could have."""
    for clients in facts.records:
        yield _shares(facts, spans, clients)
        yield _in_time(facts, clients)
        yield from _errors(facts, clients)
    yield _versions_before(facts)
    yield _versions_after(facts)


def _result(facts: RunFacts, expected: str, ok: object, detail: str) -> Result:
    return Result(facts.plan.story, expected, bool(ok), detail)


def _shares(facts: RunFacts, spans: list[Span], clients: str) -> Result:
    told, ok = [], bool(spans)
    for held, span in zip(facts.plan.states, spans, strict=False):
        by_canary, answered = answered_by(span.of(facts.records[clients]))
        limits = band(answered, held.percent_for(clients) / 100)
        told.append(f"{held.percent_for(clients)} %: {by_canary}/{answered} in {limits.low}..{limits.high}")
        ok = ok and answered > 0 and limits.holds(by_canary)
    expected = f"{clients} get their share, in the band of 1 - 1e-6 (0 and 100 % exactly)"
    return _result(facts, expected, ok and len(spans) == len(facts.plan.states), "; ".join(told))


def _in_time(facts: RunFacts, clients: str) -> Result:
    """Also between two spans: who is to get no canary yet, or never, gets none."""
    states = enumerate(facts.plan.states)
    place = next((place for place, held in states if held.percent_for(clients) > 0), None)
    until_s = facts.ended_at_s
    if place is not None and facts.shares:
        until_s = facts.shares[min(place, len(facts.shares) - 1)].before_s
    by_canary, answered = answered_by(record for record in facts.records[clients] if record.sent_at_s < until_s)
    when = "ever" if place is None else "before its time"
    detail = f"{by_canary} of {answered} requests"
    return _result(facts, f"no canary for {clients} {when}", answered > 0 and by_canary == 0, detail)


def _errors(facts: RunFacts, clients: str) -> Iterator[Result]:
    """None at all; but of a version that errs, to those alone who are to get it, and none once it is out of use."""
    records = facts.records[clients]
    exposed = any(held.percent_for(clients) > 0 for held in facts.plan.states)
    failed = [record for record in records if record.failed]
    ours = [record for record in failed if not (facts.plan.errs and exposed and record.workload == TARGET)]
    words = sorted({record.error or f"{record.status} of {record.workload}" for record in ours})
    excused = f", {len(failed) - len(ours)} more of the bad version" if len(failed) > len(ours) else ""
    expected = f"no error for {clients}" + (" but of the bad version" if facts.plan.errs and exposed else "")
    yield _result(facts, expected, records and not ours, f"{len(ours)} of {len(records)} {words or ''}{excused}")
    rest = rest_span(facts)
    if facts.plan.errs and exposed and rest is not None:
        late = rest.of(records)
        bad = [record for record in late if record.failed or record.workload == TARGET]
        detail = f"{len(bad)} of {len(late)} requests after that"
        yield _result(facts, f"no bad answer for {clients} once weight 0 is in force", late and not bad, detail)


def _versions_before(facts: RunFacts) -> Result:
    """Until the promotion the primary serves the old version, and the canary never another than the new one."""
    until_s = facts.reached("Promoting") or facts.ended_at_s
    plan = facts.plan
    answers = [record for record in _answered(facts) if record.done_at_s < until_s]
    wrong = [record for record in answers if record.version != _due(facts, record)]
    early = sum(record.done_at_s < facts.applied_at_s for record in answers)
    detail = f"{len(wrong)} wrong; {early} answers before apply"
    expected = f"until promotion the primary answers with version {plan.before}, the canary with {plan.version}"
    return _result(facts, expected, early > 0 and not wrong, detail)


def _due(facts: RunFacts, record: Record) -> str:
    return facts.plan.version if record.workload == TARGET else facts.plan.before


def _versions_after(facts: RunFacts) -> Result:
    due = facts.plan.version if facts.plan.promotes else facts.plan.before
    rest = rest_span(facts)
    late = [] if rest is None else rest.of(_answered(facts))
    wrong = [record for record in late if (record.workload, record.version) != (PRIMARY, due)]
    detail = f"{len(wrong)} others of {len(late)} answers"
    return _result(facts, f"after the end all get version {due} of the primary", late and not wrong, detail)


def _answered(facts: RunFacts) -> list[Record]:
    return [record for records in facts.records.values() for record in records if record.workload]
