"""Windows, freeze and limit, as the judgement sees them: what they hold, and what they never do.

They keep a new revision from starting, and a step from being taken. Nothing that takes requests away from a canary
looks here: no rollback, abort, undo or deletion, and no promotion that has begun. A person may override them for one
revision.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rollouts.api.status import HOLD_MAX, REASON_MAX, CanaryStatus, HoldStatus
from rollouts.api.texts import cut
from rollouts.core.finding import Finding
from rollouts.core.observed import Hold, Observed
from rollouts.core.phases import Event

WAY_OUT = "a release that must go on now takes the action override"
"""What the message of a hold ends with."""
_BESIDE = frozenset({
    Event.PAUSED, Event.RESUMED, Event.APPROVED, Event.REFUSED, Event.DRAINED, Event.STABLE_CHANGED,
})  # fmt: skip
"""What happens while a release is held, and does not end that."""


def hold_of_start(status: CanaryStatus, seen: Observed) -> Hold | None:
    """What keeps the release that waits from being started, before anybody is asked to confirm it."""
    return None if status.overridden_at else hold_of_news(seen)


def hold_of_news(seen: Observed) -> Hold | None:
    """The same for a revision that is new: whatever was overridden was so for the one before."""
    return next((hold for hold in seen.holds if not hold.queued), None)


def hold_of_turn(status: CanaryStatus, seen: Observed) -> Hold | None:
    """What it waits for when all else is there: its turn."""
    queued = (hold for hold in seen.holds if hold.queued)
    return None if status.overridden_at else next(queued, None)


def hold_of_step(status: CanaryStatus, seen: Observed) -> Hold | None:
    """What keeps a release that has begun from its next step."""
    return None if status.overridden_at else next((hold for hold in seen.holds if hold.steps), None)


def is_known(status: CanaryStatus, hold: Hold) -> bool:
    """Whether the status says exactly that."""
    known = status.hold
    return known is not None and (known.reason, known.message, known.until) == _told(hold)


def after_hold(status: CanaryStatus, seen: Observed, finding: Finding) -> dict[str, Any]:
    """What the status says of it after an event; nothing is held by what is not found again."""
    if finding.event in _BESIDE:
        return {}
    hold = finding.hold
    if hold is None:
        return {"hold": None}
    reason, message, until = _told(hold)
    same = status.hold is not None and status.hold.reason == reason
    since = status.hold.since if same and status.hold is not None else seen.now
    return {"hold": HoldStatus(reason=reason, message=message, since=since, until=until)}


def _told(hold: Hold) -> tuple[str, str, datetime | None]:
    return hold.reason[:REASON_MAX], cut(hold.message, HOLD_MAX), hold.until
