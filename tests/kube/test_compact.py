"""What is kept in memory is the same object as before wherever it says the same."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rollouts.kube.compact import compact, is_same

_VALUES = st.recursive(
    st.none() | st.integers(0, 3) | st.sampled_from(["", "a", "b", "c" * 100]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=2),
    max_leaves=8,
)
_OBJECTS = st.fixed_dictionaries(
    {"metadata": st.dictionaries(st.sampled_from(["name", "labels", "resourceVersion"]), _VALUES, max_size=3)},
    optional={"spec": _VALUES, "status": _VALUES},
)


@given(_OBJECTS, _OBJECTS)
def test_it_is_the_same_object_whatever_was_known(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Sharing changes nothing of what it says, and nothing of what was known."""
    known = compact(before)
    assert compact(after, known) == after
    assert known == before


@given(_OBJECTS, _OBJECTS)
def test_only_another_resource_version_is_no_change(before: dict[str, Any], after: dict[str, Any]) -> None:
    """`is_same` says what a comparison of all else would."""
    known = compact(before)
    assert is_same(compact(after, known), known) == (_without_version(before) == _without_version(after))


def test_a_canary_whose_status_is_written_has_the_spec_that_it_had() -> None:
    """One object for both states: it is neither kept twice nor to be read anew."""
    known = compact({"metadata": {"name": "a", "labels": {"b": "c"}, "resourceVersion": "1"}, "spec": {"d": [1]}})
    told = {"metadata": {"name": "a", "labels": {"b": "c"}, "resourceVersion": "2"}, "spec": {"d": [1]}, "status": {}}
    now = compact(told, known)
    assert now["spec"] is known["spec"]
    assert now["metadata"]["labels"] is known["metadata"]["labels"]
    assert now == told


def _without_version(manifest: dict[str, Any]) -> dict[str, Any]:
    metadata = {name: value for name, value in manifest["metadata"].items() if name != "resourceVersion"}
    return {**manifest, "metadata": metadata}
