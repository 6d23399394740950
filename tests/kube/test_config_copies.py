"""Copies of configuration on a real API server: the engine's writes for a primary, its promotion, and its end."""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    DESTINATION_RULES,
    SECRETS,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)
from rollouts.api.status import CanaryStatus
from rollouts.controller import WATCHED
from rollouts.core.decision import Desired, Leave
from rollouts.core.measurement import Content, Sample, SecretProbe
from rollouts.core.observed import Observed
from rollouts.core.revision import content_digest
from rollouts.core.routing import Routing
from rollouts.engine.modes import mode_of
from rollouts.engine.subject import Subject
from rollouts.errors import NotFound
from rollouts.kube.cluster import KubeCluster, stores_for
from rollouts.kube.connect import read_clock
from rollouts.kube.requests import Request, get
from rollouts.kube.secrets import KubeSecrets
from rollouts.kube.transport import Transport
from rollouts.ports import Apply, PatchStatus
from rollouts.workloads.config_refs import references
from tests.core.given import spec_of
from tests.kube.release_world import define
from tests.kube.test_real_server import PACE, connect, space
from tests.kube.waiting import running, until

pytestmark = pytest.mark.kube
__all__ = ["real", "space"]


@pytest.fixture
async def real() -> AsyncIterator[Transport]:
    """A transport with every right."""
    transport = await connect()
    yield transport
    await transport.close()


@dataclass(frozen=True, slots=True)
class Shop:
    """A namespace with a target, and the engine's part that writes for it."""

    transport: Transport
    cluster: KubeCluster
    namespace: str

    @property
    def subject(self) -> Subject:
        """The Canary, as if it were stored."""
        spec: CanarySpec = spec_of()
        manifest = {"metadata": {"name": "app", "namespace": self.namespace, "uid": "uid-of-app"}, "spec": {}}
        return Subject(manifest, Owner.of(manifest), spec)

    async def put(self, resource: Resource, name: str, **content: Any) -> None:
        """Somebody applies an object."""
        manifest = {"metadata": {"name": name, "namespace": self.namespace}, **content}
        await self.cluster.write(Apply(resource, manifest, "user"))

    async def fetch(self, resource: Resource, name: str) -> Manifest | None:
        """It is asked of the server."""
        try:
            return (await self.transport.send(get(resource, ObjectKey(self.namespace, name)))).manifest()
        except NotFound:
            return None

    async def names(self, resource: Resource) -> set[str]:
        """All copies there are."""
        request = Request("GET", resource.path(namespace=self.namespace), (), (), None, "list", str(resource))
        listed = (await self.transport.send(request)).manifest()["items"]
        return {
            item["metadata"]["name"] for item in listed if "rollouts.dev/canary" in item["metadata"].get("labels", {})
        }

    async def observe(self) -> Observed:
        """What a round sees, with the Secret read just now."""
        found = await KubeSecrets(self.transport).manifest(self.namespace, "password")
        assert found is not None
        answer = Sample(SecretProbe("password"), datetime.now(UTC), Content(content_digest(found, "uid-of-app")))
        sides = mode_of(self.subject.spec).observe(
            self.cluster, self.subject, CanaryStatus(), (answer,), deleting=False
        )
        now = datetime.now(UTC)
        return Observed(now, 1, sides.target, sides.primary, None, secrets=sides.secrets)

    async def converge(self, desired: Desired, seen: Observed | None = None) -> int:
        """Carry out what is missing; how many writes that took."""
        count = 0
        for write in mode_of(self.subject.spec).writes(
            self.cluster, self.subject, seen or await self.observe(), desired
        ):
            await self.cluster.write(write)
            count += 1
        return count

    async def grow(self) -> None:
        """Kubernetes reports the primary's pods, all of them."""
        known = self.cluster.read(DEPLOYMENTS, ObjectKey(self.namespace, "app-primary"))
        assert known is not None
        status = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 2)
        status["observedGeneration"] = known["metadata"]["generation"]
        version = known["metadata"]["resourceVersion"]
        await self.cluster.write(PatchStatus(DEPLOYMENTS, ObjectKey.of(known), version, status))

    async def read_by_primary(self) -> list[Manifest]:
        """What its template refers to, by kind."""
        primary = await self.fetch(DEPLOYMENTS, "app-primary")
        assert primary is not None
        found = [await self.fetch(ref.resource, ref.name) for ref in references(primary["spec"]["template"])]
        return [one for one in found if one is not None]


