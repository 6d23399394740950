"""How actions are written on a Canary, well and badly."""

from __future__ import annotations

import pytest

from rollouts.api.actions import PREFIX, SUFFIXES_MAX, Action, Verb, intent_text, read_actions


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


def test_approvals_may_have_keys_of_their_own() -> None:
    """After the others, by their keys; of the first sixteen. They name a revision."""
    told = {f"approve.{n:02}": f'{{"id": "{n}", "revision": "b"}}' for n in range(20)}
    read = _read(**told, approve='{"id": "x"}', reject="1")
    assert [(one.verb, one.key) for one in read][:3] == [("approve", ""), ("reject", ""), ("approve", "00")]
    assert len(read) == 2 + SUFFIXES_MAX
    assert "an approval is for one revision" in _read(**{"approve.ann": "1"})[0].flaw
    assert _read(**{"abort.ann": "1"}) == ()


def test_nobody_vouches_for_themselves() -> None:
    """What is known of a name comes from elsewhere, and a name typed behind a link is vouched for by nobody."""
    forged = '{"id": "1", "user": "ann", "verified": true, "flaw": "", "key": "k"}'
    assert (_read(abort=forged)[0].verified, _read(abort=forged)[0].key) == (False, "")
    canary = {
        "metadata": {
            "annotations": {PREFIX + "abort": forged, PREFIX + "retry": '{"id": "1", "user": "bob", "via": "link"}'}
        }
    }
    assert [(one.in_words(), one.who) for one in read_actions(canary, verified=True)] == [
        ("abort by ann", "ann"), ("retry by bob (unverified, by link)", "unverified, by link: bob"),
    ]  # fmt: skip


def test_what_is_written_is_read_as_the_same() -> None:
    """And nothing in it is escaped that need not be, as the policy compares it."""
    action = Action(verb=Verb.SET_WEIGHT, id="1", revision="b", user="zoë", reason='"so"', weight=40)
    text = intent_text(action)
    assert text == '{"id": "1", "revision": "b", "user": "zoë", "reason": "\\"so\\"", "weight": 40}'
    assert _read(**{"set-weight": text}) == (action,)
