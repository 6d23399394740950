from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rollouts.api.resources import DEPLOYMENTS, Manifest, ObjectKey, Resource
from rollouts.embedded.schemas import schema_of
from rollouts.ports import Apply
from rollouts.testing.managed_fields import path_text, read, shown
from rollouts.testing.memory_apply import Manager, fields_of
from rollouts.testing.memory_refusals import ApplyConflict
from rollouts.testing.memory_server import MemoryServer
from tests.embedded.deployments import deployment

KEY = ObjectKey("default", "web")
IMAGE = ("f:spec", "f:template", "f:spec", "f:containers", 'k:{"name":"a"}', "f:image")


def schema(resource: Resource) -> Manifest | None:
    """The built-in one."""
    return schema_of(resource.kind)


@pytest.fixture
def server() -> MemoryServer:
    """A server that knows what a Deployment is made of."""
    made = MemoryServer(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    made.schema_of = schema
    return made


def apply(server: MemoryServer, manager: str, *containers: Manifest, force: bool = False) -> Manifest:
    """Of a whole Deployment with these containers."""
    intent = deployment("a")
    intent["spec"]["template"]["spec"]["containers"] = list(containers)
    return server.apply(Apply(DEPLOYMENTS, intent, manager), force=force)


def images(manifest: Manifest) -> dict[str, str]:
    """By container."""
    return {each["name"]: each.get("image", "") for each in manifest["spec"]["template"]["spec"]["containers"]}


def test_two_managers_of_one_list(server: MemoryServer) -> None:
    """Each has its container; the one that gives its own up leaves the other's."""
    apply(server, "one", {"name": "a", "image": "a:1"})
    both = apply(server, "two", {"name": "b", "image": "b:1"})
    assert images(both) == {"a": "a:1", "b": "b:1"}
    assert images(apply(server, "two", {"name": "b", "image": "b:2"})) == {"a": "a:1", "b": "b:2"}
    assert images(apply(server, "two")) == {"a": "a:1"}


def test_a_conflict_names_the_field_and_its_manager(server: MemoryServer) -> None:
    """And nothing is changed."""
    apply(server, "one", {"name": "a", "image": "a:1"})
    with pytest.raises(ApplyConflict) as refused:
        apply(server, "two", {"name": "a", "image": "a:2"})
    field = '.spec.template.spec.containers[name="a"].image'
    assert str(refused.value) == f'Apply failed with 1 conflict: conflict with "one": {field}'
    assert refused.value.causes == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": field}
    ]
    stored = server.stored(DEPLOYMENTS, KEY)
    assert stored is not None
    assert images(stored) == {"a": "a:1"}


def test_a_forced_apply_takes_the_field_over(server: MemoryServer) -> None:
    """The other's next apply of its old value is the one that is in conflict."""
    apply(server, "one", {"name": "a", "image": "a:1"})
    assert images(apply(server, "two", {"name": "a", "image": "a:2"}, force=True)) == {"a": "a:2"}
    with pytest.raises(ApplyConflict, match='"two"'):
        apply(server, "one", {"name": "a", "image": "a:1"})


def test_the_same_value_is_shared(server: MemoryServer) -> None:
    """Who applies what is there is an owner too."""
    for manager in ("one", "two"):
        apply(server, manager, {"name": "a", "image": "a:1"})
    owners = read(server.managed(DEPLOYMENTS, KEY))
    assert owners[IMAGE] == {Manager("one", "Apply"), Manager("two", "Apply")}


def test_another_write_is_another_manager(server: MemoryServer) -> None:
    """Several conflicts are told one by one."""
    apply(server, "one", {"name": "a", "image": "a:1"})
    server.edit(DEPLOYMENTS, KEY, {"spec": {"replicas": 7, "paused": True}})
    with pytest.raises(ApplyConflict) as refused:
        server.apply(
            Apply(DEPLOYMENTS, {**deployment("a"), "spec": {"replicas": 3, "paused": False}}, "one"), force=False
        )
    assert str(refused.value) == (
        'Apply failed with 2 conflicts: conflicts with "user" using apps/v1:\n- .spec.paused\n- .spec.replicas'
    )


def test_entries_are_read_as_they_are_shown(server: MemoryServer) -> None:
    """A client may take them, and write them back."""
    apply(server, "one", {"name": "a", "image": "a:1", "ports": [{"containerPort": 80}]})
    server.edit(DEPLOYMENTS, KEY, {"metadata": {"labels": {"team": "blue"}}})
    entries = server.managed(DEPLOYMENTS, KEY)
    assert [(entry["manager"], entry["operation"], entry["time"]) for entry in entries] == [
        ("one", "Apply", "2026-01-01T00:00:00Z"),
        ("user", "Update", "2026-01-01T00:00:00Z"),
    ]
    assert 'k:{"containerPort":80,"protocol":"TCP"}' in str(entries)
    owners = read(entries)
    assert owners == read(shown(owners, "apps/v1", {}))
    stored = server.stored(DEPLOYMENTS, KEY)
    assert stored is not None
    assert set(owners) == set(fields_of(stored, schema(DEPLOYMENTS)))


def test_entries_that_are_written_back_change_the_owners(server: MemoryServer) -> None:
    """As kubectl does where it applied in another way before."""
    apply(server, "one", {"name": "a", "image": "a:1"})
    entries = [{**entry, "manager": "two"} for entry in server.managed(DEPLOYMENTS, KEY)]
    server.edit(DEPLOYMENTS, KEY, {"metadata": {"managedFields": entries}})
    assert read(server.managed(DEPLOYMENTS, KEY))[IMAGE] == {Manager("two", "Apply")}
    stored = server.stored(DEPLOYMENTS, KEY)
    assert stored is not None
    assert "managedFields" not in stored["metadata"]


@pytest.mark.parametrize("containers", [[{"name": "a"}, {"name": "a", "image": "x"}], [{"image": "x"}], ["a"]])
def test_items_that_cannot_be_told_apart_are_one_value(server: MemoryServer, containers: list[Manifest]) -> None:
    """None of them is lost."""
    after = apply(server, "one", *containers)
    assert after["spec"]["template"]["spec"]["containers"] == containers


def test_an_empty_map_leaves_to_others_what_they_have_in_it(server: MemoryServer) -> None:
    """Neither as it comes nor as it goes."""
    apply(server, "one", {"name": "a", "image": "a:1"})
    header = {"metadata": {"name": "web", "namespace": "default", "annotations": {}}}
    server.edit(DEPLOYMENTS, KEY, {"metadata": {"annotations": {"team": "blue"}}})
    for intent in (header, {"metadata": {"name": "web", "namespace": "default"}}):
        after = server.apply(Apply(DEPLOYMENTS, intent, "two"))
        assert after["metadata"]["annotations"] == {"team": "blue"}


def test_paths_for_people() -> None:
    """As the server's messages write them."""
    assert path_text(IMAGE) == '.spec.template.spec.containers[name="a"].image'
    assert path_text(("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}')) == '.spec.ports[port=80,protocol="TCP"]'
    assert path_text(("f:metadata", "f:finalizers", 'v:"x/y"')) == '.metadata.finalizers[="x/y"]'
