"""What a person asks of a running release: an annotation on the Canary, never its spec, which Git owns.

    kubectl annotate canaries.rollouts.dev/app actions.rollouts.dev/abort='{"id": "1", "user": "ann", "reason": "..."}'

A value that is no JSON object is taken as the id alone (`abort=1`). An action is carried out once for each id, also
across a restart: what was done stands in the status. Approvals may have keys of their own, `approve.<text>`, so that
those of two persons do not overwrite each other.

Whether `user` is true is not known here: deploy/policies/intents.yaml sees to that where it is installed.
"""

from __future__ import annotations

import hashlib
import json
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
APPROVALS_MAX = 5
"""The most that a gate can ask for."""
SUFFIXES_MAX = 16
"""Approvals under keys of their own that are read: the first by their keys."""
USER_MAX = 253
_TOLD_OF_USER = 120
"""Characters of a name in a sentence."""
BY_LINK = "link"
"""The way of who opened a link that was signed: the name is what was typed."""
NO_REVISION = 'an approval is for one revision: write it too, {"id": "...", "revision": "..."}'


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
    user: Annotated[str, Field(max_length=USER_MAX)] = ""
    reason: Annotated[str, Field(max_length=256)] = ""
    via: Annotated[str, Field(max_length=16)] = ""
    """How it came, where that matters: BY_LINK."""
    key: str = ""
    """What stands after the verb and a dot in the name of its annotation."""
    verified: bool = False
    """Whether `user` is who the API server says it is."""
    flaw: str = ""

    @property
    def who(self) -> str:
        """What to think of the name and then the name, of which an end may be cut; empty where nobody is named."""
        return f"{', '.join(self._marks)}: {self.user}"[:USER_MAX] if self.user and self._marks else self.user

    @property
    def _marks(self) -> list[str]:
        return ([] if self.verified else ["unverified"]) + (["by link"] if self.via == BY_LINK else [])

    def in_words(self) -> str:
        """Who asked, and why."""
        marks = f" ({', '.join(self._marks)})" if self._marks else ""
        by = f" by {self.user[:_TOLD_OF_USER]}{marks}" if self.user else ""
        return f"{self.verb}{by}{': ' + self.reason if self.reason else ''}"


def read_actions(canary: Manifest, *, verified: bool = False) -> tuple[Action, ...]:
    """What is asked of this Canary, in the order of Verb. Annotations with other verbs are not ours.

    `verified`: whether nobody could write the name of somebody else.
    """
    annotations = canary["metadata"].get("annotations") or {}
    if not any(key.startswith(PREFIX) for key in annotations):
        return ()  # most of the time, and asked at each look
    own = sorted(key for key in annotations if key.startswith(f"{PREFIX}{Verb.APPROVE}."))[:SUFFIXES_MAX]
    asked = [(verb, PREFIX + verb) for verb in Verb] + [(Verb.APPROVE, key) for key in own]
    read = (_read(verb, key, annotations[key]) for verb, key in asked if isinstance(annotations.get(key), str))
    return tuple(_vouched(action) if verified else action for action in read)


def intent_text(action: Action) -> str:
    """The value of an annotation that asks for that, as the policy reads it: on one line, nothing in it escaped that
    need not be.
    """
    fields = action.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return json.dumps({name: fields[name] for name in _WRITTEN if name in fields}, ensure_ascii=False)


_WRITTEN = ("id", "revision", "user", "reason", "full", "weight", "via")
_OURS = ("verb", "key", "verified", "flaw")


def _vouched(action: Action) -> Action:
    """A name that was typed behind a link stays what it is."""
    return action.model_copy(update={"verified": bool(action.user) and action.via != BY_LINK})


def _read(verb: Verb, name: str, text: str) -> Action:
    key = name.removeprefix(PREFIX + verb).removeprefix(".")
    action = _of_text(verb, text)
    if key and not action.flaw and not action.revision:
        action = _flawed(verb, text, NO_REVISION)
    return action.model_copy(update={"key": key}) if key else action


def _of_text(verb: Verb, text: str) -> Action:
    if not text.lstrip().startswith("{"):
        return _plain(verb, text.strip())
    try:
        asked = {name: value for name, value in _asked(text).items() if name not in _OURS}
        return Action.model_validate(asked | {"verb": verb})
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
