"""What is expected of clients whom a rule of the user picks: the new version alone, while it is tested. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from e2e.lab.load import Record
from e2e.play.result import Result
from e2e.scenarios.facts import GUARD_S, RunFacts, failures_of


def judge_picked(facts: RunFacts) -> Iterator[Result]:
    """Nothing where nobody is picked."""
    if not facts.plan.stage.picked_by[0]:
        return
    yield _errors(facts)
    yield _turns(facts)
    if not facts.plan.errs:
        yield _before_everyone(facts)


def _result(facts: RunFacts, expected: str, ok: object, detail: str) -> Result:
    return Result(f"{facts.plan.stage.name}, {facts.plan.story}", expected, bool(ok), detail)


def _errors(facts: RunFacts) -> Result:
    plan = facts.plan
    failed = failures_of(facts.picked)
    bad = plan.stage.deployments[plan.canary] if plan.errs else None
    ours = [record for record in failed if record.workload != bad]
    expected = "no error for those who are picked" + (" but of the bad version" if plan.errs else "")
    return _result(facts, expected, facts.picked and not ours, f"{len(ours)} of {len(facts.picked)}")


def _turns(facts: RunFacts) -> Result:
    """Who answers them, in the order in which they asked."""
    plan, names = facts.plan, facts.plan.stage.deployments
    due = [plan.stable, plan.canary, plan.stable] if plan.errs else [plan.stable, plan.canary]
    answered = sorted((one for one in facts.picked if one.workload in names.values()), key=lambda one: one.sent_at_s)
    turns = turns_of(answered)
    expected = f"those who are picked get {', then '.join(due)}, each of them alone"
    told = ", then ".join(f"{name} {count} times" for name, count in turns)
    return _result(facts, expected, [name for name, _ in turns] == [names[one] for one in due], told)


def turns_of(answered: list[Record]) -> list[tuple[str, int]]:
    """Who answers, and how often; while Envoy's workers take up a change, either may."""
    turns: list[tuple[str, int]] = []
    changed_at_s = float("-inf")
    for record in answered:
        if turns and turns[-1][0] == record.workload:
            turns[-1] = (record.workload, turns[-1][1] + 1)
        elif not turns or record.sent_at_s > changed_at_s + GUARD_S:
            turns.append((record.workload, 1))
            changed_at_s = record.sent_at_s
    return turns


def _before_everyone(facts: RunFacts) -> Result:
    plan = facts.plan
    canary = plan.stage.deployments[plan.canary]
    first_s = min((one.sent_at_s for one in facts.picked if one.workload == canary), default=None)
    others_s = facts.in_force[0].at_s if facts.in_force else None
    least_s = plan.stage.checked_apart_s
    if first_s is None or others_s is None:
        return _result(facts, "those who are picked get it first", ok=False, detail="they, or all others, never got it")
    ahead_s = others_s - first_s
    expected = f"those who are picked get it {least_s:.0f} s before everybody does, at least"
    return _result(facts, expected, ahead_s >= least_s - GUARD_S, f"{ahead_s:.1f} s")
