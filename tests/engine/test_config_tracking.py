from __future__ import annotations

import base64
from itertools import groupby
from typing import Any

import pytest

from rollouts.api.ownership import CONFIG_COPIES_ANNOTATION, TRACKING_ANNOTATION
from rollouts.api.resources import CANARIES, CONFIG_MAPS, DEPLOYMENTS, SECRETS, Manifest, ObjectKey, Resource
from rollouts.api.status import ConditionType, Phase
from rollouts.core.measurement import Value
from rollouts.engine.interest import interested
from rollouts.errors import Conflict
from rollouts.ports import Apply, CopyContent, Write
from rollouts.workloads.config_refs import references
from tests.engine.world import (
    KEY,
    NAMESPACE,
    PRIMARY_KEY,
    SUCCESS_RATE,
    Crash,
    World,
    canary_manifest,
    deployment_manifest,
)

SETTINGS = ObjectKey(NAMESPACE, "settings")
PASSWORD = ObjectKey(NAMESPACE, "password")


def config_map(text: str = "old", name: str = "settings", **more: Any) -> Manifest:
    """A ConfigMap with one key."""
    return _object(CONFIG_MAPS, name) | {"data": {"MODE": text}} | more


def secret(text: str = "old", name: str = "password") -> Manifest:
    """A Secret with one key."""
    return _object(SECRETS, name) | {"type": "Opaque", "data": _encoded(text)}


