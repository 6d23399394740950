"""By its models' bounds a status could take 33 KB, and more in characters that JSON escapes; 16 KiB are its limit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollouts.api.actions import Action, Verb
from rollouts.api.hooks import HookType
from rollouts.api.sequential import ROOM, SEQUENTIAL_MAX
from rollouts.api.status import (
    ACTIONS_TEXT,
    NOTICES_TEXT,
    OUTBOX_MAX,
    RESULTS_MAX,
    RESULTS_TEXT,
    CanaryStatus,
    Phase,
)
from rollouts.api.texts import cut, share_out, stored_bytes
from rollouts.core.observed import Problem
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.given import hook, running, seen_at, spec_of
from tests.core.invariants import STATUS_MAX_BYTES, check_status, size_of

WIDEST = ["a", "é", "<", "\u2028", "\x01", "中", "😀"]
A_MOMENT = "2026-01-01T00:00:00.123456Z"
SCHEMA = CanaryStatus.model_json_schema(by_alias=True)


def filled(schema: Any, character: str) -> Any:
    """A value that takes as much as the schema allows, in texts of that character."""
    schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if "anyOf" in schema:
        return filled(next(one for one in schema["anyOf"] if one.get("type") != "null"), character)
    match schema:
        case {"enum": values}:
            return max(values, key=len)
        case {"format": "date-time"}:
            return A_MOMENT
        case {"type": "string", "maxLength": limit}:
            return cut(character * limit, limit)
        case {"type": "array", "items": items, "maxItems": limit}:
            return [filled(items, character) for _ in range(limit)]
        case {"type": "object", "properties": fields}:
            return {name: filled(field, character) for name, field in fields.items()}
        case {"type": "integer"}:
            return schema.get("maximum", 2**63 - 1)
        case {"type": "number"}:
            return -1.7976931348623157e308
        case {"type": "boolean"}:
            return False
        case _:
            raise AssertionError(f"without a bound: {schema}")


def shared(entries: list[dict[str, Any]], names: tuple[str, ...], limit: int) -> list[dict[str, Any]]:
    """The same with the texts that share a limit cut to it."""
    texts = iter(share_out([entry[name] for entry in entries for name in names], limit))
    return [entry | {name: next(texts) for name in names} for entry in entries]


def share_said(actions: list[dict[str, Any]], approvals: list[dict[str, Any]]) -> None:
    """Actions and approvals share what they have."""
    places = [(one, name) for one in actions for name in ("user", "message")]
    places += [(one, name) for one in approvals for name in ("user", "reason")]
    for (one, name), text in zip(places, share_out([one[name] for one, name in places], ACTIONS_TEXT), strict=True):
        one[name] = text


@pytest.mark.parametrize("character", WIDEST, ids=ascii)
@pytest.mark.parametrize("sequential", range(SEQUENTIAL_MAX + 1))
def test_a_status_that_is_full_everywhere_fits(character: str, sequential: int) -> None:
    """Every list at its end, every number at its largest, and every text as long as it is let be; what is remembered of
    evidence takes the place of results.
    """
    full = filled(SCHEMA, character)
    share_said(full["actions"], full["gate"]["approvals"])
    full["metrics"] = shared(full["metrics"], ("message",), RESULTS_TEXT)
    full["outbox"] = shared(full["outbox"], ("message",), NOTICES_TEXT)
    full["evidence"] = full["evidence"][:sequential]
    full["metrics"] = full["metrics"][: RESULTS_MAX - ROOM * sequential]
    assert STATUS_MAX_BYTES / 3 < size_of(full) <= STATUS_MAX_BYTES


@pytest.mark.parametrize("character", WIDEST, ids=ascii)
def test_what_is_said_is_cut_where_it_is_made(character: str) -> None:
    """A problem, an action and its notices, all longer than anybody reads."""
    spec, status = spec_of(webhooks=[hook(HookType.EVENT)]), running(10)
    problem = Problem("R" * 99, character * 4000)
    for number in range(OUTBOX_MAX + 2):
        verb = list(Verb)[number % len(Verb)]
        asked = Action(verb=verb, id=str(number), user=character * 253, reason=character * 256)
        seen = seen_at(5 + number, route_weight=10)
        status = step(spec, status, replace(seen, actions=(asked,), problem=problem)).status
        check_status(status)
        status = step(
            spec, status.model_copy(update={"phase": Phase.PROGRESSING}), replace(seen, problem=problem)
        ).status
        check_status(status)


def test_short_texts_stay_whole_beside_a_long_one() -> None:
    """The long one gets what the others leave."""
    assert share_out(["aa", "b" * 90, "c" * 5], 40) == ["aa", "b" * 33, "c" * 5]
    assert share_out(["a" * 30, "b" * 90], 40) == ["a" * 20, "b" * 20]
    assert share_out(["aa", "bb"], 40) == ["aa", "bb"]
    assert share_out([], 40) == []


def test_an_id_that_takes_too_much_is_refused() -> None:
    """It is kept whole, or the action would be carried out again."""
    with pytest.raises(ValueError, match="at most 64 bytes"):
        Action(verb=Verb.ABORT, id="😀" * 17)
    assert stored_bytes(Action(verb=Verb.ABORT, id="😀" * 16).id) == 64


def test_a_problem_that_was_cut_is_not_told_again() -> None:
    """What is known is compared as it was cut."""
    seen = replace(seen_at(5, route_weight=10), problem=Problem("Reason", "<" * 4000))
    first = step(spec_of(), running(10), seen)
    second = step(spec_of(), first.status, seen)
    assert (first.event, second.event) == (Event.BLOCKED, Event.BLOCKED)
    assert first.announcement is not None
    assert second.announcement is None
    assert second.status == first.status
