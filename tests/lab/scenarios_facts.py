"""Invented runs for the tests of the scenarios' judge: whole ones, to be spoiled in one respect by each test."""

from collections.abc import Iterator

from e2e.lab.load import Record
from e2e.scenarios.facts import RATE_PER_S, Plan, RunFacts
from e2e.scenarios.journal import ObjectsSeen, SharesSeen, StatusSeen
from e2e.scenarios.playbook import STAGES
from e2e.scenarios.stage import SCALE_DOWN_DELAY_S
from e2e.scenarios.untouched import kept
from tests.lab.first_light_facts import record

STEP_S = 2.0
LOOK_S = 0.05
STAGE = STAGES["scenario-1"]
GOOD = Plan("good", STAGE, "v2", "2", "1", STAGE.weights)
BAD = Plan("bad", STAGE, "v2", "4", "3", (10, 0), errs=True)
BASELINE = kept(STAGE.objects, STAGE)


def run_of(plan: Plan) -> RunFacts:
    """A run as it should be, asked for at second 0: a step every two seconds, then the delay."""
    starts = [STEP_S * (place + 1) for place in range(len(plan.weights))]
    out_s = starts[-1] + (0.5 if plan.errs else SCALE_DOWN_DELAY_S + 0.5)
    shares = tuple(
        SharesSeen(at_s, at_s - LOOK_S, _shares(plan, percent))
        for at_s, percent in zip(starts, plan.weights, strict=True)
    )
    end = "Failed" if plan.errs else "Succeeded"
    both = {STAGE.deployments[plan.canary]: 2, STAGE.deployments[plan.stable]: 2}
    return RunFacts(
        plan=plan,
        applied_at_s=0.0,
        ended_at_s=out_s + 2.0,
        statuses=(
            StatusSeen(0.1, "Progressing", 0, 0, plan.stable, ""),
            StatusSeen(starts[-1], end, len(starts), 0, plan.winner, ""),
        ),
        written=shares,
        in_force=shares,
        objects=(
            ObjectsSeen(1.0, BASELINE, tuple(sorted(both.items()))),
            ObjectsSeen(out_s, BASELINE, tuple(sorted((both | {STAGE.deployments[plan.loser]: 0}).items()))),
        ),
        baseline=BASELINE,
        records=tuple(_records(plan, starts, out_s + 2.0)),
    )


def _shares(plan: Plan, percent: int) -> tuple[tuple[str, int], ...]:
    return tuple(sorted({plan.canary: percent, plan.stable: 100 - percent}.items()))


def _records(plan: Plan, starts: list[float], end_s: float) -> Iterator[Record]:
    for number in range(int(end_s * RATE_PER_S)):
        at_s = number / RATE_PER_S
        percent = ([0] + [weight for start_s, weight in zip(starts, plan.weights, strict=True) if at_s >= start_s])[-1]
        if (number % 10) * 10 + (number // 10) % 10 < percent:
            status = 500 if plan.errs and number % 2 else 200
            yield record(at_s, STAGE.deployments[plan.canary], plan.version, status=status)
        else:
            yield record(at_s, STAGE.deployments[plan.stable], plan.before)
