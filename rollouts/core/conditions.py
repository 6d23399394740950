"""A Canary's conditions. Reconciling and Stalled follow kstatus; Promoted is what `kubectl wait` waits for."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from rollouts.api.status import CONDITION_MAX, REASON_MAX, CanaryStatus, Condition, ConditionType, Phase
from rollouts.api.texts import cut
from rollouts.core.decision import Announcement
from rollouts.core.observed import Problem

_MOVING = frozenset({
    Phase.INITIALIZING, Phase.WAITING, Phase.PROGRESSING, Phase.WAITING_PROMOTION, Phase.PROMOTING, Phase.FINALISING,
    Phase.TERMINATING,
})  # fmt: skip
_PROMOTED: dict[Phase, Literal["True", "False"]] = {
    Phase.INITIALIZED: "True",
    Phase.SUCCEEDED: "True",
    Phase.FAILED: "False",
}


def is_told(status: CanaryStatus, problem: Problem) -> bool:
    """Whether the conditions speak of that problem already."""
    return any(told.type == ConditionType.READY and told.message == _cut(problem.message) for told in status.conditions)


def with_conditions(
    status: CanaryStatus, now: datetime, *, problem: Problem | None, news: str | None, reason: str = ""
) -> CanaryStatus:
    """The status with its conditions made to fit. `news` explains a change of phase; None leaves the texts as they are.

    `reason` replaces the phase's name as the reason of Promoted.
    """
    phase = status.phase or Phase.INITIALIZING
    moving, failed = phase in _MOVING, phase is Phase.FAILED
    told = {condition.type: condition for condition in status.conditions}

    def condition(kind: ConditionType, value: Literal["True", "False", "Unknown"], why: str, text: str) -> Condition:
        before, why, generation = told.get(kind), why[:REASON_MAX], status.observed_generation
        since = now
        if before is not None and before.status == value:
            since = before.last_transition_time
            if (before.reason, before.message, before.observed_generation) == (why, text, generation):
                return before  # most of them, at each look
        return Condition(
            type=kind, status=value, reason=why, message=text, observed_generation=generation,
            last_transition_time=since,
        )  # fmt: skip

    promoted = told.get(ConditionType.PROMOTED)
    keep = news is None and promoted is not None
    why = promoted.reason if keep and promoted is not None else reason or phase
    text = _cut(promoted.message if keep and promoted is not None else news or "")
    ready = problem is None and phase not in {Phase.INITIALIZING, Phase.TERMINATING}
    waiting_for = problem.reason if problem is not None else phase
    blocked_by = _cut(problem.message) if problem is not None else ""
    return status.model_copy(update={"conditions": (
        condition(ConditionType.READY, "True" if ready else "False", waiting_for, blocked_by),
        condition(ConditionType.PROMOTED, _PROMOTED.get(phase, "Unknown"), why, text),
        condition(ConditionType.RECONCILING, "True" if moving else "False", phase, text if moving else ""),
        condition(ConditionType.STALLED, "True" if failed or problem else "False",
                  problem.reason if problem else phase, blocked_by or (text if failed else "")),
        *(known for known in status.conditions if known.type == ConditionType.WEIGHTS_CONTESTED),
    )})  # fmt: skip


def contest_of(status: CanaryStatus) -> Problem | None:
    """What the conditions tell of somebody else who changes the routes."""
    known = (one for one in status.conditions if one.type == ConditionType.WEIGHTS_CONTESTED)
    return next((Problem(one.reason, one.message) for one in known), None)


def contest_news(before: CanaryStatus, after: CanaryStatus) -> Announcement | None:
    """What people should hear of it, once."""
    found = contest_of(after) if contest_of(before) is None else None
    return None if found is None else Announcement(ConditionType.WEIGHTS_CONTESTED, found.message, warning=True)


def with_contest(status: CanaryStatus, now: datetime, contested: Problem | None) -> CanaryStatus:
    """The status that tells of it, or no longer does."""
    if contested == contest_of(status):
        return status
    others = tuple(one for one in status.conditions if one.type != ConditionType.WEIGHTS_CONTESTED)
    if contested is None:
        return status.model_copy(update={"conditions": others})
    told = Condition(
        type=ConditionType.WEIGHTS_CONTESTED, status="True", reason=contested.reason, message=_cut(contested.message),
        observed_generation=status.observed_generation, last_transition_time=now,
    )  # fmt: skip
    return status.model_copy(update={"conditions": (*others, told)})


def _cut(text: str) -> str:
    return cut(text, CONDITION_MAX)
