"""Who owns a primary's size, and copies of autoscalers: the same cases for the double and for a real API server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import AUTOSCALERS, DEPLOYMENTS, SCALED_OBJECTS, Manifest, ObjectKey
from rollouts.core.decision import Desired
from rollouts.core.routing import Routing
from rollouts.engine.autoscaling import Autoscaling, copy_writes, let_scale
from rollouts.engine.subject import Subject
from rollouts.ports import Apply, Create, Write
from rollouts.workloads.primary_copy import render_primary
from rollouts.workloads.scaled_object import OUR_PAUSE, PAUSED
from tests.contract.clusters import Arranged
from tests.core.given import seen_at, spec_of

HPA = {"kind": "HorizontalPodAutoscaler", "name": "web"}
KEDA = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "web"}
AT_REST = Desired(Routing(0), routing=True, rests=True)
IN_A_RUN = Desired(Routing(50), routing=True, stable_floor=5)


def subject_of(arranged: Arranged, ref: Manifest) -> Subject:
    """A Canary `app` with that autoscaler."""
    metadata = {"name": "app", "namespace": arranged.namespace, "uid": "0f-uid", "resourceVersion": "1"}
    spec = CanarySpec.model_validate(spec_of().model_dump(by_alias=True) | {"autoscalerRef": ref})
    manifest = {"metadata": metadata, "spec": spec.model_dump(by_alias=True)}
    return Subject(manifest, Owner.of(manifest), spec)


def target(arranged: Arranged, image: str) -> Manifest:
    """The user's Deployment."""
    labels = {"app": "app"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": image}]}}
    metadata = {"name": "app", "namespace": arranged.namespace, "labels": labels}
    return {"metadata": metadata, "spec": {"replicas": 3, "selector": {"matchLabels": labels}, "template": pod}}


def primary_key(arranged: Arranged) -> ObjectKey:
    """Of the primary."""
    return ObjectKey(arranged.namespace, "app-primary")


def key(arranged: Arranged, name: str) -> ObjectKey:
    """Of anything else."""
    return ObjectKey(arranged.namespace, name)


async def copy(arranged: Arranged, image: str) -> list[int]:
    """Make the primary, or promote that image; its size after each write."""
    subject, sizes = subject_of(arranged, HPA), []
    rendered = render_primary(subject.owner, subject.spec, target(arranged, image), f"revision of {image}", 3)
    for write in copy_writes(arranged.cluster, subject, rendered):
        written = await arranged.cluster.write(write)
        sizes.append(written["spec"]["replicas"])
    return sizes


async def carry_out(arranged: Arranged, writes: Iterator[Write]) -> list[Manifest]:
    """Writes one by one, each worked out after the one before."""
    return [await arranged.cluster.write(write) for write in writes]


async def beside(arranged: Arranged, subject: Subject, desired: Desired) -> list[Manifest]:
    """What is written beside the copy for that."""
    return await carry_out(arranged, Autoscaling().before(arranged.cluster, subject, seen_at(0), desired))


async def test_a_promotion_never_touches_the_size(arranged: Arranged) -> None:
    """Neither while nobody but us has set it, nor after an autoscaler has; nor when it comes to scale again."""
    assert await copy(arranged, "app:1") == [3]
    assert await copy(arranged, "app:2") == [3, 3]
    assert await copy(arranged, "app:3") == [3, 3]
    await arranged.other.edit(DEPLOYMENTS, primary_key(arranged), {"spec": {"replicas": 5}})
    assert await copy(arranged, "app:4") == [5, 5]
    await arranged.other.edit(DEPLOYMENTS, primary_key(arranged), {"spec": {"replicas": 2}})
    assert await copy(arranged, "app:5") == [2, 2]
    known = arranged.cluster.read(DEPLOYMENTS, primary_key(arranged))
    assert known is not None
    assert known["spec"]["template"]["spec"]["containers"][0]["image"] == "app:5"


async def test_without_the_hand_over_the_size_would_be_lost(arranged: Arranged) -> None:
    """Why it is taken over by another manager first: what no longer names a field resets it."""
    assert await copy(arranged, "app:1") == [3]
    subject = subject_of(arranged, HPA)
    rendered = render_primary(subject.owner, subject.spec, target(arranged, "app:2"), "b", 3)
    del rendered["spec"]["replicas"]
    after = await arranged.cluster.write(Apply(DEPLOYMENTS, rendered))
    assert after["spec"].get("replicas", 1) == 1


async def test_a_copied_autoscaler_is_written_once(arranged: Arranged) -> None:
    """What the server makes of it is no difference; its least is raised and given back."""
    await copy(arranged, "app:1")
    subject = subject_of(arranged, HPA)
    cpu: dict[str, Any] = {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "500m"}}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"}, "maxReplicas": 8,
        "metrics": [{"type": "Resource", "resource": cpu}],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 5}},
    }  # fmt: skip
    metadata = {"name": "web", "namespace": arranged.namespace, "annotations": {"note": "mine"}}
    await arranged.cluster.write(Create(AUTOSCALERS, {"metadata": metadata, "spec": spec}))

    (made,) = await beside(arranged, subject, AT_REST)
    assert (made["spec"]["scaleTargetRef"]["name"], made["spec"]["minReplicas"]) == ("app-primary", 1)
    assert await beside(arranged, subject, AT_REST) == []
    (raised,) = await beside(arranged, subject, IN_A_RUN)
    assert (raised["spec"]["minReplicas"], raised["spec"]["maxReplicas"]) == (5, 8)
    assert await beside(arranged, subject, IN_A_RUN) == []
    await arranged.other.edit(AUTOSCALERS, key(arranged, "web"), {"spec": {"behavior": None, "maxReplicas": 4}})
    (followed,) = await beside(arranged, subject, IN_A_RUN)
    assert (followed["spec"]["minReplicas"], followed["spec"]["maxReplicas"]) == (4, 4)
    assert await beside(arranged, subject, IN_A_RUN) == []
    (lowered,) = await beside(arranged, subject, AT_REST)
    assert lowered["spec"]["minReplicas"] == 1


