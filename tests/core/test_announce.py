"""What people hear of each transition, word by word; the stories hold the rest."""

from __future__ import annotations

import pytest

from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.decision import Announcement
from rollouts.core.measurement import NoData, Unreachable
from rollouts.core.no_data import STABLE_RATE
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.examples import EXAMPLES, PAIRS
from tests.core.given import DURATION, SUCCESS, callers, good, running, sample, seen_at, spec_of, status_in

SPEC = spec_of(threshold=2)
REST = {Phase.INITIALIZED, Phase.SUCCEEDED, Phase.FAILED, Phase.TERMINATING}
LOUD = {
    Event.BLOCKED, Event.CHECK_FAILED, Event.ROLLBACK, Event.STRANDED, Event.CANARY_LOST, Event.SUPERSEDED,
    Event.UNDECIDED, Event.REFUSED, Event.GIVEN_UP, Event.STABLE_CHANGED, Event.OVERRIDDEN,
}  # fmt: skip
SILENT = {(phase, Event.WAITED) for phase in Phase} | {(phase, Event.DRAINED) for phase in REST}
SILENT |= {(Phase.PROMOTING, Event.PRIMARY_READY), (Phase.WAITING, Event.DRAINED), (Phase.PROGRESSING, Event.DRAINED)}
# A share is held for many checks; the examples are of weights, where none of them is news.
SILENT |= {(Phase.PROGRESSING, Event.CHECK_PASSED), (Phase.WAITING_PROMOTION, Event.CHECK_PASSED)}


@pytest.mark.parametrize(("phase", "event"), PAIRS, ids=str)
def test_each_transition_is_told_as_loud_as_it_is(phase: Phase, event: Event) -> None:
    """What takes traffic away is a warning; waiting and the scale-down are not worth a word."""
    news = EXAMPLES[phase][event].decide().announcement

    assert (news is None) == ((phase, event) in SILENT)
    if news is not None:
        assert news.warning == (event in LOUD)
        assert news.message[0].isupper()
        assert news.reason.isalpha()


def _undecided(before: CanaryStatus, second: float, *, down: bool = False) -> tuple[CanaryStatus, Announcement | None]:
    samples = (
        sample(SUCCESS, second, 100.0),
        sample(DURATION, second, Unreachable("no answer within 5 s") if down else NoData()),
        sample(STABLE_RATE, second, 0.0),
        *callers(second),
    )
    decision = step(SPEC, before, seen_at(second, route_weight=10, samples=samples))
    return decision.status, decision.announcement


def test_an_undecided_check_is_told_once_for_each_cause() -> None:
    """The second metric's silence is told although the first one passes; again only when the cause is another."""
    advanced = step(SPEC, running(10), seen_at(10, route_weight=10, samples=good(10))).status
    held = advanced.model_copy(update={"desired_weight": 10, "last_check_at": advanced.metrics[0].measured_at})

    status, first = _undecided(held, 20)
    for second in (30, 40, 50, 60, 70):
        status, again = _undecided(status, second)
        assert again is None
    status, other = _undecided(status, 90, down=True)

    assert first == Announcement("Undecided", "Request-duration: no request of the canary was measured", warning=True)
    assert status.consecutive_errors == 1
    assert other == Announcement("Undecided", "Request-duration: no answer within 5 s", warning=True)


def test_a_new_canary_says_nothing_before_it_knows_anything() -> None:
    """The very first step only asks: no condition, no news."""
    decision = step(SPEC, status_in(None), seen_at(0, primary=None, route_weight=None))

    assert (decision.announcement, decision.status.conditions) == (None, ())
    assert decision.asks