def _object(resource: Resource, name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": resource.kind, "metadata": {"name": name, "namespace": NAMESPACE}}


def _encoded(text: str) -> dict[str, str]:
    return {"PASSWORD": base64.b64encode(text.encode()).decode()}


def template(image: str = "app:1", *, optional: bool = False) -> Manifest:
    """Pods that take environment from both."""
    sources = [
        {"configMapRef": {"name": "settings", "optional": optional}},
        {"secretRef": {"name": "password", "optional": optional}},
    ]
    container = {"name": "app", "image": image, "envFrom": sources}
    return {"metadata": {"labels": {"app": "app"}}, "spec": {"containers": [container]}}


BOTH = ((CONFIG_MAPS, config_map()), (SECRETS, secret()))


def world_with(*others: tuple[Resource, Manifest], **spec: Any) -> World:
    """A Canary whose target refers to `settings` and `password`."""
    canary = canary_manifest()
    canary["spec"] |= spec
    return World(canary=canary, deployment=deployment_manifest(template=template()), others=others)


async def initialized(**spec: Any) -> World:
    """At rest, with both there; by then the canary is at zero."""
    world = world_with(*BOTH, **spec)
    await world.run_until(lambda: world.status.phase is Phase.INITIALIZED and world.replicas() == 0)
    world.weights.clear()
    return world


def named(world: World, key: ObjectKey, resource: Resource) -> list[ObjectKey]:
    """The objects of a kind that a Deployment's pods refer to."""
    refs = references(world.get(DEPLOYMENTS, key)["spec"]["template"])
    return [ObjectKey(NAMESPACE, ref.name) for ref in refs if ref.kind == resource.kind]


def read_by(world: World, key: ObjectKey, resource: Resource = CONFIG_MAPS) -> list[Any]:
    """What these objects hold."""
    return [world.get(resource, one).get("data") for one in named(world, key, resource)]


def copies(world: World, resource: Resource) -> list[str]:
    """The names of all objects of a kind that are the controller's."""
    return sorted(
        manifest["metadata"]["name"] for manifest in world.cluster.server.all_of(resource)
        if "labels" in manifest["metadata"]
    )  # fmt: skip


def change(world: World, resource: Resource, key: ObjectKey, text: str) -> None:
    """The user gives one of both another content."""
    world.cluster.edit(resource, key, {"data": {"MODE": text} if resource == CONFIG_MAPS else _encoded(text)})


def release(world: World) -> None:
    """The user rolls out another image that reads the same."""
    world.cluster.edit(DEPLOYMENTS, KEY, {"spec": {"template": template("app:2")}})


async def test_the_primary_reads_copies_and_the_users_objects_stay() -> None:
    """Immutable, labelled, owned by nobody; the target goes on to read its own."""
    world = await initialized()

    assert named(world, KEY, CONFIG_MAPS) == [SETTINGS]
    assert read_by(world, PRIMARY_KEY) == [{"MODE": "old"}]
    assert read_by(world, PRIMARY_KEY, SECRETS) == [_encoded("old")]
    for resource, original in ((CONFIG_MAPS, SETTINGS), (SECRETS, PASSWORD)):
        (key,) = named(world, PRIMARY_KEY, resource)
        copy, metadata = world.get(resource, key), world.get(resource, key)["metadata"]
        assert key.name.startswith(f"{original.name}-app-primary-")
        assert copy["immutable"]
        assert "ownerReferences" not in metadata
        assert metadata["annotations"] == {"rollouts.dev/copy-of": original.name}
        assert "labels" not in world.get(resource, original)["metadata"]


@pytest.mark.parametrize(
    ("resource", "change_of"),
    [
        pytest.param(CONFIG_MAPS, {"data": {"MODE": "new"}}, id="a ConfigMap"),
        pytest.param(CONFIG_MAPS, {"binaryData": {"KEY": "AAEC"}}, id="binaryData"),
        pytest.param(SECRETS, {"data": _encoded("new")}, id="a Secret"),
    ],
)
async def test_a_change_of_configuration_alone_is_released(resource: Resource, change_of: Manifest) -> None:
    """While it runs the canary reads the new content and the primary the old one; then both the new, and no copy is
    left of the old.
    """
    world = await initialized()
    user, (old,) = world.get(resource, SETTINGS if resource == CONFIG_MAPS else PASSWORD), copies(world, resource)
    world.cluster.edit(resource, ObjectKey.of(user), change_of)

    await world.run_until(lambda: world.weight == 20)

    meant = {field: world.get(resource, ObjectKey.of(user)).get(field) for field in ("data", "binaryData")}
    (key,) = named(world, PRIMARY_KEY, resource)
    assert {field: world.get(resource, key).get(field) for field in meant} == {
        "data": user["data"], "binaryData": None,
    }  # fmt: skip
    assert named(world, KEY, resource) == [ObjectKey.of(user)]

    await world.run_until(lambda: world.status.phase is Phase.SUCCEEDED and world.status.drained)

    (key,) = named(world, PRIMARY_KEY, resource)
    assert {field: world.get(resource, key).get(field) for field in meant} == meant
    assert copies(world, resource) == [key.name] != [old]
    assert [weight for _, weight in world.weights] == [20, 50, 0]


async def test_a_secret_is_seen_again_within_the_resync() -> None:
    """Nobody says that it has changed: it is read every configResync."""
    world = await initialized(configResync="90s")
    change(world, SECRETS, PASSWORD, "new")
    before_s = world.clock.elapsed_s

    await world.run_until(lambda: world.status.phase is Phase.PROGRESSING)

    assert world.clock.elapsed_s - before_s <= 90


async def test_without_secrets_nothing_is_asked_at_rest() -> None:
    """A Canary that tracks ConfigMaps alone rests like any other."""
    world = await initialized(configTracking="configMaps")

    assert await world.settle() is None
    assert copies(world, SECRETS) == []
    assert named(world, PRIMARY_KEY, SECRETS) == [PASSWORD]
    assert world.status.secrets_read is None


async def test_with_tracking_off_the_primary_reads_the_users_objects() -> None:
    """And a change is no news."""
    world = await initialized(configTracking="none")
    change(world, CONFIG_MAPS, SETTINGS, "new")

    assert await world.settle() is None
    assert world.status.phase is Phase.INITIALIZED
    assert named(world, PRIMARY_KEY, CONFIG_MAPS) == [SETTINGS]


@pytest.mark.parametrize("resource", [CONFIG_MAPS, SECRETS], ids=str)
async def test_an_object_that_opts_out_is_left_alone(resource: Resource) -> None:
    """The primary reads it as it is, and a change of it is no news."""
    disabled = {"annotations": {TRACKING_ANNOTATION: "disabled"}}
    world = world_with(*BOTH, configResync="30s")
    world.cluster.edit(resource, SETTINGS if resource == CONFIG_MAPS else PASSWORD, {"metadata": disabled})
    await world.run_until(lambda: world.status.phase is Phase.INITIALIZED and world.replicas() == 0)
    key = SETTINGS if resource == CONFIG_MAPS else PASSWORD
    change(world, resource, key, "new")

    await world.settle()
    world.clock.advance(60.0)
    await world.settle()

    assert named(world, PRIMARY_KEY, resource) == [key]
    assert copies(world, resource) == []
    assert world.status.phase is Phase.INITIALIZED


async def test_optional_references_to_what_is_absent_count_for_nothing() -> None:
    """When the object appears it is released, and until then the primary does not read it."""
    world = World(deployment=deployment_manifest(template=template(optional=True)))
    await world.run_until(lambda: world.status.phase is Phase.INITIALIZED and world.replicas() == 0)
    promoted = world.status.last_promoted_spec
    assert named(world, PRIMARY_KEY, CONFIG_MAPS) != [SETTINGS]
    world.cluster.put(CONFIG_MAPS, config_map("new"))

    await world.run_until(lambda: world.weight == 20)
    assert all(world.cluster.stored(CONFIG_MAPS, key) is None for key in named(world, PRIMARY_KEY, CONFIG_MAPS))
    await world.run_until_phase(Phase.SUCCEEDED)

    assert read_by(world, PRIMARY_KEY) == [{"MODE": "new"}]
    assert world.status.last_promoted_spec != promoted


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        (0, "ConfigMap shop/settings, which Deployment app refers to, does not exist: create it, or make"),
        (1, "Secret shop/password, which Deployment app refers to, does not exist: create it, or make the reference"),
    ],
    ids=["a ConfigMap", "a Secret"],
)
async def test_what_pods_need_and_is_absent_blocks_the_start(missing: int, says: str) -> None:
    """It is named with the way out; once it is there the Canary goes on."""
    world = world_with(BOTH[1 - missing])
    await world.settle()

    ready = world.condition(ConditionType.READY)
    assert (ready.status, ready.reason) == ("False", "ConfigNotFound")
    assert says in ready.message
    assert world.cluster.stored(DEPLOYMENTS, PRIMARY_KEY) is None

    world.cluster.put(*BOTH[missing])
    await world.run_until_phase(Phase.INITIALIZED)


