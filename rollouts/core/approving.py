"""Approvals of a gate: how many it needs, whose counts, and what is remembered of them.

One opens a gate, unless its hooks ask for more: then each is of another person whose name is verified, and for the
very revision. Those under keys of their own are remembered by a short hash while their annotation is there.
"""

from __future__ import annotations

from typing import Any

from rollouts.api.actions import NO_REVISION, Action, Verb
from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType
from rollouts.api.status import ACTIONS_TEXT, ActionTaken, Approval, CanaryStatus, GateStatus
from rollouts.api.texts import share_out
from rollouts.core.heard import digest_of, may_be
from rollouts.core.observed import Observed

_UNVERIFIED = (
    "approvals of {needed} persons count only with names that are verified: ask through the server, or have "
    "deploy/policies/intents.yaml installed"
)


def needed_at(kind: HookType, spec: CanarySpec) -> int:
    """How many persons have to approve at gates of that type."""
    return max((hook.approvals for hook in spec.analysis.hooks(kind)), default=1)


def refusal_of(spec: CanarySpec, gate: GateStatus, action: Action) -> str:
    """Why an approval does not count at that gate; empty if it does."""
    needed = needed_at(gate.type, spec)
    if needed == 1:
        return ""
    if gate.approved:
        return "its gate is open already"
    if not action.revision:
        return NO_REVISION
    if not action.verified:
        return _UNVERIFIED.format(needed=needed)
    if any(may_be(before.user, action.user) for before in gate.approvals):
        return f"one person counts once: {needed - len(gate.approvals)} more of {needed} approvals are needed"
    return ""


def words_of(spec: CanarySpec, gate: GateStatus, action: Action) -> str:
    """What is told of an approval that counts: who came before, and how many are still needed."""
    needed, before = needed_at(gate.type, spec), gate.approvals
    if needed == 1:
        return action.in_words()
    others = ", ".join(f"{one.user}{': ' + one.reason if one.reason else ''}" for one in before)
    return f"{action.in_words()}; {len(before) + 1} of {needed} approvals{f' ({others})' if others else ''}"


def counted(spec: CanarySpec, gate: GateStatus, seen: Observed, action: Action) -> GateStatus:
    """The gate with that approval."""
    needed = needed_at(gate.type, spec)
    approval = Approval(user=action.who, at=seen.now, reason=action.reason)
    approvals = (*gate.approvals, approval)[-needed:]
    approved = gate.approved or len(approvals) >= needed
    return gate.model_copy(update={"approvals": approvals, "approved": approved, "needed": needed})


def after_hearing(status: CanaryStatus, seen: Observed, action: Action) -> dict[str, Any]:
    """What is remembered of an action under a key of its own; nothing of those that are there no more."""
    if not action.key:
        return {}
    there = [digest_of(one) for one in seen.actions if one.key]
    known = {*status.heard, digest_of(action)}
    return {"heard": tuple(digest for digest in dict.fromkeys(there) if digest in known)}


def fitted(actions: tuple[ActionTaken, ...], gate: GateStatus | None) -> dict[str, Any]:
    """The same with all their texts cut to what they have together."""
    approvals = () if gate is None else gate.approvals
    said = [text for one in actions for text in (one.user, one.message)]
    said += [text for one in approvals for text in (one.user, one.reason)]
    texts = iter(share_out(said, ACTIONS_TEXT))
    fitting: dict[str, Any] = {
        "actions": tuple(one.model_copy(update={"user": next(texts), "message": next(texts)}) for one in actions)
    }
    if gate is not None and approvals:
        cut = tuple(one.model_copy(update={"user": next(texts), "reason": next(texts)}) for one in approvals)
        fitting["gate"] = gate.model_copy(update={"approvals": cut})
    return fitting


def is_kept(action: Action, *, refused: bool) -> bool:
    """Whether it is the last of its verb from now on: one of many that is refused leaves what was done to be seen."""
    return not (refused and action.key and action.verb is Verb.APPROVE)