async def test_a_scaled_object_is_copied_and_paused(arranged: Arranged) -> None:
    """The pause is two annotations of ours on the user's object: what others have there stays."""
    await copy(arranged, "app:1")
    subject = subject_of(arranged, KEDA)
    query = {"query": 'sum(rate(x{app="app"}[1m]))', "threshold": "5"}
    spec = {
        "scaleTargetRef": {"name": "app"}, "minReplicaCount": 1, "maxReplicaCount": 8,
        "triggers": [{"type": "prometheus", "name": "rps", "metadata": query}],
    }  # fmt: skip
    metadata = {"name": "web", "namespace": arranged.namespace, "annotations": {"note": "mine"}}
    header = {"apiVersion": SCALED_OBJECTS.api_version, "kind": SCALED_OBJECTS.kind}
    await arranged.cluster.write(Create(SCALED_OBJECTS, {**header, "metadata": metadata, "spec": spec}))

    copied, paused = await beside(arranged, subject, AT_REST)
    assert copied["spec"]["triggers"][0]["metadata"]["query"] == 'sum(rate(x{app="app-primary"}[1m]))'
    assert paused["metadata"]["annotations"] == {"note": "mine", PAUSED: "0", OUR_PAUSE: "true"}
    assert await beside(arranged, subject, AT_REST) == []
    raised, loose = await beside(arranged, subject, IN_A_RUN)
    assert raised["spec"]["minReplicaCount"] == 5
    assert loose["metadata"]["annotations"] == {"note": "mine"}
    assert loose["spec"] == spec
    assert await beside(arranged, subject, IN_A_RUN) == []
    await beside(arranged, subject, AT_REST)
    (given_back,) = await carry_out(arranged, let_scale(arranged.cluster, subject))
    assert given_back["metadata"]["annotations"] == {"note": "mine"}
