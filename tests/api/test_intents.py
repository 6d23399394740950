"""The patch by which an action gets onto a Canary, tried by the operations' own meaning."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.actions import PREFIX, Action, Verb, intent_text
from rollouts.api.intents import annotation_of, key_of, patch_of, with_key
from rollouts.testing.json_patch import PatchRefused, patched

ANN, BOB = (PREFIX + "approve." + key_of(user) for user in ("ann", "bob"))


def _approval(user: str, revision: str = "b", given: str = "1") -> Action:
    return with_key(Action(verb=Verb.APPROVE, id=given, revision=revision, user=user))


def _canary(**annotations: str) -> dict[str, Any]:
    """One that has these."""
    metadata: dict[str, Any] = {"name": "app", "uid": "u-1", "resourceVersion": "7"}
    return {"metadata": metadata | ({"annotations": annotations} if annotations else {})}


def _annotations(canary: dict[str, Any], action: Action) -> dict[str, str]:
    """Those that it has after the patch, as it is sent."""
    found: dict[str, str] = patched(canary, patch_of(canary, action))["metadata"]["annotations"]
    return found


def test_an_approval_has_a_key_of_its_person() -> None:
    """Of who approves, and of nobody else; what is not an approval, or in nobody's name, has none."""
    assert annotation_of(_approval("ann")) == ANN != BOB
    assert annotation_of(_approval("")) == PREFIX + "approve"
    assert annotation_of(with_key(Action(verb=Verb.PAUSE, id="1", user="ann"))) == PREFIX + "pause"


def test_two_persons_do_not_overwrite_each_other() -> None:
    """What the other has approved stands, as all that is not ours."""
    before = {BOB: intent_text(_approval("bob")), "team": "a"}

    after = _annotations(_canary(**before), _approval("ann"))

    assert after == {**before, ANN: intent_text(_approval("ann"))}


def test_approvals_of_other_revisions_make_room() -> None:
    """Else those that were read would be the first by their keys, whatever they are worth."""
    before = {BOB: intent_text(_approval("bob", "a")), PREFIX + "pause": "1"}

    after = _annotations(_canary(**before), _approval("ann"))

    assert set(after) == {ANN, PREFIX + "pause"}


@pytest.mark.parametrize(
    "changed",
    [
        _canary(**{BOB: intent_text(_approval("bob", given="2"))}),
        {"metadata": _canary(**{BOB: intent_text(_approval("bob", "a"))})["metadata"] | {"uid": "u-2"}},
    ],
    ids=["the other approved meanwhile", "another Canary of that name"],
)
def test_the_patch_fails_where_the_world_moved_on(changed: dict[str, Any]) -> None:
    """Nothing is taken away that was not seen, and nothing written onto a successor."""
    operations = patch_of(_canary(**{BOB: intent_text(_approval("bob", "a"))}), _approval("ann"))

    with pytest.raises(PatchRefused):
        patched(changed, operations)


def test_the_first_annotation_is_for_the_version_that_was_read() -> None:
    """Where there are none the whole map is written: only if nobody else has written one."""
    operations = patch_of(_canary(), _approval("ann"))

    assert {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"} in operations
    assert _annotations(_canary(), _approval("ann")) == {ANN: intent_text(_approval("ann"))}
