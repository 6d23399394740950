"""What is expected of a release, as functions from what was recorded to results. Pure: records in, verdicts out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from e2e.first_light.facts import ReleaseFacts
from e2e.first_light.steps import Step, distinct, in_force_since, is_bad, read_steps, route_writes
from e2e.lab.load import Record
from e2e.play.result import Result
from e2e.play.seen import TARGET

TOLERANCE_S = 2.0
"""By how much a dwell may seem too short: clocks of two processes are compared."""
LEAST_RATE_PER_S = 200.0
_GOOD_PHASES = ["Progressing", "Promoting", "Finalising", "Succeeded"]
_BAD_PHASES = ["Progressing", "Failed"]


def judge_release(facts: ReleaseFacts) -> list[Result]:
    """Every expectation of one release, good or bad as its plan says."""
    steps = read_steps(facts)
    judged = [_ended(facts), _phases(facts), *_weights(facts, steps), _shares(facts, steps), _scaled_down(facts)]
    judged += list(_failed(facts)) if facts.plan.failed_metric else list(_promoted(facts, steps))
    if facts.restart is not None:
        judged += list(_restarted(facts))
    return [*judged, _rate(facts)]


def _result(facts: ReleaseFacts, expected: str, ok: object, detail: str) -> Result:
    return Result(facts.plan.story, expected, bool(ok), detail)


def _ended(facts: ReleaseFacts) -> Result:
    took = f"{facts.ended_at_s - facts.applied_at_s:.1f} s from apply to the last pod's end"
    return _result(facts, "the release comes to its end", not facts.overdue, facts.overdue or took)


def _phases(facts: ReleaseFacts) -> Result:
    expected = _BAD_PHASES if facts.plan.failed_metric else _GOOD_PHASES
    phases = [phase for phase in distinct([seen.phase for seen in facts.statuses]) if phase]
    before = {"Initialized", "Succeeded", "Failed"}
    seen = phases[1:] if phases and phases[0] in before and phases != expected else phases
    return _result(facts, f"phases: {', '.join(expected)}", seen == expected, f"saw {', '.join(seen) or 'none'}")


def _weights(facts: ReleaseFacts, steps: list[Step]) -> Iterator[Result]:
    seen = [step.weight_percent for step in steps]
    planned = list(facts.plan.weights)
    if facts.plan.failed_metric:
        ok = len(seen) > 1 and seen[-1] == 0 and seen[:-1] == planned[: len(seen) - 1]
        yield _result(facts, "the weight goes up the plan and back to 0", ok, f"saw {seen}")
    else:
        expected = f"each weight once, in order: {[*planned, 0]}"
        yield _result(facts, expected, seen == [*planned, 0], f"saw {seen}")
    writes = route_writes(facts)
    ok = writes == len(steps) and all(step.audited for step in steps)
    detail = f"{writes} writes in the audit log, {len(steps)} changes seen by the watch"
    yield _result(facts, "the route is written once for each weight", ok, detail)
    short = [f"{step.weight_percent} %: {step.dwell_s:.1f} s" for step in steps[:-1]]
    floor_s = facts.plan.interval_s - TOLERANCE_S
    held = bool(short) and all(step.dwell_s >= floor_s for step in steps[:-1])
    yield _result(facts, f"each step is held for at least {floor_s:g} s", held, ", ".join(short))


def _shares(facts: ReleaseFacts, steps: list[Step]) -> Result:
    told = [
        f"{step.weight_percent} %: {step.by_canary}/{step.answered} in {step.band.low}..{step.band.high}"
        for step in steps
    ]
    ok = steps and all(step.answered > 0 and step.band.holds(step.by_canary) for step in steps)
    return _result(facts, "the share that clients got lies in the band of 1 - 1e-6 at each weight", ok, "; ".join(told))


def _scaled_down(facts: ReleaseFacts) -> Result:
    detail = f"replicas: {facts.canary_replicas}"
    return _result(facts, "the canary is scaled to 0", facts.canary_replicas == 0, detail)


def _promoted(facts: ReleaseFacts, steps: list[Step]) -> Iterator[Result]:
    failed = [record for record in facts.records if record.failed]
    words = sorted({record.error or f"{record.status} of {record.workload}" for record in failed})
    detail = f"{len(failed)} of {len(facts.records)} requests failed {words or ''}"
    yield _result(
        facts, "no client sees an error, at promotion and scale-down too", facts.records and not failed, detail
    )
    expected = f"the primary runs version {facts.plan.version}"
    version = facts.primary_version
    yield _result(facts, expected, version == facts.plan.version, f"it runs version {version or 'unknown'}")
    since_s = steps[-1].in_force_at_s if steps and steps[-1].weight_percent == 0 else None
    late = [] if since_s is None else [record for record in facts.records if record.sent_at_s >= since_s]
    other = [record for record in late if record.version != facts.plan.version]
    detail = f"{len(late)} requests after the last weight, {len(other)} not answered by it"
    yield _result(facts, f"all clients are on version {facts.plan.version}", late and not other, detail)


def _failed(facts: ReleaseFacts) -> Iterator[Result]:
    metric = facts.plan.failed_metric
    verdicts = [seen.failed_metrics for seen in facts.statuses if seen.phase == "Failed"]
    detail = facts.statuses[-1].message if facts.statuses else "no status was seen"
    yield _result(facts, f"it failed by {metric}", verdicts and metric in verdicts[0], detail)
    since_s = in_force_since(facts, 0)
    late = [] if since_s is None else [record for record in facts.records if record.sent_at_s >= since_s]
    bad = [record for record in late if is_bad(record, facts) or record.workload == TARGET]
    detail = f"{len(bad)} of {len(late)} requests sent after Envoy showed weight 0"
    yield _result(facts, "no bad answer once weight 0 is in force", late and not bad, detail)
    others = [record for record in facts.records if record.failed and not _excused(record, facts)]
    detail = f"{len(others)} errors of others{_when_and_what(others, facts)}"
    yield _result(facts, "nobody but the bad version gives errors", not others, detail)


def _when_and_what(records: Sequence[Record], facts: ReleaseFacts) -> str:
    if not records:
        return ""
    known = (step.in_force_at_s for step in read_steps(facts))
    began_s = next((at_s for at_s in known if at_s is not None), records[0].sent_at_s)
    kinds = Counter(record.error or str(record.status) for record in records)
    first, last = (records[place].sent_at_s - began_s for place in (0, -1))
    return f", from {first:.2f} to {last:.2f} s after the first weight: {dict(kinds)}"


def _excused(record: Record, facts: ReleaseFacts) -> bool:
    """An error of the canary's own; or an answer so slow that the pod had to end before it."""
    cut_off = facts.plan.failed_metric == "request-duration" and record.latency_ms > facts.plan.slow_ms
    return record.workload == TARGET or cut_off


