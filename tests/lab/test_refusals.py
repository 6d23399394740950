"""Each refusal as a user meets it: the real controller, real policies, quota, scheduler and disruption budgets.

Every message names the object and the way out, and doing what it says ends the refusal.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from e2e.play.controller import Controller
from e2e.play.kubectl import apply, get_objects, kubectl
from e2e.play.waiting import until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

Json = dict[str, Any]
WITHIN_S = 60.0
DEADLINE_S = 30
LABELS = {"app": "app", "tier": "web"}


@dataclass(frozen=True, slots=True)
class Shop:
    """A namespace of one test's own, with a Deployment and a Canary on it."""

    namespace: str

    async def add(self, kind: str, api_version: str, name: str, **spec: Any) -> None:
        """An object of the user's."""
        metadata = {"name": name, "namespace": self.namespace}
        await apply({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec})

    async def deploy(self, version: str = "1", **resources: str) -> None:
        """The Deployment, in that version; `resources` are what a pod asks for."""
        variables = {"VERSION": version, "STARTUP_S": "1"}
        container = {
            "name": "app", "image": f"example.test/app:{version}", "ports": [{"name": "http", "containerPort": 8080}],
            "env": [{"name": name, "value": value} for name, value in variables.items()],
            "resources": {"requests": resources},
        }  # fmt: skip
        template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
        selector = {"matchLabels": {"app": "app"}}
        await self.add("Deployment", "apps/v1", "app", replicas=2, selector=selector, template=template)

    async def canary(self) -> None:
        """The Canary."""
        analysis = {"interval": "5s", "stepWeights": [50], "metrics": [
            {"name": "request-success-rate", "interval": "10s", "thresholdRange": {"min": 99}},
        ]}  # fmt: skip
        await self.add(
            "Canary", "rollouts.dev/v1beta1", "app",
            targetRef={"name": "app"}, service={"port": 80, "targetPort": 8080}, analysis=analysis,
            progressDeadlineSeconds=DEADLINE_S,
        )  # fmt: skip

    async def says(self, kind: str, *words: str, reason: str = "") -> str:
        """The message of a condition, once it has all these words."""

        async def look() -> str:
            conditions = (await self._canary()).get("status", {}).get("conditions", [])
            told = next((one for one in conditions if one["type"] == kind), {"reason": "", "message": ""})
            message: str = told["message"]
            fits = all(word in message for word in words) and reason in {"", told["reason"]}
            return message if fits else ""

        return await until(look, what=f"{kind} says {words}: {await self._canary()}", within_s=WITHIN_S)

    async def reaches(self, phase: str) -> None:
        """Return when the Canary is in that phase."""

        async def look() -> bool:
            return bool((await self._canary()).get("status", {}).get("phase") == phase)

        await until(look, what=f"phase {phase}: {await self._canary()}", within_s=2 * WITHIN_S)

    async def made(self) -> set[str]:
        """What bears the controller's label."""
        kinds = ["deployments", "services", "virtualservices", "destinationrules", "poddisruptionbudgets"]
        words = ("get", ",".join(kinds), f"--namespace={self.namespace}", "-l", "app.kubernetes.io/managed-by=rollouts")
        return set((await kubectl(*words, "--output=name")).split())

    async def change_canary(self, **spec: Any) -> None:
        """The user edits the Canary's spec."""
        patch = json.dumps({"spec": spec})
        words = ("patch", "canaries.rollouts.dev", "app", f"--namespace={self.namespace}", "--type=merge")
        await kubectl(*words, f"--patch={patch}")

    async def _canary(self) -> Json:
        return next(iter(await get_objects(self.namespace, ["canaries.rollouts.dev"])))


