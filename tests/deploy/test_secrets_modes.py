"""The rights to Secrets that the chart gives in each mode, on a real API server: what the program can do with them."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from e2e.play.logs import read_audit
from rollouts.api.resources import CANARIES, DEPLOYMENTS, SECRETS, SERVICES, Manifest, ObjectKey, Resource
from rollouts.api.status import ConditionType, Phase
from rollouts.errors import Forbidden
from rollouts.kube.cluster import KubeCluster, stores_for
from rollouts.kube.connect import read_clock
from rollouts.kube.requests import list_page, watch
from rollouts.kube.secrets import KubeSecrets
from rollouts.kube.transport import Transport
from tests.deploy.manifests import find
from tests.deploy.test_helm import render_chart
from tests.engine.swap_world import service
from tests.engine.world import canary_manifest, deployment_manifest
from tests.kube.kubectl import kubectl_json, run_kubectl
from tests.kube.release_world import RealWorld, real_world
from tests.kube.test_real_server import PACE, connect, real, space
from tests.kube.waiting import running, until

__all__ = ["real", "space"]
pytestmark = [pytest.mark.kube, pytest.mark.timeout(180)]

CONTENT = base64.b64encode(b"hunter2").decode()
MODES = {"get": (), "watch": ("--set=secrets.watch=true",), "none": ("--set=secrets.enabled=false",)}
ROLE = "clusterrole/rollouts-controller"
Account = Callable[[str], Any]


def applied(manifest: Manifest) -> None:
    """By the administrator, as kubectl does it: so the content stands in an annotation as well."""
    done = run_kubectl("apply", "-f", "-", manifest=manifest)
    assert done.returncode == 0, done.stderr


def secret(space: str, content: str = CONTENT) -> Manifest:
    """As a user applies it."""
    metadata = {"name": "password", "namespace": space}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"PASSWORD": content}}


@pytest.fixture
async def as_account(space: str) -> AsyncIterator[Account]:
    """The transport of an account that has the chart's rights of a mode in the namespace."""
    opened: list[Transport] = []

    async def account(mode: str) -> Transport:
        role = find(render_chart(*MODES[mode]), "ClusterRole")
        api, user = "rbac.authorization.k8s.io", f"{space}-{mode}"
        kind = {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": {"name": "it", "namespace": space}}
        applied(kind | {"rules": [rule for rule in role["rules"] if "" in rule["apiGroups"]]})
        subject = {"kind": "User", "name": user, "apiGroup": api}
        ref = {"kind": "Role", "name": "it", "apiGroup": api}
        applied(kind | {"kind": "RoleBinding", "subjects": [subject], "roleRef": ref})
        opened.append(await connect(user=user))
        return opened[-1]

    applied(secret(space))
    yield account
    for transport in opened:
        await transport.close()


async def followed(transport: Transport, space: str, heard: list[ObjectKey]) -> KubeCluster:
    """Secrets of that namespace, as the program follows them."""

    def on_change(_resource: Resource, key: ObjectKey) -> None:
        heard.append(key)

    stores = stores_for([SECRETS], on_change=on_change, namespace=space)
    clock = await read_clock(transport, time.monotonic)
    return KubeCluster(transport, stores, clock=clock, random=Random(1), pace=PACE)


async def test_watched_a_change_is_heard_at_once_and_no_content_is_sent(as_account: Account, space: str) -> None:
    """Metadata alone is listed and watched, and little of it kept: an annotation of kubectl repeats the content."""
    transport = await as_account("watch")
    heard: list[ObjectKey] = []
    cluster, key = await followed(transport, space, heard), ObjectKey(space, "password")
    async with running(cluster.run()):
        await cluster.wait_synced()
        assert cluster.trouble(SECRETS) == ""
        heard.clear()
        began_s = time.monotonic()
        applied(secret(space, base64.b64encode(b"hunter3").decode()))
        await until(lambda: key in heard)
        assert time.monotonic() - began_s < 3.0
        kept = cluster.read(SECRETS, key)
        assert kept is not None
        assert kept.keys() == {"apiVersion", "kind", "metadata", "changedAt"}
        assert kept["metadata"].keys() == {"name", "namespace", "uid", "resourceVersion"}
    assert await KubeSecrets(transport).secret(space, "password") == {"PASSWORD": b"hunter3"}
    listed = (await transport.send(list_page(SECRETS, namespace=space))).manifest()
    assert [item["metadata"]["name"] for item in listed["items"]] == ["password"]
    assert not [item for item in listed["items"] if "data" in item]
    request = watch(SECRETS, namespace=space, resource_version="0", timeout_s=1)
    async with transport.stream(request, silence_limit_s=5) as lines:
        told = [line async for line in lines]
    assert told
    assert not [line for line in told if b'"data":{' in line.replace(b'\\"', b"")]


async def test_with_the_shipped_rights_they_are_read_by_name_alone(as_account: Account, space: str) -> None:
    """Told to watch all the same the program says which right it lacks, and goes on reading."""
    transport = await as_account("get")
    cluster = await followed(transport, space, [])
    async with running(cluster.run()):
        await asyncio.wait_for(cluster.wait_synced(), 10)
        assert "secrets" in cluster.trouble(SECRETS)
        assert "list" in cluster.trouble(SECRETS)
    assert await KubeSecrets(transport).secret(space, "password") == {"PASSWORD": b"hunter2"}


async def test_switched_off_the_account_can_read_none(as_account: Account, space: str) -> None:
    """Neither by name nor all together."""
    transport = await as_account("none")
    with pytest.raises(Forbidden):
        await KubeSecrets(transport).secret(space, "password")
    with pytest.raises(Forbidden):
        await transport.send(list_page(SECRETS, namespace=space))


def set_rules(rules: list[dict[str, Any]]) -> None:
    """Of the role that the program has in the lab."""
    done = run_kubectl("patch", ROLE, "--type=merge", f"--patch={json.dumps({'rules': rules})}")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def mode(request: pytest.FixtureRequest) -> Iterator[str]:
    """The account has the rights that the chart gives it in that mode, until the test is over."""
    chosen: str = request.param
    before: list[dict[str, Any]] = kubectl_json("get", ROLE)["rules"]
    set_rules(find(render_chart(*MODES[chosen]), "ClusterRole")["rules"])
    yield chosen
    set_rules(before)


@asynccontextmanager
async def at_work(mode: str) -> AsyncIterator[RealWorld]:
    """The whole program, a target that refers to a Secret, and a Canary."""
    pod = {"metadata": {"labels": {"app": "app"}}, "spec": {"containers": [{"name": "app", "image": "app:1"}]}}
    pod["spec"]["containers"][0]["envFrom"] = [{"secretRef": {"name": "password"}}]  # type: ignore[index]
    async with real_world() as world:
        applied(secret(world.namespace))
        objects = (DEPLOYMENTS, deployment_manifest(template=pod)), (SERVICES, service()), (CANARIES, canary_manifest())
        await world.create(*objects)
        world.start(secrets=mode)
        yield world


def asked_of_secrets(namespace: str) -> list[str]:
    """The verbs by which the controller asked for Secrets there, as the API server's audit log has it."""
    with Path(os.environ["AUDIT_LOG"]).open(encoding="utf-8") as log:
        found = read_audit(log, since_s=0, until_s=time.time())
    return [one.verb for one in found if one.resource == "secrets" and one.namespace == namespace]


@pytest.mark.parametrize("mode", ["watch"], indirect=True)
async def test_the_program_follows_a_secret_with_the_rights_of_the_chart(mode: str) -> None:
    """A new content begins a release within seconds; the next look would come after five minutes."""
    async with at_work(mode) as world:
        await until(lambda: world.status.phase is Phase.INITIALIZED, within_s=60)
        before = world.status.last_applied_spec
        applied(secret(world.namespace, base64.b64encode(b"hunter3").decode()))
        await until(lambda: world.status.last_applied_spec != before, within_s=20)
        assert set(asked_of_secrets(world.namespace)) == {"get", "patch"}


@pytest.mark.parametrize("mode", ["none"], indirect=True)
async def test_the_program_asks_for_no_secret_where_they_are_switched_off(mode: str) -> None:
    """The condition says what to set; tracking ConfigMaps alone the Canary is prepared. No request was made."""
    async with at_work(mode) as world:

        def reasons() -> set[str]:
            return {one.reason for one in world.status.conditions if one.type == ConditionType.READY}

        await until(lambda: reasons() == {"SecretsOff"}, within_s=60)
        patch = json.dumps({"spec": {"configTracking": "configMaps"}})
        words = ("patch", "canaries.rollouts.dev", "app", f"--namespace={world.namespace}", "--type=merge")
        done = run_kubectl(*words, f"--patch={patch}")
        assert done.returncode == 0, done.stderr
        await until(lambda: world.status.phase is Phase.INITIALIZED, within_s=60)
        assert asked_of_secrets(world.namespace) == []
