"""Secrets as the operator lets them be read: one by one, followed as well, or not at all."""

from __future__ import annotations

import asyncio

import pytest

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import CANARIES, DEPLOYMENTS, SECRETS, Manifest, ObjectKey, Resource
from rollouts.api.status import ConditionType, Phase
from rollouts.core.measurement import Answer, SecretProbe, Value
from rollouts.engine.ask import Ways
from rollouts.engine.calling import Caller
from rollouts.engine.exchange import Exchange
from rollouts.engine.queue import KeyQueue
from rollouts.engine.subject import Subject
from rollouts.engine.supervisor import wake_readers
from rollouts.ports import CopyContent
from tests.engine.test_config_tracking import BOTH, PASSWORD, change, initialized, read_by, release, secret, world_with
from tests.engine.world import KEY, PRIMARY_KEY, SUCCESS_RATE, World, canary_manifest, deployment_manifest

GATE = "http://gate.test/"


def follow_secrets(world: World) -> KeyQueue:
    """As the program does with `ROLLOUTS_SECRETS=watch`; the queue that it fills."""
    queue, heard = KeyQueue(world.clock), world.cluster.on_change
    world.cluster.view.follows_secrets = True
    world.cluster.view.list_again(SECRETS)

    def on_change(resource: Resource, key: ObjectKey) -> None:
        if resource == SECRETS:
            wake_readers(world.cluster, queue, world.exchange, key)
        heard(resource, key)

    world.cluster.on_change = on_change
    return queue


@pytest.mark.parametrize(("follows", "within_s"), [(True, (0.0, 5.0)), (False, (240.0, 301.0))], ids=["watch", "get"])
async def test_when_a_change_of_a_secret_begins_a_release(*, follows: bool, within_s: tuple[float, float]) -> None:
    """Followed, at once; else with the next look, every five minutes if not set otherwise."""
    world = await initialized()
    if follows:
        follow_secrets(world)
    before, began_s = world.status.last_applied_spec, world.clock.elapsed_s
    change(world, SECRETS, PASSWORD, "new")
    await world.run_until(lambda: world.status.last_applied_spec != before)

    assert within_s[0] <= world.clock.elapsed_s - began_s <= within_s[1]
    await world.run_until_phase(Phase.SUCCEEDED)
    assert read_by(world, PRIMARY_KEY, SECRETS) == [secret("new")["data"]]


async def test_others_are_not_woken() -> None:
    """A Secret that no target refers to, or one of that name elsewhere, is nobody's."""
    world = await initialized()
    queue = follow_secrets(world)
    world.cluster.put(SECRETS, secret(name="other"))
    elsewhere = secret()
    elsewhere["metadata"]["namespace"] = "elsewhere"
    world.cluster.put(SECRETS, elsewhere)
    assert len(queue) == 0
    change(world, SECRETS, PASSWORD, "new")
    assert len(queue) == 1


async def test_an_answer_that_was_under_way_when_it_changed_does_not_count() -> None:
    """What was read before is old: only what is read afterwards is told."""
    world = await initialized()
    canary, probe, key = world.get(CANARIES), SecretProbe(PASSWORD.name), KEY
    subject = Subject(canary, Owner.of(canary), CanarySpec.model_validate(canary["spec"]))
    read, go_on = world.secrets.manifest, asyncio.Event()

    async def slowly(namespace: str, name: str) -> Manifest | None:
        found = await read(namespace, name)
        await go_on.wait()
        return found

    def told() -> list[Answer]:
        return [sample.outcome for sample in world.exchange.heard(key).samples if sample.probe == probe]

    async with asyncio.TaskGroup() as tasks:
        ways = Ways(world.cluster, world.metrics, Caller(world.hooks, world.secrets), world.secrets)
        world.exchange = Exchange(ways, world.clock, tasks.create_task, lambda _key: None)
        world.exchange.ask(key, [probe], subject)
        await asyncio.sleep(0)
        old = told()
        world.secrets.manifest = slowly  # type: ignore[method-assign]
        world.exchange.secret_changed(key, PASSWORD.name)
        world.exchange.ask(key, [probe], subject)
        await asyncio.sleep(0)
        change(world, SECRETS, PASSWORD, "new")
        world.exchange.secret_changed(key, PASSWORD.name)
        go_on.set()
        await asyncio.sleep(0.01)
        assert told() == []
        world.exchange.ask(key, [probe], subject)
    assert len(told()) == 1
    assert told() != old


