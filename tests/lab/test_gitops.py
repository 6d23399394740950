"""How the play of syncs tells a weight that fell back from one that was due."""

from __future__ import annotations

from dataclasses import replace

import pytest

from e2e.gitops.judge import SyncedRun, falls_in, judge, without_falls
from e2e.scenarios.facts import Plan, RunFacts
from e2e.scenarios.journal import SharesSeen, StatusSeen
from e2e.scenarios.stage import Stage

STAGE = Stage("scenario-1", "anything.example", "canary", "v1", 15.0)


def seen(*percents: int, every_s: float = 0.5) -> tuple[SharesSeen, ...]:
    """Shares of v2, each for half a second."""
    return tuple(
        SharesSeen(place * every_s, place * every_s, (("v1", 100 - percent), ("v2", percent)))
        for place, percent in enumerate(percents)
    )


def run_of(*percents: int, file_percent: int = 10, every_s: float = 0.5) -> SyncedRun:
    """A release of v2 in which the VirtualService had these shares."""
    shares = seen(*percents, every_s=every_s)
    facts = RunFacts(
        plan=Plan("a release", STAGE, "v2", "2", "1", STAGE.weights),
        applied_at_s=0.0,
        ended_at_s=len(percents) * every_s,
        statuses=(StatusSeen(1.0, "Succeeded", 4, 0, "v2", ""),),
        written=shares,
        in_force=shares,
        objects=(),
        baseline={},
        records=(),
    )
    return SyncedRun(
        "client-side",
        policy=False,
        facts=facts,
        syncs_at_s=tuple(map(float, range(12))),
        file_percent=file_percent,
        conditions=(),
    )


@pytest.mark.parametrize(
    ("percents", "file_percent", "falls"),
    [
        ((10, 20, 50, 100), 10, 0),
        ((10, 20, 50, 100), 90, 0),
        ((10, 20, 10, 20, 50, 10, 50, 100, 10), 10, 3),
        ((10, 90, 10, 20, 90, 20, 50, 100), 90, 2),
    ],
)
def test_each_fall_is_found(percents: tuple[int, ...], file_percent: int, falls: int) -> None:
    """A weight of the file that is also the plan's is no fall when it is due."""
    run = run_of(*percents, file_percent=file_percent)
    assert falls_in(run, run.facts.written) == [0.5] * falls
    assert without_falls(run, run.facts.written) == (10, 20, 50, 100)


@pytest.mark.parametrize(("every_s", "back"), [(0.9, True), (1.1, False)])
def test_a_fall_that_lasts_is_told(every_s: float, *, back: bool) -> None:
    """More than a second is too long."""
    run = run_of(10, 20, 10, 20, 50, 100, every_s=every_s)
    found = [result.ok for result in judge(run) if result.expected.startswith("they are back in")]
    assert found == [back, back]


def test_with_the_policy_one_fall_is_too_many() -> None:
    """However short."""
    run = replace(run_of(10, 20, 10, 20, 50, 100, every_s=0.01), policy=True)
    assert [result.ok for result in judge(run) if "never fall back" in result.expected] == [False]