async def test_a_missing_object_does_not_hold_up_a_rollback() -> None:
    """Deleted in mid-run it takes the traffic away, and the deadline ends the run."""
    world = await initialized(progressDeadlineSeconds=60)
    release(world)
    await world.run_until(lambda: world.weight == 20)
    world.cluster.delete(CONFIG_MAPS, SETTINGS)

    await world.settle()
    assert world.weight == 0
    await world.run_until_phase(Phase.FAILED)

    assert read_by(world, PRIMARY_KEY) == [{"MODE": "old"}]


async def test_a_secret_that_may_not_be_read_is_named() -> None:
    """With the right that lacks and how to do without; nothing is made."""
    world = world_with(*BOTH)
    world.secrets.forbidden = True
    await world.settle()

    ready = world.condition(ConditionType.READY)
    assert ready.reason == "SecretUnreadable"
    assert "Secret shop/password" in ready.message
    assert "grant the controller's account get on secrets, see deploy/base/rbac.yaml" in ready.message
    assert world.cluster.stored(DEPLOYMENTS, PRIMARY_KEY) is None


async def test_rights_are_asked_for_where_they_are_needed() -> None:
    """A target without configuration needs none on it."""
    rules = {"verbs": ["*"], "apiGroups": ["apps", "networking.istio.io", "rollouts.dev"], "resources": ["*"]}
    core = {"verbs": ["*"], "apiGroups": [""], "resources": ["services", "events"]}
    world = world_with(*BOTH)
    world.cluster.rules = [rules, core]
    await world.settle()
    message = world.condition(ConditionType.READY).message
    assert "may not get configmaps, create configmaps, patch configmaps, delete configmaps, get secrets" in message

    plain = World()
    plain.cluster.rules = [rules, core]
    await plain.run_until_phase(Phase.INITIALIZED)


