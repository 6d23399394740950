"""How actions are written on a Canary, well and badly."""

from __future__ import annotations

import pytest

from rollouts.api.actions import PREFIX, Action, Verb, read_actions


def _read(**annotations: str) -> tuple[Action, ...]:
    return read_actions({"metadata": {"annotations": {PREFIX + verb: text for verb, text in annotations.items()}}})


def test_a_json_object_says_all() -> None:
    """Id, revision, user, reason and whether it is meant fully; unknown fields are left alone."""
    text = '{"id": "7", "revision": "abc", "user": "ann", "reason": "hot fix", "full": true, "more": 1}'

    assert _read(promote=text) == (
        Action(verb=Verb.PROMOTE, id="7", revision="abc", user="ann", reason="hot fix", full=True),
    )


def test_a_plain_value_is_the_id() -> None:
    """So that one can be written by hand at night."""
    assert _read(abort=" 3 ") == (Action(verb=Verb.ABORT, id="3"),)


def test_other_annotations_are_not_ours() -> None:
    """Only the five verbs are read, and an object without annotations asks for nothing."""
    assert _read(explode="1") == ()
    assert read_actions({"metadata": {}}) == ()


@pytest.mark.parametrize(
    "text",
    ["", "{", "{}", '{"id": ""}', '{"id": 5}', '{"id": "1", "full": "perhaps"}', "x" * 65, '{"id": "1"}]'],
    ids=str,
)
def test_a_flaw_is_kept_with_what_to_write_instead(text: str) -> None:
    """A request that can't be read has an id of its own, so that it is refused once, and says what is wrong."""
    (action,) = _read(pause=text)

    assert action.flaw.endswith('write {"id": "..."}, and a new id each time')
    assert action.id.startswith("flawed-")
    assert _read(pause=text) == (action,)


def test_nobody_states_a_flaw_or_another_verb() -> None:
    """What an annotation claims about itself does not count."""
    assert _read(pause='{"id": "1", "flaw": "none", "verb": "abort"}') == (Action(verb=Verb.PAUSE, id="1"),)
