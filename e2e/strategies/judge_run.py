"""What is expected of every run, whatever its strategy. Pure: records in, verdicts out.

The plan says what the routes are to do one after the other; what clients get follows from that (judge_clients.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from e2e.first_light.steps import distinct
from e2e.play.result import Result
from e2e.play.seen import Shares
from e2e.strategies.facts import RunFacts
from e2e.strategies.judge_clients import judge_clients
from e2e.strategies.spans import Span, read_spans

TOLERANCE_S = 1.0
"""By how much a step may seem too short: two processes look, and routes take a moment to become what was written."""
LEAST_RATE_PER_S = 100.0


def judge_run(facts: RunFacts) -> list[Result]:
    """Every expectation of one run."""
    spans = read_spans(facts)
    judged = [_ended(facts), _phases(facts), _states(facts, spans), _held(facts, spans)]
    judged += [*judge_clients(facts, spans), _outcome(facts), _rate(facts)]
    if facts.plan.checks > 1 and facts.plan.promotes:
        judged.append(_checked(facts))
    return judged


def _result(facts: RunFacts, expected: str, ok: object, detail: str) -> Result:
    return Result(facts.plan.story, expected, bool(ok), detail)


def _ended(facts: RunFacts) -> Result:
    took = f"{facts.ended_at_s - facts.applied_at_s:.1f} s from apply to the last pod's end"
    return _result(facts, "the run comes to its end", not facts.overdue, facts.overdue or took)


def _phases(facts: RunFacts) -> Result:
    first = facts.plan.phases[0]
    phases = distinct([seen.phase for seen in facts.statuses])
    seen = phases[phases.index(first) :] if first in phases else phases
    ok = seen == list(facts.plan.phases)
    return _result(facts, f"phases: {', '.join(facts.plan.phases)}", ok, f"saw {', '.join(phases) or 'none'}")


def _states(facts: RunFacts, spans: list[Span]) -> Result:
    planned, seen = [held.shares for held in facts.plan.states], [span.shares for span in spans]
    expected = f"the routes, as (matched, others, copied) in percent: {_triples(planned)}"
    return _result(facts, expected, seen == planned, f"Envoy showed {_triples(seen)}")


def _triples(states: Sequence[Shares]) -> str:
    return ", ".join(str((s.matched_percent, s.others_percent, s.mirror_percent)) for s in states)


def _held(facts: RunFacts, spans: list[Span]) -> Result:
    told, ok = [], len(spans) == len(facts.plan.states)
    for held, span in zip(facts.plan.held, spans, strict=False):
        told.append(f"{span.length_s:.1f} of {held.at_least_s:g} s")
        ok = ok and span.length_s >= held.at_least_s - TOLERANCE_S
    if facts.plan.dark_s:
        dark_s = _dark_s(facts)
        told.insert(0, f"dark for {dark_s:.1f} of {facts.plan.dark_s:g} s")
        ok = ok and dark_s >= facts.plan.dark_s - TOLERANCE_S
    return _result(facts, "each step is held for its time", ok, ", ".join(told))


def _dark_s(facts: RunFacts) -> float:
    """From the first step's begin to the first change of the routes."""
    began_s = next((seen.at_s for seen in facts.statuses if seen.step_index == 1 and seen.phase == "Progressing"), None)
    return facts.shares[0].before_s - began_s if began_s is not None and facts.shares else 0.0


def _outcome(facts: RunFacts) -> Result:
    due = facts.plan.version if facts.plan.promotes else facts.plan.before
    detail = f"primary: version {facts.primary_version or 'unknown'}; canary: {facts.canary_replicas} replicas"
    ok = facts.primary_version == due and facts.canary_replicas == 0
    return _result(facts, f"the primary runs version {due}, and the canary is scaled to 0", ok, detail)


def _checked(facts: RunFacts) -> Result:
    counted = [seen.iterations for seen in facts.statuses if seen.phase == "Progressing" and seen.step_index == 1]
    ok = [int(count) for count in distinct([str(count) for count in counted])] == list(range(facts.plan.checks))
    return _result(facts, f"the first step takes {facts.plan.checks} checks", ok, f"saw it count {counted}")


def _rate(facts: RunFacts) -> Result:
    sent = sum(
        facts.applied_at_s <= record.sent_at_s <= facts.ended_at_s
        for records in facts.records.values()
        for record in records
    )
    span_s = facts.ended_at_s - facts.applied_at_s
    rate_per_s = sent / span_s if span_s > 0 else 0.0
    expected = f"clients send at least {LEAST_RATE_PER_S:.0f} requests/s"
    return _result(facts, expected, rate_per_s >= LEAST_RATE_PER_S, f"{rate_per_s:.0f} requests/s")