@pytest.mark.parametrize("resource", [CONFIG_MAPS, SECRETS], ids=str)
async def test_a_change_in_mid_run_replaces_the_pods_first(resource: Resource) -> None:
    """Weight away, pods to zero, pods back, and only then the first step; the user's template stays as it is."""
    world = await initialized(configResync="10s")
    release(world)
    await world.run_until(lambda: world.weight == 20)
    before = world.get(DEPLOYMENTS, KEY)["spec"]["template"]
    first, sizes = world.status.last_applied_spec, list[tuple[int | None, int]]()
    world.cluster.after = lambda _write: sizes.append((world.weight, world.replicas()))
    change(world, resource, SETTINGS if resource == CONFIG_MAPS else PASSWORD, "new")

    await world.run_until(lambda: world.status.last_applied_spec != first)
    await world.run_until(lambda: world.weight == 20 and world.status.step_index == 1)

    assert [size for size, _ in groupby(sizes)] == [(20, 3), (0, 3), (0, 0), (0, 3), (20, 3)]
    assert world.get(DEPLOYMENTS, KEY)["spec"]["template"] == before
    assert not world.status.replacing
    await world.run_until_phase(Phase.SUCCEEDED)


async def test_going_back_in_mid_run_ends_it() -> None:
    """The content that is promoted is nothing to release; and when it was never at work, nothing of it is left."""
    world = await initialized()
    change(world, CONFIG_MAPS, SETTINGS, "new")
    await world.run_until(lambda: world.weight == 20)
    change(world, CONFIG_MAPS, SETTINGS, "old")

    await world.run_until(lambda: world.status.phase is Phase.SUCCEEDED and world.status.drained)

    assert world.condition(ConditionType.PROMOTED).reason == "Reverted"
    assert read_by(world, PRIMARY_KEY) == [{"MODE": "old"}]
    assert len(copies(world, CONFIG_MAPS)) == 1


async def test_bad_configuration_is_rolled_back() -> None:
    """The primary keeps what it had, and the same content is not released again."""
    world = await initialized()
    world.metrics.set(SUCCESS_RATE, Value(50.0))
    change(world, CONFIG_MAPS, SETTINGS, "bad")

    await world.run_until(lambda: world.status.phase is Phase.FAILED and world.replicas() == 0)

    assert world.weight == 0
    assert read_by(world, PRIMARY_KEY) == [{"MODE": "old"}]
    world.metrics.set(SUCCESS_RATE, Value(100.0))
    change(world, CONFIG_MAPS, SETTINGS, "good")
    await world.run_until_phase(Phase.SUCCEEDED)
    assert read_by(world, PRIMARY_KEY) == [{"MODE": "good"}]


@pytest.mark.parametrize("resource", [CONFIG_MAPS, SECRETS], ids=str)
async def test_what_changes_between_judgement_and_copy_is_not_copied(resource: Resource) -> None:
    """In the very instant of the copy: the primary keeps what it has, and the newest content is released."""
    world = await initialized(configResync="30s")

    def interfere(write: Write) -> None:
        if isinstance(write, CopyContent) and write.resource == resource:
            world.cluster.before = lambda _write: None
            change(world, resource, write.source, "unproven")

    world.cluster.before = interfere
    for kind, key in ((CONFIG_MAPS, SETTINGS), (SECRETS, PASSWORD)):
        change(world, kind, key, "new")
    with pytest.raises(Conflict, match="has changed since it was looked at"):
        await world.run_until_phase(Phase.SUCCEEDED)

    old = {"MODE": "old"} if resource == CONFIG_MAPS else _encoded("old")
    assert read_by(world, PRIMARY_KEY, resource) == [old]
    world.weights.clear()
    world.clock.advance(5.0)
    await world.run_until_phase(Phase.SUCCEEDED)
    assert [weight for _, weight in world.weights] == [0, 20, 50, 0]
    assert read_by(world, PRIMARY_KEY, resource) == read_by(world, KEY, resource) != [old]


async def test_copies_come_before_the_template_that_names_them() -> None:
    """Make before break: at each write, whatever the primary names exists."""
    world = await initialized()

    def check(write: Write) -> None:
        if isinstance(write, Apply) and write.manifest["metadata"]["name"] == PRIMARY_KEY.name:
            for ref in references(write.manifest["spec"]["template"]):
                assert world.cluster.stored(ref.resource, ObjectKey(NAMESPACE, ref.name)) is not None

    world.cluster.before = check
    change(world, CONFIG_MAPS, SETTINGS, "new")
    await world.run_until_phase(Phase.SUCCEEDED)


