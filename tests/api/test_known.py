"""An object that nobody reads is packed, and is what it was; what is told of a state is worked out once."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rollouts.api.known import Known, Listing
from rollouts.api.resources import Manifest, ObjectKey

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


def _object(name: str = "app", **fields: Any) -> Manifest:
    return {"metadata": {"name": name, "namespace": "shop", "uid": f"uid-{name}"}, **fields}


def _packed(manifest: Manifest) -> Known:
    known = Known(manifest)
    known.rest()
    known.rest()
    return known


@given(spec=st.dictionaries(st.text(), VALUES, max_size=4))
def test_what_was_packed_is_what_it_was(spec: dict[str, Any]) -> None:
    """Whatever JSON can say, to the kinds of numbers and the order of fields."""
    manifest = _object(spec=spec)
    before = repr(manifest)
    known = _packed(manifest)
    assert known.read() is not manifest
    assert repr(known.read()) == before


def test_what_is_read_now_and_then_stays_the_same_object() -> None:
    """So its identity says that nothing has changed."""
    manifest = _object()
    known = Known(manifest)
    for _ in range(3):
        known.rest()
        assert known.read() is manifest


def test_one_that_was_unpacked_stays_so_while_it_is_read() -> None:
    """It is packed again when nobody has read it since."""
    known = _packed(_object())
    once = known.read()
    known.rest()
    assert known.read() is once
    known.rest()
    known.rest()
    assert known.read() is not once
    assert known.read() == once


def test_a_function_is_asked_once_and_wakes_nobody() -> None:
    """Of a state that is packed, too: it stays packed."""
    asked: list[str] = []

    def name(manifest: Manifest) -> str:
        asked.append("name")
        return str(manifest["metadata"]["name"])

    def size(manifest: Manifest) -> int:
        asked.append("size")
        return len(manifest)

    known = _packed(_object())
    assert [known.told(name), known.told(size), known.told(name), known.told(size)] == ["app", 1, "app", 1]
    assert asked == ["name", "size"]


def test_names_of_fields_are_in_memory_once() -> None:
    """Of objects that were unpacked as of those that never were packed."""
    one, other = (_packed({"metadata": {"name": name}, "spec": {"selector": name}}).read() for name in "ab")
    assert [*map(id, one)] == [*map(id, other)]
    assert [*map(id, one["spec"])] == [*map(id, other["spec"])]


def test_a_listing_is_gone_through_found_in_and_compared() -> None:
    """Two are the same if each state in them is."""
    manifests = [_object("a"), _object("b")]
    states = {known.key: known for known in map(Known, manifests)}
    listing = Listing(states)
    assert (len(listing), [*listing], ObjectKey("shop", "a") in listing) == (2, manifests, True)
    found = listing.find(ObjectKey("shop", "b"))
    assert found is not None
    assert found.read() is manifests[1]
    assert listing.find(ObjectKey("shop", "c")) is None
    assert listing.is_same(Listing({**states}))
    assert not listing.is_same(Listing.of(copy.deepcopy(manifests)))
    assert not listing.is_same(Listing({}))
