"""What must hold for every single Decision while windows, a freeze or a limit hold: nothing goes up, and all that goes
down goes down as ever.
"""

from __future__ import annotations

from dataclasses import replace

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.decision import Decision
from rollouts.core.observed import Observed
from rollouts.core.phases import STEPPING, Event
from rollouts.core.step import step

NEVER_HELD = frozenset({
    Event.ROLLBACK, Event.STRANDED, Event.CANARY_LOST, Event.CHECK_FAILED, Event.REVERTED, Event.RESCUE, Event.SHIFTED,
    Event.PRIMARY_READY, Event.SWAPPED, Event.UNDONE, Event.DRAINED, Event.DELETED, Event.HANDED_BACK, Event.RELEASED,
    Event.GIVEN_UP, Event.PAUSED, Event.PREPARED,
})  # fmt: skip
_STARTS = frozenset({Event.NEW_REVISION, Event.SUPERSEDED, Event.CONFIRMED})


def check_holds(spec: CanarySpec, before: CanaryStatus, seen: Observed, decision: Decision) -> None:
    """All of it."""
    after = decision.status
    assert after.hold is None or after.phase in STEPPING | {Phase.WAITING}
    if not seen.holds:
        return
    _check_nothing_begins(before, seen, decision)
    free = step(spec, before, replace(seen, holds=(), holds_change_at=None))
    # In Waiting nothing has begun, and a gate whose turn has not come ends nothing.
    begun = before.phase is not Phase.WAITING or free.event is not Event.ROLLBACK or after.actions != before.actions
    if free.event in NEVER_HELD and begun:
        assert decision.event is free.event
        assert decision.desired == free.desired
        held = {"conditions", "hold"} if before.phase in STEPPING | {Phase.WAITING} else set()
        assert after.model_dump(exclude=held) == free.status.model_dump(exclude=held)


def _check_nothing_begins(before: CanaryStatus, seen: Observed, decision: Decision) -> None:
    """No revision starts, and while next steps are held nobody gets more, whatever people ask for."""
    after, overridden = decision.status, before.overridden_at is not None
    if decision.event in _STARTS and after.phase is Phase.PROGRESSING and not overridden:
        # Another strategy for what was started before.
        assert before.last_applied_spec == after.last_applied_spec
        assert before.phase in STEPPING
    if decision.event is Event.CONFIRMED:
        assert overridden
    if any(hold.steps for hold in seen.holds) and not overridden:
        assert decision.event not in {Event.ADVANCE, Event.STEPS_PASSED}
        assert after.desired_weight <= before.desired_weight or decision.event in {Event.STRANDED, Event.HANDED_BACK}
    if after.phase is Phase.WAITING and decision.event is Event.WAITED and not (overridden or decision.asks):
        assert after.hold is not None or after.gate is not None
