from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.resources import ObjectKey, Resource
from rollouts.kube import store as store_module
from rollouts.kube.store import Store
from tests.kube.rude_server import config_map
from tests.kube.waiting import CONFIG_MAPS

A = ObjectKey("default", "a")
B = ObjectKey("default", "b")


class Seen:
    """A store and what it told."""

    def __init__(self) -> None:
        self.changes: list[str] = []
        self.troubles: list[str] = []
        self.store = Store(CONFIG_MAPS, on_change=self._change, on_trouble=self._trouble)

    def _change(self, resource: Resource, key: ObjectKey) -> None:
        assert resource == CONFIG_MAPS
        self.changes.append(key.name)

    def _trouble(self, resource: Resource) -> None:
        assert resource == CONFIG_MAPS
        self.troubles.append(self.store.trouble)

    def replace(self, *manifests: dict[str, Any], version: str, rewound: bool = False) -> None:
        self.store.replace(map(self.store.keep, manifests), version, rewound=rewound)

    def value(self, key: ObjectKey = A) -> str | None:
        found = self.store.read(key)
        return None if found is None else found["data"]["value"]


@pytest.fixture
def seen() -> Seen:
    """A store that is listened to."""
    return Seen()


def test_objects_carry_their_type(seen: Seen) -> None:
    """Items of a list come without apiVersion and kind; readers get both."""
    seen.replace(config_map("a", 1), version="1")
    found = seen.store.read(A)
    assert found is not None
    assert (found["apiVersion"], found["kind"]) == ("v1", "ConfigMap")


def test_a_list_adds_changes_and_deletes(seen: Seen) -> None:
    """What the list lacks is gone, and each difference is told once."""
    seen.replace(config_map("a", 1), config_map("b", 2), version="2")
    seen.changes.clear()
    seen.replace(config_map("b", 4, value="new"), version="5")
    assert (seen.value(A), seen.value(B)) == (None, "new")
    assert sorted(seen.changes) == ["a", "b"]


def test_only_a_real_difference_is_told(seen: Seen) -> None:
    """A new resourceVersion over the same content moves the precondition on and wakes nobody."""
    seen.replace(config_map("a", 1, value="x"), version="1")
    seen.changes.clear()
    seen.store.absorb(
        config_map("a", 3, value="x") | {"metadata": config_map("a", 3)["metadata"] | {"managedFields": [1]}}
    )
    found = seen.store.read(A)
    assert found is not None
    assert found["metadata"]["resourceVersion"] == "3"
    assert seen.changes == []


def test_changes_are_told_when_the_store_is_whole() -> None:
    """Who is woken by the first change of a list sees all the others already."""
    views: list[int] = []
    store = Store(CONFIG_MAPS, on_change=lambda _resource, _key: views.append(len(store.list_all())))
    store.replace([store.keep(config_map(name, 1)) for name in "abc"], "1")
    assert views == [3, 3, 3]


def test_an_older_state_never_overwrites_a_newer_one(seen: Seen) -> None:
    """The answer to our write came first; the watch's and the list's older states are dropped."""
    seen.store.absorb(config_map("a", 7, value="new"))
    seen.store.absorb(config_map("a", 6, value="old"))
    seen.replace(config_map("a", 5, value="older"), version="5")
    assert seen.value() == "new"


def test_an_object_created_after_the_list_survives_it(seen: Seen) -> None:
    """A list that was taken before our write does not know the object: that is no deletion."""
    seen.store.absorb(config_map("a", 7))
    seen.replace(version="6")
    assert seen.value() == ""


def test_a_late_answer_does_not_resurrect_what_a_list_shows_deleted(seen: Seen) -> None:
    """The object was created and deleted before the list; its create's answer arrives only now."""
    seen.replace(version="10")
    seen.store.absorb(config_map("a", 7))
    assert seen.value() is None


def test_a_late_state_does_not_resurrect_a_deleted_uid(seen: Seen) -> None:
    """Also where resourceVersions can't be compared: a uid that is gone never comes back."""
    seen.store.absorb(config_map("a", 7))
    seen.store.remove(config_map("a", 8))
    late = config_map("a", 0)
    late["metadata"]["resourceVersion"] = "odd"
    seen.store.absorb(late)
    assert seen.value() is None
    assert seen.changes == ["a", "a"]


