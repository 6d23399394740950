from __future__ import annotations

import copy
from typing import Any

import pytest

from rollouts.api.resources import Manifest
from rollouts.embedded.schemas import schema_of
from rollouts.embedded.strategic import StrategicPatchInvalid, strategically_merged
from tests.embedded.deployments import deployment
from tests.embedded.strategic_cases import CASES, REFUSED


def merged(patch: Manifest) -> Manifest:
    """The Deployment after the patch."""
    schema = schema_of("Deployment")
    assert schema is not None
    return strategically_merged(deployment(), patch, schema)


def pod(manifest: Manifest) -> Manifest:
    """The pod template's spec."""
    spec: Manifest = manifest["spec"]["template"]["spec"]
    return spec


def names(manifest: Manifest) -> list[str]:
    """Of the containers."""
    return [container["name"] for container in pod(manifest)["containers"]]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("a container by its name", ["a", "b", "c"]),
        ("a new container stands first", ["new", "a", "b", "c"]),
        ("a new container where the order says", ["a", "new", "b", "c"]),
        ("another order alone", ["c", "b", "a"]),
        ("a container is deleted", ["a", "c"]),
        ("a container that is not there is deleted", ["a", "b", "c"]),
        ("all containers are replaced", ["z"]),
    ],
)
def test_which_containers_there_are_and_in_which_order(case: str, expected: list[str]) -> None:
    """Those of the patch in its order, the others as they stood."""
    assert names(merged(CASES[case])) == expected


@pytest.mark.parametrize(
    ("case", "field", "expected"),
    [
        ("a variable by its name", "env", [{"name": "ONE", "value": "a"}, {"name": "TWO", "value": "3"}]),
        ("a variable is deleted", "env", [{"name": "TWO", "value": "2"}]),
        ("a port by its number", "ports", [{"containerPort": 80, "protocol": "TCP", "name": "http"}]),
        ("a second port", "ports", [{"containerPort": 81}, {"containerPort": 80, "protocol": "TCP"}]),
        ("arguments are one value", "args", ["--new"]),
    ],
)
def test_lists_of_a_container(case: str, field: str, expected: list[Any]) -> None:
    """Each is merged by a key of its own, or is one value."""
    assert pod(merged(CASES[case]))["containers"][0][field] == expected


def test_a_container_that_is_patched_keeps_its_other_fields() -> None:
    """A patch names what it changes."""
    _, before, _ = pod(deployment())["containers"]
    _, after, _ = pod(merged(CASES["a container by its name"]))["containers"]
    assert after == {**before, "image": "b:2"}


def test_keys_that_are_not_retained_go() -> None:
    """Where one kind of thing takes the place of another."""
    assert merged(CASES["another strategy"])["spec"]["strategy"] == {"type": "Recreate"}
    assert pod(merged(CASES["a volume of another kind"]))["volumes"] == [
        {"name": "scratch", "configMap": {"name": "c"}}
    ]


def test_primitives_are_added_once_and_taken_out() -> None:
    """Finalizers are a set."""
    assert merged(CASES["finalizers are a set"])["metadata"]["finalizers"] == ["x/one", "x/two", "x/three"]
    assert merged(CASES["a finalizer is taken out"])["metadata"]["finalizers"] == ["x/two"]


def test_what_a_schema_does_not_know_is_one_value() -> None:
    """As in a merge patch."""
    assert strategically_merged({"items": [1]}, {"items": [2]}, {}) == {"items": [2]}


def test_directives_are_never_stored() -> None:
    """They say what to do, and are no fields."""
    for patch in CASES.values():
        assert "$" not in str(merged(patch))


def test_nothing_that_was_given_is_changed() -> None:
    """Manifests are shared."""
    for patch in CASES.values():
        given, schema = copy.deepcopy(patch), schema_of("Deployment")
        assert schema is not None
        before = deployment()
        strategically_merged(before, given, schema)
        assert given == patch
        assert before == deployment()


@pytest.mark.parametrize("case", REFUSED)
def test_a_patch_that_contradicts_itself_is_refused(case: str) -> None:
    """With a message, as the server's 400 has one."""
    with pytest.raises(StrategicPatchInvalid, match=r"\w"):
        merged(REFUSED[case])
