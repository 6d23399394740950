"""What a message says, worked out of the notice, the spec and the status alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rollouts.api.alert import Severity
from rollouts.api.status import Notice, Phase
from rollouts.core.notification import (
    Notification,
    began_at,
    is_milestone,
    lasting_words,
    next_words,
    severity_of,
)
from rollouts.core.phases import Event
from tests.core.given import EPOCH, running, spec_of


def notice(reason: str = "Advance", phase: Phase = Phase.PROGRESSING, *, warning: bool = False) -> Notice:
    """One of the outbox."""
    return Notice(number=1, reason=reason, message="Words", warning=warning, phase=phase, revision="b", at=EPOCH)


def notification(**changes: Any) -> Notification:
    """A message."""
    told: dict[str, Any] = {
        "id": "u-1", "release": "u-b", "canary": "u", "name": "app", "namespace": "shop", "target": "Deployment app",
        "reason": "Rollback", "severity": Severity.ERROR, "phase": Phase.FAILED, "message": "Words", "at": EPOCH,
    }  # fmt: skip
    return Notification(**{**told, **changes})


@pytest.mark.parametrize(
    ("one", "severity"),
    [
        (notice(), Severity.INFO),
        (notice("CheckFailed", warning=True), Severity.WARN),
        (notice("Rollback", Phase.FAILED, warning=True), Severity.ERROR),
        (notice("CanaryLost", warning=True), Severity.ERROR),
        (notice("Succeeded", Phase.SUCCEEDED), Severity.INFO),
    ],
    ids=str,
)
def test_severity(one: Notice, severity: Severity) -> None:
    """Error is what ends a release badly, or serves nobody; warn is what else is wrong."""
    assert severity_of(one) is severity


def test_severities_have_an_order() -> None:
    """From quiet to loud."""
    assert sorted(Severity, key=lambda one: one.rank) == [Severity.INFO, Severity.WARN, Severity.ERROR]


def test_a_step_is_no_milestone() -> None:
    """But one that warns is."""
    assert [is_milestone(one) for one in (notice(), notice(warning=True), notice("NewRevision"))] == [False, True, True]


def test_every_reason_has_a_headline() -> None:
    """In words; what comes from a problem of the world needs attention, or is its own name."""
    silent = {Event.BLOCKED, Event.WAITED, Event.PREPARED, Event.GATED, Event.PROMOTION_GATED, Event.STEPS_PASSED}
    silent |= {Event.PRIMARY_READY, Event.DRAINED}
    titles = {event: notification(reason=str(event), severity=Severity.INFO).title for event in Event}
    assert [event for event in Event if titles[event].endswith(str(event)) and event not in silent] == []
    assert notification(reason="PortNotFound", severity=Severity.WARN).title == "shop/app: needs attention"
    assert notification(reason="Odd", severity=Severity.INFO, cluster="eu").title == "eu/shop/app: Odd"


@pytest.mark.parametrize("phase", list(Phase))
def test_every_phase_has_a_next(phase: Phase) -> None:
    """Nobody is left without a word on what comes."""
    assert next_words(spec_of(), notice("Any", phase)).endswith(".")


def test_what_is_next_depends_on_the_reason_too() -> None:
    """What is held is not judged onward, and what is stranded is not tried again."""
    assert "failed check" in next_words(spec_of(), notice())
    assert "stays" in next_words(spec_of(), notice("Held"))
    assert "all traffic back" in next_words(spec_of(), notice("Stranded", Phase.FAILED))


def test_the_begin_is_told_of_the_present_release_only() -> None:
    """A status that has moved on says nothing of the one before; at rest before any release there is none."""
    status = running(10, last_applied_spec="b", started_at=EPOCH)
    assert began_at(status, notice()) == EPOCH
    assert began_at(status.model_copy(update={"last_applied_spec": "c"}), notice()) is None
    assert began_at(status, notice("Initialized", Phase.INITIALIZED)) is None


def test_facts_leave_out_what_is_not_known() -> None:
    """No empty lines."""
    assert dict(notification().facts) == {"Target": "Deployment app", "Phase": "Failed"}
    told = dict(notification(version="app:2", since=EPOCH - timedelta(seconds=14), next="Wait.").facts)
    assert (told["Version"], told["Next"]) == ("app:2", "Wait.")
    assert told["Release began"].endswith("UTC (14 s before)")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (200, "3 min 20 s"), (3600, "1 h"), (7500, "2 h 5 min")],
)
def test_times_are_told_as_people_say_them(seconds: int, words: str) -> None:
    """Two units at the most."""
    assert lasting_words(seconds) == words


def test_a_success_settles_what_was_wrong() -> None:
    """A failure, or news on the way, does not."""
    info = {"severity": Severity.INFO}
    assert notification(phase=Phase.SUCCEEDED, **info).settles
    assert not notification(phase=Phase.PROGRESSING, **info).settles
    assert not notification(phase=Phase.SUCCEEDED).settles