@asynccontextmanager
async def controlled() -> AsyncIterator[Shop]:
    """A namespace, and the controller at work with the rights that deploy/ gives it."""
    namespace = f"refusals-{uuid4().hex[:8]}"
    await kubectl("create", "namespace", namespace)
    controller = Controller(os.environ)
    await controller.start()
    try:
        await controller.become_ready()
        yield Shop(namespace)
    finally:
        await controller.stop()
        # Nobody is left who could give the target back: the Canary goes without.
        free = '--patch={"metadata":{"finalizers":null}}'
        await kubectl("patch", "canaries.rollouts.dev", "app", f"--namespace={namespace}", "--type=merge", free)
        await kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """As `controlled` has it."""
    async with controlled() as made:
        await made.deploy()
        yield made


POLICIES: list[tuple[str, str, str, Json]] = [
    ("NetworkPolicy", "networking.k8s.io/v1", "networkpolicy", {"podSelector": {"matchLabels": {"app": "app"}}}),
    ("AuthorizationPolicy", "security.istio.io/v1", "authorizationpolicy", {
        "selector": {"matchLabels": {"app": "app"}}, "rules": [{}]}),
    ("PeerAuthentication", "security.istio.io/v1", "peerauthentication", {
        "selector": {"matchLabels": {"app": "app"}}, "mtls": {"mode": "PERMISSIVE"}}),
    ("RequestAuthentication", "security.istio.io/v1", "requestauthentication", {
        "selector": {"matchLabels": {"app": "app"}}}),
    ("WasmPlugin", "extensions.istio.io/v1alpha1", "wasmplugin", {
        "selector": {"matchLabels": {"app": "app"}}, "url": "oci://example.test/plugin"}),
    ("Sidecar", "networking.istio.io/v1", "sidecar", {
        "workloadSelector": {"labels": {"app": "app"}}, "egress": [{"hosts": ["./*"]}]}),
    ("EnvoyFilter", "networking.istio.io/v1alpha3", "envoyfilter", {
        "workloadSelector": {"labels": {"app": "app"}}, "configPatches": []}),
]  # fmt: skip


async def test_each_policy_that_would_miss_the_copy_is_named(shop: Shop) -> None:
    """One after the other, as the user mends them; nothing is made until the last one is mended, and then all is."""
    for kind, api_version, _, spec in POLICIES:
        await shop.add(kind, api_version, "shut", **spec)
    await shop.canary()
    for kind, _, plural, _ in POLICIES:
        named = f"{kind} {shop.namespace}/shut covers the pods of Deployment app by app=app"
        message = await shop.says("Ready", named, reason="PolicyNotCovering")
        assert "a label that both have, such as tier=web" in message
        assert "set spec.allowUncovered: true" in message
        assert await shop.made() == set()
        await kubectl("delete", plural, "shut", f"--namespace={shop.namespace}")
    await shop.reaches("Initialized")


async def test_services_that_would_not_part_are_named_and_consent_is_enough(shop: Shop) -> None:
    """One that leads past the weights, one that would be left behind; then the user says that it is all right."""
    ports = [{"name": "http", "port": 80}]
    await shop.add("Service", "v1", "both", selector={"tier": "web"}, ports=ports)
    await shop.add("Service", "v1", "one", selector={"app": "app"}, ports=ports)
    await shop.canary()
    await shop.says(
        "Ready", f"Service {shop.namespace}/both", "let it select app=app-primary", reason="ServiceNotParting"
    )
    await kubectl("delete", "service", "both", f"--namespace={shop.namespace}")
    await shop.says("Ready", f"Service {shop.namespace}/one", "call Service app instead", reason="ServiceLeftBehind")
    assert await shop.made() == set()
    await shop.change_canary(allowUncovered=True)
    await shop.reaches("Initialized")


