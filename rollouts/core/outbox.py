"""Notices to people, kept in the status until a receiver has confirmed them: written with the decision they tell of.

A process may die between any two writes: what is in the outbox is sent by the next one, under the same number.
"""

from __future__ import annotations

from typing import Any

from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType
from rollouts.api.status import NOTICES_TEXT, OUTBOX_MAX, REASON_MAX, CanaryStatus, Notice, Phase
from rollouts.api.texts import share_out
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
    box = left + added
    kept = box[-OUTBOX_MAX:]
    texts = share_out([notice.message for notice in kept], NOTICES_TEXT)
    fitted = zip(kept, texts, strict=True)
    told = tuple(one if one.message == text else one.model_copy(update={"message": text}) for one, text in fitted)
    update: dict[str, Any] = {"outbox": told, "notices": after.notices + len(added)}
    update["notices_lost"] = after.notices_lost + max(0, len(box) - OUTBOX_MAX)
    return after.model_copy(update=update)


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
