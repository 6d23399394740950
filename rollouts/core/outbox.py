"""Notices to people, kept in the status until a receiver has confirmed them: written with the decision they tell of.

A process may die between any two writes: what is in the outbox is sent by the next one, under the same number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType
from rollouts.api.status import (
    MUTED,
    NOTICE_TEXT_MIN,
    NOTICES_TEXT,
    OUTBOX_MAX,
    REASON_MAX,
    CanaryStatus,
    Notice,
    Phase,
)
from rollouts.api.texts import cut, stored_bytes
from rollouts.core.decision import Announcement
from rollouts.core.observed import Observed
from rollouts.core.phases import ENDS, MID_RUN
from rollouts.core.receipts import with_threads

_RESTING = ENDS | {Phase.INITIALIZED, Phase.TERMINATING}
_MESSAGE_MAX = 256
_Type = Literal[HookType.EVENT, HookType.POST_ROLLOUT, "muted"]


def with_notices(
    spec: CanarySpec, before: CanaryStatus, after: CanaryStatus, seen: Observed, news: Announcement | None
) -> CanaryStatus:
    """The status with what is new in its outbox, and without what was delivered.

    Where nothing else changes in mid-run, what hooks have confirmed stays until the next write: this process does not
    send it again. What people were told is written at once: the next process is not to tell it again.
    """
    left = tuple(notice for notice in after.outbox if notice.number not in seen.delivered)
    added = _new_notices(spec, before, after, seen, news)
    lost = _lost(after, seen)
    receipts = after.receipts if seen.mail.receipts is None else seen.mail.receipts
    due = bool(lost) or receipts != after.receipts
    tidy = len(left) < len(after.outbox) and (after.phase in _RESTING or after != before)
    if not (added or tidy or due):
        return after
    overflow = max(0, len(left) + len(added) - OUTBOX_MAX)
    told = _fitted(left[overflow:], added)
    update: dict[str, Any] = {"outbox": told, "notices": after.notices + len(added)}
    update["notices_lost"] = after.notices_lost + overflow + len(lost)
    update["receipts"] = receipts if told else with_threads(receipts)
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


def lost_news(before: CanaryStatus, after: CanaryStatus, seen: Observed) -> Announcement | None:
    """That notices did not reach everybody, told once: with the status that no longer has them."""
    if after.notices_lost == before.notices_lost:
        return None
    if not (given_up := _lost(before, seen)):
        count = after.notices_lost - before.notices_lost
        return Announcement("NoticeLost", f"{count} undelivered, the oldest, had to make room for news", warning=True)
    told = "; ".join(f"notice {notice.number} ({notice.reason}): {why}" for notice, why in given_up)
    return Announcement("NoticeLost", f"Given up: {told}", warning=True)


def _lost(status: CanaryStatus, seen: Observed) -> list[tuple[Notice, str]]:
    why = dict(seen.mail.given_up)
    return [(notice, why[notice.number]) for notice in status.outbox if notice.number in why]


def _new_notices(
    spec: CanarySpec, before: CanaryStatus, after: CanaryStatus, seen: Observed, news: Announcement | None
) -> tuple[Notice, ...]:
    if news is None:
        return ()
    deleted = after.phase is Phase.TERMINATING and before.phase in MID_RUN
    ended = deleted or (after.phase in ENDS and after.phase is not before.phase)
    alerted = bool(spec.analysis.alerts) or seen.alerted
    muted = alerted and _is_muted(spec, before, after)
    kinds: list[_Type] = []
    if spec.analysis.hooks(HookType.EVENT) or (alerted and not muted):
        kinds.append(MUTED if muted else HookType.EVENT)
    if ended and spec.analysis.hooks(HookType.POST_ROLLOUT):
        kinds.append(HookType.POST_ROLLOUT)
    return tuple(
        Notice(
            number=after.notices + place, type=kind, reason=news.reason[:REASON_MAX],
            message=news.message[:_MESSAGE_MAX], warning=news.warning, phase=after.phase or Phase.INITIALIZING,
            revision=after.last_applied_spec, at=seen.now,
        )
        for place, kind in enumerate(kinds, start=1)
    )  # fmt: skip


def _is_muted(spec: CanarySpec, before: CanaryStatus, after: CanaryStatus) -> bool:
    """Whether the news is that a gate waits, of which the user wants no alert."""
    gate = after.gate
    if gate is None or gate.approved or (before.gate is not None and before.gate.type is gate.type):
        return False
    return all(hook.mute_alert for hook in spec.analysis.hooks(gate.type))
