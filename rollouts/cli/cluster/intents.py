"""What a person asks of a release: written as an annotation, or sent to the server; taking.py waits until it is taken.

Nothing is changed but that one annotation. What makes no sense for what the status says is not written at all: it
would stand there, refused, for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from rollouts.api.actions import Action, Verb
from rollouts.api.intents import patch_of, with_key
from rollouts.api.resources import CANARIES, ObjectKey
from rollouts.api.status import ActionTaken, CanaryStatus
from rollouts.cli import exits
from rollouts.cli.cluster.model import Known, known_of
from rollouts.cli.cluster.session import Session
from rollouts.cli.cluster.words import explained
from rollouts.cli.refused import CommandRefused
from rollouts.core.choices import why_not
from rollouts.core.parts import in_percent
from rollouts.errors import Conflict, KubeError, NotFound
from rollouts.kube.requests import patch_json
from rollouts.kube.scope import who_am_i

ATTEMPTS = 4
"""Where others write at the same time."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked, of which revision, and why."""

    verb: Verb
    id: str
    reason: str = ""
    revision: str = ""
    """Empty: the one that is released now."""
    full: bool = False
    weight: str = ""
    """As it was written: `40`, in parts of weightTotal, or `40%`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it. `taken` is None while nobody has taken it."""

    key: ObjectKey
    revision: str
    asked: Asked
    taken: ActionTaken | None = None
    status: CanaryStatus | None = None
    gate: str = ""
    """The gate that was meant, with approve and reject."""


def fresh_id(random_bytes: bytes) -> str:
    """An id of sixteen random bytes, as uuid4 writes them."""
    return UUID(bytes=random_bytes, version=4).hex


def checked(known: Known, asked: Asked) -> dict[str, Any]:
    """The intent as it is written, without who asks. Raises CommandRefused where it makes no sense."""
    status = known.status
    if flaw := why_not(known.spec, status, asked.verb):
        raise CommandRefused(f"{known.key}: {asked.verb} is not possible: {flaw}", exits.FAILED)
    revision = asked.revision or status.last_applied_spec
    told: dict[str, Any] = {"id": asked.id, "revision": revision}
    if asked.reason:
        told["reason"] = asked.reason
    if asked.full:
        told["full"] = True
    if asked.weight:
        told["weight"] = weight_of(asked.weight, known.spec.analysis.weight_total)
    return told


def weight_of(written: str, total: int) -> int:
    """Parts of the total: `40` are so many parts, `40%` is the share. Raises CommandRefused."""
    number, percent = written.rstrip("% "), written.rstrip().endswith("%")
    try:
        weight = float(number) * total / 100 if percent else float(number)
    except ValueError:
        weight = -1.0
    if not 0 <= weight <= total or weight != int(weight):
        raise CommandRefused(f"{written}: write a whole number from 0 to {total}, the weightTotal, or a share as 40%")
    return int(weight)


def gate_words(known: Known, verb: Verb) -> str:
    """The gate that an answer is about."""
    gate = known.status.gate
    return str(gate.type) if gate is not None and verb in {Verb.APPROVE, Verb.REJECT} else ""


async def annotated(session: Session, name: str, asked: Asked) -> Outcome:
    """Write the annotation. Raises CommandRefused."""
    user = ""
    for left in reversed(range(ATTEMPTS)):
        canary = await session.canary(name)
        known = known_of(canary)
        intent = checked(known, asked)
        user = user or await username(session)
        request = patch_json(CANARIES, known.key, patch_of(canary, _action(asked.verb, intent | {"user": user})))
        try:
            await session.transport.send(request)
        except NotFound as error:
            raise await session.missing(known.key) from error
        except Conflict as error:
            if not left:
                raise explained(error, session.place, session.namespace) from error
            continue
        except KubeError as error:
            raise explained(error, session.place, session.namespace) from error
        return Outcome(known.key, str(intent["revision"]), asked, gate=gate_words(known, asked.verb))
    raise AssertionError  # pragma: no cover


def _action(verb: Verb, intent: Mapping[str, Any]) -> Action:
    try:
        return with_key(Action.model_validate({"verb": verb, **intent}))
    except ValidationError as invalid:
        first = invalid.errors()[0]
        raise CommandRefused(f"{verb} can't be asked so: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


async def username(session: Session) -> str:
    """As whom the API server knows us; as the kubeconfig has it where it does not tell."""
    try:
        told = (await session.transport.send(who_am_i())).manifest()
    except KubeError:
        return session.place.user
    status = told.get("status")
    info = status.get("userInfo") if isinstance(status, dict) else None
    return str(info.get("username") or "") if isinstance(info, dict) else session.place.user


def in_words(outcome: Outcome) -> str:
    """What became of it, for a person."""
    asked, about = outcome.asked, _about(outcome)
    if outcome.taken is None:
        return f"{outcome.key}: {about}: asked, and not taken yet"
    if outcome.taken.outcome == "Refused":
        return f"{outcome.key}: {about}: refused: {outcome.taken.message}"
    status = outcome.status
    now = f"; now {status.phase} at {in_percent(status.desired_weight, status.weight_total)}" if status else ""
    who = f" by {outcome.taken.user}" if outcome.taken.user else ""
    why = f": {asked.reason}" if asked.reason else ""
    return f"{outcome.key}: {about}: done{who}{why}{now}"


def _about(outcome: Outcome) -> str:
    gate = f" of gate {outcome.gate}" if outcome.gate else ""
    return f"{outcome.asked.verb}{gate} for revision {outcome.revision}"


def as_told(outcome: Outcome) -> dict[str, Any]:
    """For programs."""
    found = outcome.taken
    return {
        "namespace": outcome.key.namespace, "name": outcome.key.name, "verb": outcome.asked.verb,
        "id": outcome.asked.id, "revision": outcome.revision, "gate": outcome.gate or None,
        "outcome": found.outcome if found is not None else "Asked",
        "message": found.message if found is not None else "", "user": found.user if found is not None else "",
    }  # fmt: skip