def switched_off(world: World) -> World:
    """No Secret may be read, and the account has no right to any."""
    world.secrets_off = True
    world.secrets.forbidden = True
    everything = {"verbs": ["*"], "apiGroups": ["apps", "networking.istio.io", "rollouts.dev"], "resources": ["*"]}
    core = {"verbs": ["*"], "apiGroups": [""], "resources": ["services", "events", "configmaps"]}
    world.cluster.rules = [everything, core]
    world.restart()
    return world


async def test_switched_off_a_canary_that_needs_one_is_told_what_to_set() -> None:
    """The Secret, the value of the chart, the variable, and how to do without; nothing is made."""
    world = switched_off(world_with(*BOTH))
    await world.settle()
    ready = world.condition(ConditionType.READY)
    assert (ready.status, ready.reason) == ("False", "SecretsOff")
    assert ready.message == (
        "Secret shop/password, which Deployment app refers to, is not read. Secrets are switched off: set "
        "secrets.enabled=true in the Helm chart, or ROLLOUTS_SECRETS=get and the rule for secrets of "
        "deploy/base/rbac.yaml; or spec.configTracking: configMaps in the Canary"
    )
    assert world.events() == [("SecretsOff", ready.message)]
    assert world.cluster.stored(DEPLOYMENTS, PRIMARY_KEY) is None

    world.cluster.edit(CANARIES, KEY, {"spec": {"configTracking": "configMaps"}})
    await world.run_until_phase(Phase.INITIALIZED)


async def test_switched_off_others_go_on() -> None:
    """A target without Secrets needs no right to any; nothing is missed."""
    world = switched_off(World(deployment=deployment_manifest()))
    await world.initialize()
    world.release()
    await world.run_until_phase(Phase.SUCCEEDED)
    assert not [write for write in world.cluster.writes if isinstance(write, CopyContent)]


async def test_switched_off_a_canary_whose_hook_needs_one_is_told_too() -> None:
    """The hook, the Secret, and the value to set; the hook is not called."""
    header = {"name": "Authorization", "secretKeyRef": {"name": "gate", "key": "token"}}
    hook = {"name": "gate", "type": "confirm-rollout", "url": GATE, "headersFrom": [header]}
    world = switched_off(World(canary=canary_manifest(webhooks=[hook])))
    await world.settle()
    ready = world.condition(ConditionType.READY)
    assert ready.reason == "SecretsOff"
    assert ready.message.startswith("webhook gate needs Secret shop/gate, which is not read. Secrets are switched off")
    assert "set secrets.enabled=true in the Helm chart" in ready.message
    world.release()
    await world.settle()
    assert world.hooks.received == []


async def test_switched_off_in_mid_run_nothing_goes_on_but_a_rollback() -> None:
    """What the canary reads is not known any more: the weight stays; a bad version is taken back all the same."""
    world = await initialized()
    release(world)
    await world.run_until(lambda: world.weight == 20)
    switched_off(world)
    for _ in range(10):
        world.clock.advance(10.0)
        await world.settle()
    assert (world.weight, world.status.phase) == (20, Phase.PROGRESSING)
    assert world.condition(ConditionType.READY).reason == "SecretsOff"
    world.metrics.set(SUCCESS_RATE, Value(50.0))
    await world.run_until_phase(Phase.FAILED)
    assert world.weight == 0