def _restarted(facts: ReleaseFacts) -> Iterator[Result]:
    restart = facts.restart
    if restart is None:
        return
    later = [seen for seen in facts.statuses if seen.at_s > restart.killed_at_s]
    moved = next((seen for seen in later if seen.step_index != restart.step_index), None)
    steps = {seen.step_index for seen in later if moved is None or seen.at_s < moved.at_s}
    ok = steps <= {restart.step_index} and moved is not None and moved.step_index == restart.step_index + 1
    detail = f"killed at step {restart.step_index}, next came step {moved.step_index if moved else 'none'}"
    yield _result(facts, "after kill -9 it goes on at the same step", ok, detail)
    again = [request for request in facts.requests if request.at_s >= restart.started_at_s and request.writes]
    gap_s = restart.started_at_s - restart.killed_at_s
    detail = f"down for {gap_s:.1f} s, then {len(again)} writes"
    yield _result(facts, "the new process finished the release", again, detail)


def _rate(facts: ReleaseFacts) -> Result:
    sent = sum(facts.applied_at_s <= record.sent_at_s <= facts.ended_at_s for record in facts.records)
    span_s = facts.ended_at_s - facts.applied_at_s
    rate_per_s = sent / span_s if span_s > 0 else 0.0
    detail = f"{rate_per_s:.0f} requests/s"
    return _result(
        facts, f"clients send at least {LEAST_RATE_PER_S:.0f} requests/s", rate_per_s >= LEAST_RATE_PER_S, detail
    )