def test_a_deletion_does_not_take_the_successor(seen: Seen) -> None:
    """The name has a new owner, known from our own create, when the watch tells of the old one's end."""
    seen.store.absorb(config_map("a", 7, uid="old"))
    seen.store.absorb(config_map("a", 9, uid="new", value="new"))
    seen.store.remove(config_map("a", 8, uid="old"))
    assert seen.value() == "new"


def test_a_newer_deletion_takes_an_older_object_of_another_uid(seen: Seen) -> None:
    """A life in between was never seen; its end is the end of what was before it too."""
    seen.store.absorb(config_map("a", 7, uid="old"))
    seen.store.remove(config_map("a", 9, uid="unseen"))
    assert seen.value() is None


def test_deleting_the_unknown_is_no_change(seen: Seen) -> None:
    """Nobody is woken for what was not there."""
    seen.store.remove(config_map("a", 8))
    assert seen.changes == []


def test_an_unparsable_version_counts_as_newer(seen: Seen) -> None:
    """An odd API's last word is believed."""
    for value in ("first", "second"):
        manifest = config_map("a", 0, value=value)
        manifest["metadata"]["resourceVersion"] = f"v-{value}"
        seen.store.absorb(manifest)
    assert seen.value() == "second"
    seen.replace(version="odd")
    assert seen.value() is None


def test_a_rewound_server_is_believed(seen: Seen) -> None:
    """After a restored backup every version is older, and right; also uids that were deleted may be back."""
    seen.replace(config_map("a", 100, value="lost"), version="100")
    seen.store.remove(config_map("b", 101))
    seen.replace(config_map("a", 40, value="restored"), config_map("b", 41, value="back"), version="50", rewound=True)
    assert (seen.value(A), seen.value(B), seen.store.horizon) == ("restored", "back", 50)


def test_objects_are_listed_by_namespace(seen: Seen) -> None:
    """No namespace means all."""
    other = config_map("a", 2, uid="other")
    other["metadata"]["namespace"] = "shop"
    seen.replace(config_map("a", 1), other, version="2")
    assert len(seen.store.list_all()) == 2
    assert [ObjectKey.of(found) for found in seen.store.list_all("shop")] == [ObjectKey("shop", "a")]


def test_trouble_is_told_when_it_changes(seen: Seen) -> None:
    """The same text twice is no news."""
    for text in ("absent", "absent", ""):
        seen.store.note_trouble(text)
    assert seen.troubles == ["absent", ""]


def test_tombstones_are_bounded(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind with much coming and going does not fill the memory."""
    monkeypatch.setattr(store_module, "TOMBSTONE_LIMIT", 10)
    for number in range(30):
        seen.store.remove(config_map(f"n{number}", number))
    assert len(seen.store._tombstones) == 10


def test_what_nobody_reads_is_packed_and_what_changes_of_it_is_still_told(seen: Seen) -> None:
    """Another resourceVersion alone is no change of it either; what goes is gone."""
    seen.replace(config_map("a", 1), config_map("b", 2), version="2")
    before = seen.store.read(A)
    for _ in range(2):
        seen.store.rest()
    assert seen.store.read(A) is not before
    assert seen.store.read(A) == before
    for _ in range(2):
        seen.store.rest()
    seen.changes.clear()

    seen.store.absorb(config_map("a", 3))
    assert seen.changes == []
    seen.store.absorb(config_map("a", 4, value="new"))
    seen.store.remove(config_map("b", 5))
    assert (seen.changes, seen.value(A), seen.value(B)) == (["a", "b"], "new", None)
    for _ in range(2):
        seen.store.rest()
    seen.replace(version="9")
    assert (seen.changes, len(seen.store.list_all())) == (["a", "b", "a"], 0)


def test_a_list_that_was_handed_out_stays_as_it_was(seen: Seen) -> None:
    """Whoever goes through it may wait in between; and what has not changed is the same list."""
    seen.replace(config_map("a", 1), version="1")
    of_all, of_space = seen.store.list_all(), seen.store.list_all("default")
    assert seen.store.list_all() is of_all
    assert seen.store.list_all("default") is of_space
    seen.store.absorb(config_map("b", 2))
    assert (len(of_all), len(of_space)) == (1, 1)
    assert not seen.store.list_all("default").is_same(of_space)
    seen.store.remove(config_map("a", 3))
    seen.store.remove(config_map("b", 4))
    assert (len(of_all), len(of_space), len(seen.store.list_all("default"))) == (1, 1, 0)
