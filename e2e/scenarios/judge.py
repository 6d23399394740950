"""What is expected of every run: of its weights, of what clients got, of the user's objects, of what is left. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from e2e.play.binomial import band
from e2e.play.result import Result
from e2e.scenarios.facts import RATE_PER_S, RunFacts, answered_by, failures_of, read_spans
from e2e.scenarios.journal import SharesSeen
from e2e.scenarios.stage import SCALE_DOWN_DELAY_S
from e2e.scenarios.untouched import differences, without_fault


def judge_run(facts: RunFacts) -> list[Result]:
    """Every expectation of one run."""
    return [
        _result(facts, "comes to its end", not facts.overdue, facts.overdue or "it did"),
        _weights(facts, "VirtualService", facts.written),
        _weights(facts, "Envoy", facts.in_force),
        _shares(facts),
        *_clients(facts),
        _versions(facts),
        _objects(facts),
        _roles(facts),
        _scaled(facts),
    ]


def _result(facts: RunFacts, expected: str, ok: object, detail: str) -> Result:
    return Result(f"{facts.plan.stage.name}, {facts.plan.story}", expected, bool(ok), detail)


def _weights(facts: RunFacts, where: str, seen: Sequence[SharesSeen]) -> Result:
    plan = facts.plan
    steps = tuple(percent for percent, _ in groupby(dict(item.shares)[plan.canary] for item in seen))
    wanted = plan.weights
    if plan.fault is not None and plan.errs:
        # Prometheus has to have two scrapes of what the fault does, and delayed requests have to come to their end.
        *grown, last = steps or (0,)
        wanted = (*plan.stage.weights[: min(len(grown), 2)], 0) if grown and last == 0 else plan.weights
    expected = f"the canary's weights in {where} are {', '.join(map(str, wanted))}"
    return _result(facts, expected, steps == wanted, ", ".join(map(str, steps)) or "none")


def _shares(facts: RunFacts) -> Result:
    if not facts.plan.weights:
        by_canary, answered = answered_by(list(facts.records), facts.plan)
        detail = f"{by_canary} of {answered} answers are its"
        return _result(facts, "clients never meet the canary", answered and not by_canary, detail)
    told, ok = [], True
    for span in read_spans(facts):
        by_canary, answered = answered_by(span.of(facts.records), facts.plan)
        limits = band(answered, span.percent / 100)
        told.append(f"{span.percent} %: {by_canary}/{answered} in {limits.low}..{limits.high}")
        ok = ok and limits.holds(by_canary)
    expected = "clients get these shares, in the band of 1 - 1e-6 (0 and 100 % exactly)"
    return _result(facts, expected, told and ok, "; ".join(told))


def _clients(facts: RunFacts) -> Iterator[Result]:
    plan, bad = facts.plan, facts.plan.stage.deployments[facts.plan.canary]
    failed = failures_of(facts.records)
    met = bool(plan.errs and plan.weights)
    injected = plan.fault.status if plan.fault is not None else 0
    ours = [record for record in failed if not (met and record.workload == bad)]
    ours = [record for record in ours if not injected or record.status != injected]
    words = sorted({record.error or f"{record.status} of {record.workload or 'nobody'}" for record in ours})
    excused = f", {len(failed) - len(ours)} more of the bad version or of a fault" if len(failed) > len(ours) else ""
    but = " but of the fault" if injected else " but of the bad version" if met else ""
    expected = f"no client error{but}"
    detail = f"{len(ours)} of {len(facts.records)} {words or ''}{excused}"
    yield _result(facts, expected, facts.records and not ours, detail)
    seconds = facts.ended_at_s - facts.applied_at_s
    rate = len(facts.records) / seconds
    least = 0.98 * RATE_PER_S / len(plan.stage.clients)
    yield _result(
        facts, f"under at least {least:.0f} requests a second", rate >= least, f"{rate:.0f} for {seconds:.0f} s"
    )


def _versions(facts: RunFacts) -> Result:
    plan = facts.plan
    names = plan.stage.deployments
    due = {names[plan.canary]: plan.version, names[plan.stable]: plan.before}
    answers = [record for record in facts.records if record.workload in due]
    wrong = [record for record in answers if record.version != due[record.workload]]
    expected = f"{plan.canary} answers with version {plan.version}, {plan.stable} with {plan.before}"
    return _result(facts, expected, answers and not wrong, f"{len(wrong)} others of {len(answers)} answers")


def _objects(facts: RunFacts) -> Result:
    fault, key = facts.plan.fault, facts.plan.stage.key
    states = [facts.baseline, *(seen.kept for seen in facts.objects)]
    before, *after = states if fault is None else [without_fault(kept, key, fault.rule) for kept in states]
    found = [words for kept in after for words in differences(before, kept)]
    looks = f"{len(facts.baseline)} objects, {len(facts.objects)} states"
    expected = "the user's objects but for our fields stay as they are (canonical JSON)"
    return _result(facts, expected, facts.objects and not found, "; ".join(dict.fromkeys(found)) or looks)


def _roles(facts: RunFacts) -> Result:
    stable = facts.statuses[-1].stable if facts.statuses else ""
    return _result(facts, f"subset {facts.plan.winner} is the stable one then", stable == facts.plan.winner, stable)


def _scaled(facts: RunFacts) -> Result:
    """The loser ends at zero; a version that served is kept for scaleDownDelay."""
    plan = facts.plan
    loser, winner = plan.stage.deployments[plan.loser], plan.stage.deployments[plan.winner]
    last = dict(facts.objects[-1].replicas) if facts.objects else {}
    out_at_s = facts.in_force[-1].at_s if facts.in_force else facts.applied_at_s
    gone_at_s = next((seen.at_s for seen in facts.objects if dict(seen.replicas).get(loser) == 0), None)
    kept_s = gone_at_s - out_at_s if gone_at_s is not None else 0.0
    least_s = 0.0 if plan.errs else SCALE_DOWN_DELAY_S
    ok = last.get(loser) == 0 and last.get(winner, 0) > 0 and kept_s >= least_s
    expected = f"{loser} goes to zero, {least_s:.0f} s at the earliest after its last request; {winner} does not"
    return _result(facts, expected, ok, f"after {kept_s:.1f} s; replicas {last}")


def judge_swap(facts: RunFacts) -> Result:
    """The roles are swapped."""
    canary = facts.plan.canary
    return _result(facts, f"subset {canary} becomes the stable one", not facts.overdue, facts.overdue or "it did")


def judge_undo(facts: RunFacts, limit_s: float) -> Result:
    """All traffic is back soon after somebody asked."""
    back = (seen.at_s for seen in facts.in_force if dict(seen.shares)[facts.plan.canary] == 100)
    took_s = next((at_s - facts.applied_at_s for at_s in back), None)
    detail = "never" if took_s is None else f"{took_s:.1f} s"
    expected = f"all traffic is back within {limit_s:.0f} s"
    return _result(facts, expected, took_s is not None and took_s <= limit_s, detail)


def judge_bystander(facts: RunFacts) -> Iterator[Result]:
    """A third subset keeps the share of all requests that the user gave it."""
    stage = facts.plan.stage
    percent = stage.bystander_percent
    if percent:
        ours = set(stage.deployments.values())
        answered = [record for record in facts.records if record.workload]
        others = sum(record.workload not in ours for record in answered)
        limits = band(len(answered), percent / 100)
        detail = f"{others}/{len(answered)} in {limits.low}..{limits.high}"
        yield _result(facts, f"the third subset keeps its {percent} %", limits.holds(others), detail)


def judge_left(story: str, found: Sequence[str], marks: Sequence[str]) -> Result:
    """After the Canary's end nothing of ours is left on the user's objects."""
    detail = "; ".join([*found, *marks]) or "they are"
    return Result(story, "the objects are the user's own again, without marks of ours", not found and not marks, detail)
