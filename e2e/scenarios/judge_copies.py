"""What is expected of copies of requests: that share reaches the new version, and no answer of it a client. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from e2e.play.binomial import band
from e2e.play.result import Result
from e2e.scenarios.facts import RunFacts, answered_by
from e2e.strategies.judge_copies import IN_FLIGHT


def judge_copies(facts: RunFacts) -> Iterator[Result]:
    """Nothing where nothing is to be copied."""
    percent = facts.plan.stage.copies_percent
    if not percent:
        return
    yield _copied(facts, percent)
    until_s = facts.in_force[0].before_s if facts.in_force else facts.ended_at_s
    early = [record for record in facts.records if record.done_at_s < until_s]
    by_canary, answered = answered_by(early, facts.plan)
    detail = f"{by_canary} of {answered} answers are its"
    expected = "until clients are switched, if ever, no answer of the new version reaches one"
    yield _result(facts, expected, answered and not by_canary, detail)


def _copied(facts: RunFacts, percent: int) -> Result:
    plan, names = facts.plan, facts.plan.stage.deployments
    copies = [(seen.at_s, seen.before_s, dict(seen.shares)[plan.canary]) for seen in facts.copies]
    spans = [(begin[0], end[1]) for begin, end in pairwise(copies) if begin[2] == percent]
    canary = sum(_risen(facts, names[plan.canary], *span) for span in spans)
    stable = sum(_risen(facts, names[plan.stable], *span) for span in spans)
    limits = band(stable, percent / 100)
    ok = stable > 0 and limits.low - IN_FLIGHT <= canary <= limits.high + IN_FLIGHT
    seconds = sum(end_s - begin_s for begin_s, end_s in spans)
    detail = f"in {seconds:.1f} s it served {canary}, the other {stable}; {limits.low}..{limits.high} is {percent} %"
    expected = f"while clients get none of it, the new version serves copies of {percent} % of their requests"
    return _result(facts, expected, ok, detail)


def _risen(facts: RunFacts, workload: str, since_s: float, until_s: float) -> int:
    """What its pods answered between the first and the last look in that time."""
    counts = [seen.requests.get(workload, 0) for seen in facts.served if since_s <= seen.at_s <= until_s]
    return sum(max(0, after - before) for before, after in pairwise(counts))


def _result(facts: RunFacts, expected: str, ok: object, detail: str) -> Result:
    return Result(f"{facts.plan.stage.name}, {facts.plan.story}", expected, bool(ok), detail)
