"""What is expected of a release under syncs: how often weights fell back, for how long, what came of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from e2e.play.result import Json, Result
from e2e.scenarios.facts import RunFacts, failures_of
from e2e.scenarios.journal import SharesSeen
from e2e.scenarios.judge import judge_run

BACK_WITHIN_S = 1.0
LEAST_SYNCS = 10


@dataclass(frozen=True, slots=True)
class SyncedRun:
    """A release, and the syncs in it."""

    way: str
    policy: bool
    facts: RunFacts
    syncs_at_s: tuple[float, ...]
    file_percent: int
    """What the file gives the canary, of both."""
    conditions: tuple[Json, ...]
    """The Canary's, at the end."""

    @property
    def told(self) -> tuple[float, ...]:
        """The syncs while it ran."""
        return tuple(at_s for at_s in self.syncs_at_s if self.facts.applied_at_s <= at_s <= self.facts.ended_at_s)

    @property
    def contested(self) -> str:
        """What the condition says; empty if there is none."""
        found = (one for one in self.conditions if one["type"] == "WeightsContested" and one["status"] == "True")
        return next((str(one["message"]) for one in found), "")


def falls_in(run: SyncedRun, seen: Sequence[SharesSeen]) -> list[float]:
    """For how long, in seconds, the canary had what the file says where it had got another weight before."""
    percents = [dict(item.shares)[run.facts.plan.canary] for item in seen]
    lasted, meant = [], -1
    for place, percent in enumerate(percents):
        if percent == run.file_percent and meant not in {-1, percent} and not _is_next(run, percents, place):
            until_s = seen[place + 1].at_s if place + 1 < len(seen) else run.facts.ended_at_s
            lasted.append(until_s - seen[place].at_s)
        else:
            meant = percent
    return lasted


def without_falls(run: SyncedRun, seen: Sequence[SharesSeen]) -> tuple[int, ...]:
    """The weights in their order but for those."""
    percents = [dict(item.shares)[run.facts.plan.canary] for item in seen]
    kept = [
        percent
        for place, percent in enumerate(percents)
        if percent != run.file_percent or _is_next(run, percents, place)
    ]
    return tuple(percent for percent, _ in groupby(kept))


def judge(run: SyncedRun) -> list[Result]:
    """Every expectation of one release."""
    return [*judge_run(run.facts), *_kept(run)] if run.policy else _put_back(run)


def _kept(run: SyncedRun) -> list[Result]:
    facts = run.facts
    falls = falls_in(run, facts.written) + falls_in(run, facts.in_force)
    return [
        _result(run, "there are syncs enough", len(run.told) >= LEAST_SYNCS, f"{len(run.told)}"),
        _result(run, "with the policy weights never fall back", not falls, f"{len(falls)} times"),
        _result(run, "the condition WeightsContested is not there", not run.contested, run.contested or "it is not"),
    ]


def _put_back(run: SyncedRun) -> list[Result]:
    facts, plan = run.facts, run.facts.plan
    written, in_force = falls_in(run, facts.written), falls_in(run, facts.in_force)
    failed = failures_of(facts.records)
    stable = facts.statuses[-1].stable if facts.statuses else ""
    steps = without_falls(run, facts.written)
    return [
        _result(run, "comes to its end", not facts.overdue, facts.overdue or "it did"),
        _result(run, "there are syncs enough", len(run.told) >= LEAST_SYNCS, f"{len(run.told)}"),
        _result(run, "without the policy weights fall back", len(written) >= LEAST_SYNCS, f"{len(written)} times"),
        _back(run, "VirtualService", written),
        _back(run, "Envoy", in_force),
        _result(run, f"but for that they are {plan.weights}", steps == plan.weights, f"{steps}"),
        _result(run, f"subset {plan.winner} is the stable one then", stable == plan.winner, stable),
        _result(run, "no client error", facts.records and not failed, f"{len(failed)} of {len(facts.records)}"),
        _result(
            run, "the condition WeightsContested names the object and the policy",
            plan.stage.route_name in run.contested and "keep-weights.yaml" in run.contested, run.contested or "none",
        ),
    ]  # fmt: skip


def _back(run: SyncedRun, where: str, falls: Sequence[float]) -> Result:
    longest = max(falls, default=0.0)
    detail = f"longest {longest:.2f} s of {len(falls)}"
    return _result(run, f"they are back in {where} within {BACK_WITHIN_S:g} s", longest <= BACK_WITHIN_S, detail)


def _result(run: SyncedRun, expected: str, ok: object, detail: str) -> Result:
    return Result(f"{run.way}, {run.facts.plan.story}", expected, bool(ok), detail)


def _is_next(run: SyncedRun, percents: Sequence[int], place: int) -> bool:
    """Whether the file's weight is one of the plan's, and due: the first time that it comes at its turn."""
    weights = run.facts.plan.weights
    if run.file_percent not in weights:
        return False
    before = [percent for percent in percents[:place] if percent != run.file_percent]
    due = weights.index(run.file_percent)
    passed = set(weights[due + 1 :]) & set(before)
    return not passed and place == percents.index(run.file_percent)
