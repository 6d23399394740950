"""What a person asks of a running release: an annotation on the Canary, never its spec, which Git owns.

    kubectl annotate canaries.rollouts.dev/app actions.rollouts.dev/abort='{"id": "1", "user": "ann", "reason": "..."}'

A value that is no JSON object is taken as the id alone (`abort=1`). An action is carried out once for each id, also
across a restart: what was done stands in the status.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError

from rollouts.api.resources import GROUP, Manifest
from rollouts.api.texts import stored_bytes
from rollouts.api.wire import WIRE, Weight

PREFIX = f"actions.{GROUP}/"


_OBJECT: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
"""Dear to make, and used at each look at a Canary that has annotations of ours."""


class Verb(StrEnum):
    """What can be asked."""

    PAUSE = "pause"
    """Hold the weight; judgements go on, and one that fails still rolls back."""
    RESUME = "resume"
    """End the pause."""
    OVERRIDE = "override"
    """Release this revision whatever windows, freeze and limit say. Checks and gates stay."""
    PROMOTE = "promote"
    """Go to the next step without waiting for its judgement; with `full`, to the primary at once."""
    ABORT = "abort"
    """End the release now: all traffic to the primary."""
    RETRY = "retry"
    """Release the failed revision again."""
    UNDO = "undo"
    """Back to the version before."""
    SET_WEIGHT = "set-weight"
    """Give the canary `weight` percent now; the schedule goes on from there."""
    APPROVE = "approve"
    """Open the gate that the release waits at."""
    REJECT = "reject"
    """Refuse it: the release ends."""


ID_MAX = 64
"""Bytes, as it is stored."""


def _fits(name: str) -> str:
    if stored_bytes(name) > ID_MAX:
        raise ValueError(f"an id takes at most {ID_MAX} bytes")
    return name


class Action(BaseModel):
    """One request. `flaw` says what is wrong with it; then it is refused."""

    model_config = WIRE

    verb: Verb
    id: Annotated[str, Field(min_length=1, max_length=ID_MAX), AfterValidator(_fits)]
    revision: Annotated[str, Field(max_length=64)] = ""
    """The revision it is meant for; empty for whichever is released."""
    full: bool = False
    weight: Weight | None = None
    """With set-weight: percent of the canary."""
    user: Annotated[str, Field(max_length=253)] = ""
    reason: Annotated[str, Field(max_length=256)] = ""
    flaw: str = ""

    def in_words(self) -> str:
        """Who asked, and why."""
        who = f" by {self.user} (unverified)" if self.user else ""
        return f"{self.verb}{who}{': ' + self.reason if self.reason else ''}"


def read_actions(canary: Manifest) -> tuple[Action, ...]:
    """What is asked of this Canary, in the order of Verb. Annotations with other verbs are not ours."""
    annotations = canary["metadata"].get("annotations") or {}
    asked = ((verb, annotations.get(PREFIX + verb)) for verb in Verb)
    return tuple(_read(verb, text) for verb, text in asked if isinstance(text, str))


def _read(verb: Verb, text: str) -> Action:
    if not text.lstrip().startswith("{"):
        return _plain(verb, text.strip())
    try:
        return Action.model_validate(_asked(text) | {"verb": verb, "flaw": ""})
    except ValidationError as invalid:
        first = invalid.errors()[0]
        return _flawed(verb, text, f"{'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}")


def _asked(text: str) -> dict[str, Any]:
    """The fields of a JSON object. Raises ValidationError for what is none."""
    return _OBJECT.validate_json(text)


def _plain(verb: Verb, text: str) -> Action:
    try:
        return Action(verb=verb, id=text)
    except ValidationError:
        return _flawed(verb, text, "an id takes 1 to 64 bytes")


def _flawed(verb: Verb, text: str, flaw: str) -> Action:
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Action(verb=verb, id=f"flawed-{digest}", flaw=f'{flaw}: write {{"id": "..."}}, and a new id each time')