async def test_a_budget_is_copied_and_kubernetes_counts_the_copys_pods_by_it(shop: Shop) -> None:
    """The disruption controller finds the copy's pods under the copied budget, and no pod under two."""
    await shop.add("PodDisruptionBudget", "policy/v1", "web", minAvailable=1, selector={"matchLabels": {"app": "app"}})
    await shop.canary()
    await shop.reaches("Initialized")

    async def counted() -> bool:
        budgets = {one["metadata"]["name"]: one for one in await get_objects(shop.namespace, ["pdb"])}
        status = budgets.get("web-app-primary", {}).get("status", {})
        return (status.get("expectedPods"), status.get("disruptionsAllowed")) == (2, 1) and len(budgets) == 2

    await until(counted, what="two pods under web-app-primary, one of which may go", within_s=WITHIN_S)
    await kubectl(
        "patch", "pdb", "web", f"--namespace={shop.namespace}", "--type=merge", '--patch={"spec":{"minAvailable":2}}'
    )

    async def followed() -> bool:
        found = await get_objects(shop.namespace, ["pdb"])
        return {one["spec"]["minAvailable"] for one in found} == {2}

    await until(followed, what="the copy to follow", within_s=WITHIN_S)


async def test_two_budgets_on_the_same_pods_are_named(shop: Shop) -> None:
    """Kubernetes would evict none of them."""
    for name in ("a", "b"):
        selector = {"matchLabels": {"app": "app"}}
        await shop.add("PodDisruptionBudget", "policy/v1", name, maxUnavailable=1, selector=selector)
    await shop.canary()
    both = f"the PodDisruptionBudgets {shop.namespace}/a and {shop.namespace}/b"
    await shop.says("Ready", both, "delete one of them", reason="BudgetsOverlap")
    await kubectl("delete", "pdb", "b", f"--namespace={shop.namespace}")
    await shop.reaches("Initialized")


async def test_a_quota_that_forbids_the_pods_is_named_with_its_numbers(shop: Shop) -> None:
    """First for the copy, which is not led to before; raised, and lowered, for the canary, whose release ends by it."""
    await shop.add("ResourceQuota", "v1", "few", hard={"pods": "3"})
    await shop.canary()
    quota = f"ResourceQuota few in namespace {shop.namespace} forbids more pods of app-primary"
    message = await shop.says("Promoted", "waiting for the primary to be ready", quota)
    assert "limited: pods=3): raise it" in message
    await kubectl("delete", "resourcequota", "few", f"--namespace={shop.namespace}")
    await kubectl(
        "delete", "replicaset", "-l", "app=app-primary", f"--namespace={shop.namespace}"
    )  # tries anew at once
    await shop.reaches("Initialized")

    await until_scaled_down(shop)
    await shop.add("ResourceQuota", "v1", "few", hard={"pods": "3"})
    await shop.deploy("2")
    await shop.says("Promoted", f"ResourceQuota few in namespace {shop.namespace} forbids more pods of app ")
    await shop.reaches("Failed")
    assert f"were not ready within {DEADLINE_S} s: ResourceQuota few" in await rollback(shop)


async def test_pods_that_no_node_has_room_for_are_told_in_the_status_and_in_the_rollback(shop: Shop) -> None:
    """In the scheduler's own words, with the pod's name."""
    await shop.canary()
    await shop.reaches("Initialized")
    await until_scaled_down(shop)
    await shop.deploy("2", cpu="200k")
    message = await shop.says("Promoted", "waiting for the canary's pods: pod app-", "Insufficient cpu")
    assert "can't be scheduled: 0/1 nodes are available" in message
    assert message.endswith("give the cluster room, or let the pod demand less")
    await shop.reaches("Failed")
    assert "can't be scheduled: 0/1 nodes are available: 1 Insufficient cpu" in await rollback(shop)


async def until_scaled_down(shop: Shop) -> None:
    """Return when the canary has no pod any more: the user applies `replicas` again with each change."""

    async def gone() -> bool:
        words = ("get", "pods", "-l", "app=app", f"--namespace={shop.namespace}", "--output=name")
        return not (await kubectl(*words)).strip()

    await until(gone, what="the target scaled down", within_s=WITHIN_S)


async def rollback(shop: Shop) -> str:
    """The message of the Event that tells of the rollback."""
    events = await get_objects(shop.namespace, ["events"])
    return next(str(event["message"]) for event in events if event["reason"] == "Rollback")
