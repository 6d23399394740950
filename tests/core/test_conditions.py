from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.status import CONDITION_MAX, CanaryStatus, Condition, Phase
from rollouts.core.conditions import contest_news, contest_of, is_told, with_conditions, with_contest
from rollouts.core.observed import Problem
from tests.core.given import at, status_in

PROBLEM = Problem("PortMissing", "Service app has no port 80")


def _told(status: CanaryStatus, second: float = 0, **changes: Any) -> dict[str, Condition]:
    given: dict[str, Any] = {"problem": None, "news": "something happened"}
    return {c.type: c for c in with_conditions(status, at(second), **(given | changes)).conditions}


@pytest.mark.parametrize(
    ("phase", "ready", "promoted", "reconciling", "stalled"),
    [
        (None, "False", "Unknown", "True", "False"),
        (Phase.INITIALIZING, "False", "Unknown", "True", "False"),
        (Phase.INITIALIZED, "True", "True", "False", "False"),
        (Phase.PROGRESSING, "True", "Unknown", "True", "False"),
        (Phase.PROMOTING, "True", "Unknown", "True", "False"),
        (Phase.FINALISING, "True", "Unknown", "True", "False"),
        (Phase.SUCCEEDED, "True", "True", "False", "False"),
        (Phase.FAILED, "True", "False", "False", "True"),
    ],
)
def test_conditions_of_a_phase(phase: Phase | None, ready: str, promoted: str, reconciling: str, stalled: str) -> None:
    """kstatus: Reconciling while something moves, Stalled when it can't go on by itself, neither when it is done."""
    told = _told(status_in(phase))

    assert [told[kind].status for kind in ("Ready", "Promoted", "Reconciling", "Stalled")] == [
        ready, promoted, reconciling, stalled,
    ]  # fmt: skip
    assert {condition.reason for condition in told.values()} == {phase or "Initializing"}


@pytest.mark.parametrize("phase", list(Phase))
def test_a_problem_is_seen_by_whoever_waits(phase: Phase) -> None:
    """While something outside must be mended the Canary is not Ready and Stalled, and both say what it is."""
    told = _told(status_in(phase), problem=PROBLEM)

    assert [(told[kind].status, told[kind].reason, told[kind].message) for kind in ("Ready", "Stalled")] == [
        ("False", "PortMissing", PROBLEM.message), ("True", "PortMissing", PROBLEM.message),
    ]  # fmt: skip


def test_time_moves_only_when_the_status_flips() -> None:
    """LastTransitionTime is that of the last flip, whatever is written in between."""
    first = with_conditions(status_in(Phase.PROGRESSING), at(0), problem=None, news="step 1")
    second = with_conditions(first, at(10), problem=None, news="step 2")
    third = _told(second.model_copy(update={"phase": Phase.SUCCEEDED}), 20)

    assert {c.last_transition_time for c in second.conditions} == {at(0)}
    assert {kind: c.last_transition_time for kind, c in third.items()} == {
        "Ready": at(0), "Promoted": at(20), "Reconciling": at(20), "Stalled": at(0),
    }  # fmt: skip


def test_no_news_leaves_the_words() -> None:
    """A step that found nothing new does not take away why it is as it is."""
    failed = with_conditions(status_in(Phase.FAILED), at(0), problem=None, news="too slow", reason="TooSlow")

    told = _told(failed, 10, news=None)

    assert (told["Promoted"].reason, told["Promoted"].message) == ("TooSlow", "too slow")
    assert told["Stalled"].message == "too slow"


def test_words_are_cut_to_what_a_condition_holds() -> None:
    """Messages of any length fit, and a problem that was cut is still known to be told."""
    long = Problem("Long", "x" * 5000)
    status = with_conditions(status_in(Phase.FAILED), at(0), problem=long, news="y" * 5000)

    assert {len(condition.message) for condition in status.conditions} == {CONDITION_MAX, 0}
    assert is_told(status, long)
    assert not is_told(status, PROBLEM)
    assert not is_told(status_in(None), PROBLEM)


def test_generation_is_the_one_that_was_judged() -> None:
    """Each condition says which generation of the spec it speaks of."""
    told = _told(status_in(Phase.SUCCEEDED, observed_generation=7))

    assert {condition.observed_generation for condition in told.values()} == {7}


CONTEST = Problem("ChangedByOthers", "VirtualService shop/app was changed by somebody else")


def test_somebody_else_who_changes_the_routes_is_told_beside_all_else() -> None:
    """A condition that is there only while it is so; what else is told changes nothing of it, and it is news once."""
    plain = with_conditions(status_in(Phase.PROGRESSING), at(0), problem=None, news="step 1")
    told = with_contest(plain, at(1), CONTEST)
    later = with_conditions(told, at(2), problem=PROBLEM, news=None)

    assert contest_of(plain) is None
    assert contest_of(later) == CONTEST
    assert later.conditions[-1].last_transition_time == at(1)
    assert with_contest(later, at(3), CONTEST) == later
    assert with_contest(told, at(3), None) == plain
    news = contest_news(plain, told)
    assert news is not None
    assert (news.reason, news.message, news.warning) == ("WeightsContested", CONTEST.message, True)
    assert [contest_news(told, later), contest_news(later, plain), contest_news(plain, plain)] == [None, None, None]
