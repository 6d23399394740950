"""What is expected of a release in whose middle a rule gets a fault: held, or rolled back, and why is told. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from e2e.play.binomial import band
from e2e.play.result import Result
from e2e.scenarios.facts import GUARD_S, Fault, failures_of
from e2e.scenarios.faults import LOOKS, Faulted
from e2e.scenarios.untouched import faults_of

GOES_ON_WITHIN_S = 25.0
"""Prometheus has to see it over a whole window, and then a judgement is due."""


def judge_held(seen: Faulted) -> Iterator[Result]:
    """Nothing is promoted while the fault is there, no check fails, and the reason names the rule."""
    plan, fault = seen.facts.plan, seen.fault
    weights = {look.weight for look in seen.looks}
    ok = len(weights) == 1 and max(weights) < plan.weights[-1]
    yield _result(seen, "it is held at one share", ok, f"{sorted(weights)}")
    failed = {look.failed_checks for look in seen.looks}
    yield _result(seen, "no check counts as failed", failed == {0}, f"{sorted(failed)}")
    reasons = {look.reason for look in seen.looks}
    long = len(seen.looks) == LOOKS
    yield _result(seen, "the reason is SharedBreach all the time", long and reasons == {"SharedBreach"}, f"{reasons}")
    words = f"{_rule(seen)}, which leads to both versions, {_does(fault)}"
    ok = bool(seen.looks) and all(words in look.message for look in seen.looks)
    yield _result(seen, f"its message says: {words}", ok, seen.looks[-1].message if seen.looks else "nothing")
    on = [one.at_s - seen.removed_at_s for one in seen.facts.in_force if one.at_s > seen.removed_at_s]
    detail = f"after {on[0]:.1f} s" if on else "never"
    ok = bool(on) and on[0] <= GOES_ON_WITHIN_S
    yield _result(seen, f"it goes on within {GOES_ON_WITHIN_S:.0f} s of when the fault is gone", ok, detail)
    yield _kept(seen)


def judge_failed(seen: Faulted) -> Iterator[Result]:
    """It is rolled back for the rule's sake, which only testers came by."""
    fault = seen.fault
    words = f"{_rule(seen)}, which leads to the canary alone, {_does(fault)}"
    yield _result(seen, f"it is rolled back, and the reason says: {words}", words in seen.promoted, seen.promoted)
    yield _kept(seen)
    since_s = seen.facts.in_force[0].at_s if seen.facts.in_force else 0.0
    until_s = next((one.at_s for one in seen.facts.statuses if one.phase == "Failed"), 0.0)
    asked = [record for record in seen.testers if since_s + 2 < record.sent_at_s < until_s - GUARD_S]
    if fault.status:
        hit = sum(record.status == fault.status for record in asked)
        limits = band(len(asked), fault.says["abort"]["percentage"]["value"] / 100)
        detail, ok = f"{hit}/{len(asked)} in {limits.low}..{limits.high}", bool(asked) and limits.holds(hit)
        yield _result(seen, "testers meet the fault as often as it says", ok, detail)
    else:
        least_s = fault.delay_s
        slow = sum(record.done_at_s - record.sent_at_s >= least_s for record in asked)
        yield _result(seen, "testers meet the delay", slow > 0, f"{slow} of {len(asked)} took {least_s:g} s or more")
    clients = failures_of(seen.facts.records)
    yield _result(seen, "nobody else does", not clients, f"{len(clients)} errors of {len(seen.facts.records)}")


def _kept(seen: Faulted) -> Result:
    """In every state it is absent, or as the user wrote it."""
    plan, fault = seen.facts.plan, seen.fault
    told = [faults_of(one.kept, plan.stage.key).get(fault.rule) for one in seen.facts.objects]
    others = [one for one in told if one not in (None, dict(fault.says))]
    ok = dict(fault.says) in told and not others
    return _result(seen, "the fault itself stays as the user wrote it", ok, f"{others or 'it does'}")


def _rule(seen: Faulted) -> str:
    return f"http rule {seen.fault.rule} of VirtualService default/{seen.facts.plan.stage.route_name}"


def _does(fault: Fault) -> str:
    what = "aborts" if fault.status else "delays"
    percent = fault.says["abort" if fault.status else "delay"]["percentage"]["value"]
    how = f"with {fault.status}" if fault.status else f"by {fault.says['delay']['fixedDelay']}"
    return f"{what} {percent:g} % of its requests {how}"


def _result(seen: Faulted, expected: str, ok: object, detail: str) -> Result:
    plan = seen.facts.plan
    return Result(f"{plan.stage.name}, {plan.story}", expected, bool(ok), detail)
