"""Whether the controller has taken what was asked, and what became of it: read from the status as it changes."""

from __future__ import annotations

import asyncio
from datetime import datetime

from rollouts.api.actions import Action, read_actions
from rollouts.api.resources import Manifest
from rollouts.api.status import ActionTaken, CanaryStatus
from rollouts.cli import exits
from rollouts.cli.cluster.intents import Asked, Outcome
from rollouts.cli.cluster.model import known_of
from rollouts.cli.cluster.session import Session
from rollouts.cli.cluster.words import explained
from rollouts.cli.refused import CommandRefused
from rollouts.core.heard import is_taken, may_be
from rollouts.errors import KubeError
from rollouts.kube.follow import follow


async def taken(session: Session, outcome: Outcome, timeout_s: float) -> Outcome:
    """The outcome once the controller has taken it; as it was, if it has not in that time. Raises CommandRefused."""
    scope, asked = session.scope(outcome.key.name), outcome.asked
    try:
        async with asyncio.timeout(timeout_s):
            async for seen in follow(session.transport, scope):
                canary = seen.objects.get(outcome.key)
                if canary is None:
                    raise CommandRefused(f"Canary {outcome.key} was deleted meanwhile", exits.NOT_FOUND)
                found = _taken(canary, asked, session.now())
                if found is not None:
                    status = known_of(canary).status
                    return Outcome(outcome.key, outcome.revision, asked, found, status, outcome.gate)
    except TimeoutError:
        pass
    except KubeError as error:
        raise explained(error, session.place, session.namespace) from error
    return outcome


def _taken(canary: Manifest, asked: Asked, now: datetime) -> ActionTaken | None:
    """What the status says of it. Of approvals it has the last; the others are known by what they did to the gate."""
    status = canary.get("status") or {}
    for one in status.get("actions") or ():
        if one.get("verb") == asked.verb and one.get("id") == asked.id:
            return ActionTaken.model_validate(one)
    own = [one for one in read_actions(canary) if one.key and (one.verb, one.id) == (asked.verb, asked.id)]
    return _heard(CanaryStatus.model_validate(status), own[0], now) if own else None


def _heard(status: CanaryStatus, action: Action, now: datetime) -> ActionTaken | None:
    if not is_taken(status, action):
        return None
    gate = status.gate
    waits = gate is not None and not gate.approved
    counts = gate is not None and any(may_be(one.user, action.user) for one in gate.approvals)
    refused = waits and not counts
    message = "it does not count: `rollouts events` says why" if refused else "another one came after it"
    return ActionTaken(
        verb=action.verb, id=action.id, user=action.user, message=message, outcome="Refused" if refused else "Done",
        taken_at=now,
    )  # fmt: skip