@pytest.fixture
async def shop(real: Transport, space: str) -> AsyncIterator[Shop]:
    """A target that refers to a ConfigMap and a Secret in every way there is."""
    clock = await read_clock(real, time.monotonic)
    stores = stores_for(WATCHED, on_change=lambda _resource, _key: None)
    cluster = KubeCluster(real, stores, clock=clock, random=Random(1), pace=PACE)
    for resource in (VIRTUAL_SERVICES, DESTINATION_RULES):
        await define(cluster, resource)
    shop = Shop(real, cluster, space)
    await shop.put(CONFIG_MAPS, "settings", data={"MODE": "old"}, binaryData={"KEY": "AAEC"})
    await shop.put(SECRETS, "password", data={"PASSWORD": encoded("old")}, type="Opaque")
    await shop.put(DEPLOYMENTS, "app", spec=deployment())
    async with running(cluster.run()):
        await cluster.wait_synced()
        await until(lambda: not cluster.trouble(DESTINATION_RULES), within_s=30)
        yield shop


def encoded(text: str) -> str:
    """As a Secret holds it."""
    return base64.b64encode(text.encode()).decode()


def deployment() -> Manifest:
    """The spec of the user's Deployment."""
    labels = {"app": "app"}
    environment = [
        {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "MODE"}}},
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "password", "key": "PASSWORD"}}},
    ]
    sources = [{"configMap": {"name": "settings"}}, {"secret": {"name": "password"}}]
    container = {"name": "app", "image": "app:1", "env": environment}
    init = {"name": "init", "image": "app:1", "envFrom": [{"secretRef": {"name": "password"}}]}
    volumes = [
        {"name": "a", "configMap": {"name": "settings"}}, {"name": "b", "secret": {"secretName": "password"}},
        {"name": "c", "projected": {"sources": sources}},
    ]  # fmt: skip
    pod = {"containers": [container], "initContainers": [init], "volumes": volumes}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}


COPYING = Desired(Routing(0), copy_to_primary=True, primary_replicas=2)
RESTING = Desired(Routing(0))


async def test_copies_are_made_promoted_and_swept(shop: Shop) -> None:
    """Old content until the promotion, both copies until the pods are there, then the new one alone."""
    await shop.converge(COPYING)
    await shop.grow()
    config, secret = await shop.read_by_primary()
    assert (config["data"], config["binaryData"]) == ({"MODE": "old"}, {"KEY": "AAEC"})
    assert (secret["data"], secret["type"]) == ({"PASSWORD": encoded("old")}, "Opaque")
    before = (await shop.observe()).target

    await shop.put(CONFIG_MAPS, "settings", data={"MODE": "old"}, binaryData={"KEY": "AAED"})
    await shop.put(SECRETS, "password", data={"PASSWORD": encoded("new")})
    assert before is not None
    seen = await shop.observe()
    assert seen.target is not None
    assert seen.target.revision != before.revision
    assert await shop.converge(RESTING) == 0
    assert await shop.read_by_primary() == [config, secret]

    await shop.converge(COPYING)
    config, secret = await shop.read_by_primary()
    assert (config["binaryData"], secret["data"]) == ({"KEY": "AAED"}, {"PASSWORD": encoded("new")})
    assert len(await shop.names(CONFIG_MAPS)) == len(await shop.names(SECRETS)) == 2

    await shop.grow()
    await shop.converge(RESTING)
    assert await shop.names(CONFIG_MAPS) == {config["metadata"]["name"]}
    assert await shop.names(SECRETS) == {secret["metadata"]["name"]}
    assert await shop.converge(RESTING) == 0


async def test_the_user_s_objects_outlive_the_copies(shop: Shop) -> None:
    """At the end of a Canary the copies go with the primary."""
    await shop.converge(COPYING)
    await shop.grow()
    leaving = Desired(Routing(0), leave=Leave(hand_back=True, remove=True))
    await shop.converge(leaving)

    assert await shop.names(CONFIG_MAPS) == await shop.names(SECRETS) == set()
    assert await shop.fetch(DEPLOYMENTS, "app-primary") is None
    user = await shop.fetch(SECRETS, "password"), await shop.fetch(CONFIG_MAPS, "settings")
    assert None not in user


async def test_a_copy_that_was_deleted_is_made_again(shop: Shop) -> None:
    """By the watch of ConfigMaps."""
    await shop.converge(COPYING)
    await shop.grow()
    (name,) = await shop.names(CONFIG_MAPS)
    path = CONFIG_MAPS.path(namespace=shop.namespace, name=name)
    await shop.transport.send(Request("DELETE", path, (), (), None, "delete", "configmaps"))
    await until(lambda: shop.cluster.read(CONFIG_MAPS, ObjectKey(shop.namespace, name)) is None)

    assert await shop.converge(RESTING) == 1
    assert await shop.names(CONFIG_MAPS) == {name}