async def test_a_crash_at_any_write_leaves_nothing_behind() -> None:
    """Every write of a release dies once after it took effect: in the end the same objects are there."""
    world = await initialized()
    seen = set[str]()

    def die(write: Write) -> None:
        if isinstance(write, Apply | CopyContent) or write.resource in {DEPLOYMENTS, CONFIG_MAPS, SECRETS}:
            told = f"{type(write).__name__} {write.resource}"
            if told not in seen:
                seen.add(told)
                raise Crash

    world.cluster.after = die
    release(world)
    change(world, CONFIG_MAPS, SETTINGS, "new")
    change(world, SECRETS, PASSWORD, "new")
    await world.run_until(lambda: world.status.phase is Phase.SUCCEEDED and world.replicas() == 0)

    assert {"CopyContent configmaps", "CopyContent secrets", "Discard secrets"} <= seen
    assert read_by(world, PRIMARY_KEY) == [{"MODE": "new"}]
    assert read_by(world, PRIMARY_KEY, SECRETS) == [_encoded("new")]
    assert len(copies(world, CONFIG_MAPS)) == len(copies(world, SECRETS)) == 1


async def test_what_is_in_a_secret_is_told_to_nobody() -> None:
    """Neither in the status, nor in Events, nor in the name of a copy, nor in the primary."""
    world = await initialized(configResync="10s")
    change(world, SECRETS, PASSWORD, "hunter2hunter2")
    await world.run_until_phase(Phase.SUCCEEDED)

    for text in ("hunter2", *_encoded("hunter2hunter2").values()):
        assert text not in str(world.get(CANARIES))
        assert text not in str(world.get(DEPLOYMENTS, PRIMARY_KEY))
        assert text not in str([world.events(), world.cluster.writes])
    assert _encoded("hunter2hunter2") in read_by(world, PRIMARY_KEY, SECRETS)


async def test_deletion_takes_the_copies_and_nothing_else() -> None:
    """What the user made stays, and another's object under a listed name too."""
    world = await initialized()
    others = world.get(SECRETS, PASSWORD), world.get(CONFIG_MAPS, SETTINGS)
    listed = world.get(DEPLOYMENTS, PRIMARY_KEY)["metadata"]["annotations"][CONFIG_COPIES_ANNOTATION]
    patch = {"metadata": {"annotations": {CONFIG_COPIES_ANNOTATION: f"{listed} Secret/password"}}}
    world.cluster.edit(DEPLOYMENTS, PRIMARY_KEY, patch)
    world.cluster.delete(CANARIES, KEY)

    await world.run_until(lambda: world.cluster.stored(CANARIES, KEY) is None)

    assert copies(world, CONFIG_MAPS) == copies(world, SECRETS) == []
    assert (world.get(SECRETS, PASSWORD), world.get(CONFIG_MAPS, SETTINGS)) == others


async def test_a_copy_that_somebody_deletes_is_made_again() -> None:
    """While its original still has that content."""
    world = await initialized()
    (key,) = named(world, PRIMARY_KEY, CONFIG_MAPS)
    world.cluster.delete(CONFIG_MAPS, key)

    await world.settle()

    assert world.get(CONFIG_MAPS, key)["data"] == {"MODE": "old"}


async def test_only_canaries_that_refer_to_a_config_map_are_woken() -> None:
    """A leader election beside them wakes nobody; nor does the beat of one that is referred to."""
    world = await initialized()
    changed = list[ObjectKey]()
    world.cluster.on_change = lambda resource, key: changed.append(key) if resource == CONFIG_MAPS else None
    world.cluster.put(CONFIG_MAPS, config_map(name="leader"))

    assert changed == [ObjectKey(NAMESPACE, "leader")]
    assert list(interested(world.cluster, CONFIG_MAPS, changed[0])) == []
    assert list(interested(world.cluster, CONFIG_MAPS, SETTINGS)) == [KEY]
    world.cluster.edit(CONFIG_MAPS, changed[0], {"metadata": {"annotations": {"leader": "me"}}})
    assert len(changed) == 1


async def test_another_process_goes_on_with_the_digests_of_the_status() -> None:
    """After a restart the Secret is unread, and the revision is still the same."""
    world = await initialized()
    release(world)
    await world.run_until(lambda: world.weight == 20)
    applied = world.status.last_applied_spec
    world.restart()

    await world.run_until_phase(Phase.SUCCEEDED)

    assert world.status.last_promoted_spec == applied
    assert [weight for _, weight in world.weights] == [20, 50, 0]
