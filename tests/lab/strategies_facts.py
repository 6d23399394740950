"""Invented runs for the tests of the strategies' judges: whole ones, to be spoiled in one respect by each test."""

from collections.abc import Iterator

from e2e.lab.load import Record
from e2e.play.seen import PRIMARY, TARGET, SharesSeen, StatusSeen
from e2e.strategies.facts import AT_REST, CLIENTS, Held, RunFacts, RunPlan, ServedSeen
from e2e.strategies.plans import SCRIPTS
from tests.lab.first_light_facts import record

INTERVAL_S = 5.0
BEGIN_S = 2.0
PROMOTING_S = 2.0
REST_S = 5.0
RATE_PER_S = 60
LOOK_S = 0.05


def run_of(story: str) -> RunFacts:
    """The run of a story as it should be, released at second 0."""
    plan = SCRIPTS[story].plan(story, version="2", before="1", interval_s=INTERVAL_S)
    held = [(Held(AT_REST), BEGIN_S + plan.dark_s), *((step, max(step.at_least_s, INTERVAL_S)) for step in plan.held)]
    last, last_s = held[-1]
    promoting_s = sum(length_s for _, length_s in held)
    held[-1] = (last, last_s + (PROMOTING_S if plan.promotes else 0.0))
    held.append((Held(AT_REST), REST_S))
    starts = [sum(length_s for _, length_s in held[:place]) for place in range(len(held))]
    states = [state for state, _ in held]
    records = {
        clients: tuple(_records(clients, plan, (starts, states), promoting_s if plan.promotes else 1e9))
        for clients in CLIENTS
    }
    return RunFacts(
        plan=plan,
        applied_at_s=0.0,
        ended_at_s=starts[-1] + REST_S,
        statuses=tuple(_statuses(plan, starts, promoting_s)),
        shares=tuple(
            SharesSeen(at_s, at_s - LOOK_S, state.shares) for at_s, state in zip(starts[1:], states[1:], strict=True)
        ),
        records=records,
        served=tuple(_served(records, starts, states)),
        primary_version="2" if plan.promotes else "1",
        canary_replicas=0,
    )


def _records(
    clients: str, plan: RunPlan, course: tuple[list[float], list[Held]], promoting_s: float
) -> Iterator[Record]:
    starts, states = course
    end_s = starts[-1] + REST_S
    for number in range(int((BEGIN_S + end_s) * RATE_PER_S)):
        at_s = number / RATE_PER_S - BEGIN_S
        state = next(
            (s for start_s, s in zip(reversed(starts), reversed(states), strict=True) if at_s >= start_s), None
        )
        percent = 0 if state is None else state.percent_for(clients)
        if (number % 10) * 10 + (number // 10) % 10 < percent:
            yield record(at_s, TARGET, plan.version, status=500 if plan.errs and number % 2 else 200)
        else:
            yield record(at_s, PRIMARY, plan.version if at_s > promoting_s else plan.before)


def _statuses(plan: RunPlan, starts: list[float], promoting_s: float) -> Iterator[StatusSeen]:
    yield StatusSeen(0.1, plan.phases[0], 0, 0)
    if plan.phases[0] == "Waiting":
        yield StatusSeen(1.0, "Progressing", 0, 0)
    for count in range(plan.checks):
        yield StatusSeen(BEGIN_S - 0.1 + count * INTERVAL_S, "Progressing", 1, 0, iterations=count)
    for place, at_s in enumerate(starts[2:-1], start=2):
        yield StatusSeen(at_s - 0.1, "Progressing", place, 50)
    if not plan.promotes:
        yield StatusSeen(starts[-1] - 0.1, "Failed", 1, 0)
        return
    if "WaitingPromotion" in plan.phases:
        yield StatusSeen(promoting_s - 1.0, "WaitingPromotion", 1, 50)
    yield StatusSeen(promoting_s, "Promoting", 1, 50)
    yield StatusSeen(starts[-1] - 0.1, "Finalising", 1, 0)
    yield StatusSeen(starts[-1] + 3.0, "Succeeded", 1, 0)


def _served(records: dict[str, tuple[Record, ...]], starts: list[float], states: list[Held]) -> Iterator[ServedSeen]:
    everything = sorted((item for found in records.values() for item in found), key=lambda item: item.done_at_s)
    counts, copied, look_s = {TARGET: 0, PRIMARY: 0}, 0.0, 0.0
    for item in everything:
        if item.done_at_s >= look_s:
            yield ServedSeen(look_s, {**counts, TARGET: counts[TARGET] + int(copied)})
            look_s += 0.5
        counts[item.workload] += 1
        state = [s for at_s, s in zip(starts, states, strict=True) if item.sent_at_s >= at_s][-1:]
        if item.workload == PRIMARY and state:
            copied += state[0].shares.mirror_percent / 100
