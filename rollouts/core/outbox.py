"""Notices to people, kept in the status until a receiver has confirmed them: written with the decision they tell of.

A process may die between any two writes: what is in the outbox is sent by the next one, under the same number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType
from rollouts.api.status import NOTICE_TEXT_MIN, NOTICES_TEXT, OUTBOX_MAX, REASON_MAX, CanaryStatus, Notice, Phase
from rollouts.api.texts import cut, stored_bytes
from rollouts.core.decision import Announcement
from rollouts.core.observed import Observed
from rollouts.core.phases import ENDS, MID_RUN

_RESTING = ENDS | {Phase.INITIALIZED, Phase.TERMINATING}
_MESSAGE_MAX = 256


def with_notices(
    spec: CanarySpec, before: CanaryStatus, after: CanaryStatus, seen: Observed, news: Announcement | None
) -> CanaryStatus:
    """The status with what is new in its outbox, and without what was delivered.

    Where nothing else changes in mid-run, what was delivered stays until the next write: it is not sent again.
    """
    left = tuple(notice for notice in after.outbox if notice.number not in seen.delivered)
    added = _new_notices(spec, before, after, seen, news)
    tidy = len(left) < len(after.outbox) and (after.phase in _RESTING or after != before)
    if not (added or tidy):
        return after
    lost = max(0, len(left) + len(added) - OUTBOX_MAX)
    update: dict[str, Any] = {"outbox": _fitted(left[lost:], added), "notices": after.notices + len(added)}
    update["notices_lost"] = after.notices_lost + lost
    return after.model_copy(update=update)


def _fitted(kept: Sequence[Notice], added: Sequence[Notice]) -> tuple[Notice, ...]:
    """All of them, the texts of new ones cut to what is left. One that is written stays as it is: it may have been sent
    already, and what is sent again under its number is the same.
    """
    box = list(kept)
    for notice in added:
        taken = sum(max(stored_bytes(one.message), NOTICE_TEXT_MIN) for one in box)
        to_come = (OUTBOX_MAX - len(box) - 1) * NOTICE_TEXT_MIN
        text = cut(notice.message, max(NOTICES_TEXT - taken - to_come, NOTICE_TEXT_MIN))
        box.append(notice if text == notice.message else notice.model_copy(update={"message": text}))
    return tuple(box)


def _new_notices(
    spec: CanarySpec, before: CanaryStatus, after: CanaryStatus, seen: Observed, news: Announcement | None
) -> tuple[Notice, ...]:
    if news is None:
        return ()
    deleted = after.phase is Phase.TERMINATING and before.phase in MID_RUN
    ended = deleted or (after.phase in ENDS and after.phase is not before.phase)
    kinds = [HookType.EVENT, *([HookType.POST_ROLLOUT] if ended else [])]
    wanted = [kind for kind in kinds if spec.analysis.hooks(kind)]
    return tuple(
        Notice(
            number=after.notices + place, type=kind, reason=news.reason[:REASON_MAX],
            message=news.message[:_MESSAGE_MAX], warning=news.warning, phase=after.phase or Phase.INITIALIZING,
            revision=after.last_applied_spec, at=seen.now,
        )
        for place, kind in enumerate(wanted, start=1)
    )  # fmt: skip
