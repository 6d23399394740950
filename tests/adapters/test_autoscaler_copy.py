"""The primary's HorizontalPodAutoscaler, rendered from the target's."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import REVISION_ANNOTATION, Owner
from rollouts.api.resources import Manifest
from rollouts.workloads.autoscaler import (
    bounds_of,
    is_deployment,
    render_autoscaler,
    scaled_object_behind,
    scales,
    without_bounds,
)
from tests.core.given import spec_of

OWNER = Owner("shop", "app", "0f-uid")
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
BEHAVIOR = {"scaleDown": {"stabilizationWindowSeconds": 60, "policies": [{"type": "Pods", "value": 1}]}}


def autoscaler(name: str = "web", target: str = "app", **spec: Any) -> Manifest:
    """A user's autoscaler; `spec` is laid over its spec."""
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
    labels = {"team": "shop", "argocd.argoproj.io/instance": "shop"}
    metadata = {"name": name, "namespace": "shop", "labels": labels, "annotations": {"note": "mine"}}
    whole = {"scaleTargetRef": reference, "minReplicas": 2, "maxReplicas": 8, "metrics": [CPU], "behavior": BEHAVIOR}
    return {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": whole | spec,
    }  # fmt: skip


def spec_with(**ref: Any) -> CanarySpec:
    """A Canary's spec with a reference to the autoscaler."""
    told = {"kind": "HorizontalPodAutoscaler", "name": "web"} | ref
    return CanarySpec.model_validate(spec_of().model_dump(by_alias=True) | {"autoscalerRef": told})


def rendered(source: Manifest, floor: int = 0, **ref: Any) -> Manifest:
    """The copy of an autoscaler."""
    spec = spec_with(**ref)
    assert spec.autoscaler_ref is not None
    return render_autoscaler(OWNER, spec, spec.autoscaler_ref, source, floor)


def test_the_copy_scales_the_primary_and_is_else_the_same() -> None:
    """Metrics and behaviour too. Its labels are the user's and ours, without those by which a GitOps tool prunes."""
    source = autoscaler()
    copied = rendered(source)
    assert copied["metadata"]["name"] == "web-primary"
    assert copied["metadata"]["labels"] == {"team": "shop"} | OWNER.labels()
    assert set(copied["metadata"]["annotations"]) == {REVISION_ANNOTATION}
    assert copied["spec"].pop("scaleTargetRef")["name"] == "app-primary"
    wanted = {name: value for name, value in source["spec"].items() if name != "scaleTargetRef"}
    assert copied["spec"] == wanted
    assert source == autoscaler()


@pytest.mark.parametrize(
    ("floor", "bounds", "expected"),
    [
        (0, {}, (2, 8)), (5, {}, (5, 8)), (1, {}, (2, 8)), (12, {}, (8, 8)),
        (0, {"minReplicas": 4}, (4, 8)), (0, {"maxReplicas": 6}, (2, 6)), (7, {"maxReplicas": 6}, (6, 6)),
        (3, {"minReplicas": 4, "maxReplicas": 20}, (4, 20)), (15, {"minReplicas": 4, "maxReplicas": 20}, (15, 20)),
    ],
)  # fmt: skip
def test_its_least_is_raised_while_a_run_lasts(floor: int, bounds: dict[str, int], expected: tuple[int, int]) -> None:
    """Never above its most, and never below the user's."""
    spec = rendered(autoscaler(), floor, primaryScalerReplicas=bounds)["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == expected


def test_the_least_is_one_where_nothing_is_said() -> None:
    """As Kubernetes has it."""
    source = autoscaler()
    del source["spec"]["minReplicas"]
    assert rendered(source)["spec"]["minReplicas"] == 1


@pytest.mark.parametrize(
    ("described", "name"),
    [
        ({"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"}, "app-primary"),
        ({"apiVersion": "apps/v1", "kind": "Deployment", "name": "other"}, "other"),
        ({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "app"}, "app"),
    ],
    ids=["the target", "another", "an Ingress"],
)
def test_a_metric_about_the_target_is_about_the_primary(described: Manifest, name: str) -> None:
    """Metrics about anything else are left alone."""
    metric = {"type": "Object", "object": {"describedObject": described, "metric": {"name": "queue"}}}
    copied = rendered(autoscaler(metrics=[metric]))
    assert copied["spec"]["metrics"][0]["object"]["describedObject"]["name"] == name


def test_the_mark_tells_one_source_from_another() -> None:
    """So that a field which is gone from the user's is noticed; the same source gives the same mark."""

    def mark(source: Manifest, floor: int = 0) -> str:
        return str(rendered(source, floor)["metadata"]["annotations"][REVISION_ANNOTATION])

    assert mark(autoscaler()) == mark(autoscaler())
    assert (
        len({mark(autoscaler()), mark(autoscaler(behavior=None)), mark(autoscaler(metrics=[])), mark(autoscaler(), 5)})
        == 4
    )


@pytest.mark.parametrize(
    ("reference", "fits"),
    [
        ({"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"}, True),
        ({"apiVersion": "apps/v1beta1", "kind": "Deployment", "name": "app"}, True),
        ({"name": "app"}, True),
        ({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "app"}, False),
        ({"apiVersion": "argoproj.io/v1", "kind": "Deployment", "name": "app"}, False),
        ({"apiVersion": "apps/v1", "kind": "Deployment", "name": "app-2"}, False),
    ],
    ids=str,
)
def test_which_references_mean_the_target(reference: Manifest, fits: bool) -> None:  # noqa: FBT001
    """In whichever version of its group; KEDA's may leave version and kind out."""
    assert is_deployment(reference, "app") is fits
    assert scales({"spec": {"scaleTargetRef": reference}}, "app") is fits


def test_the_bounds_without_what_is_said_of_the_copy() -> None:
    """Those of the target's own."""
    ref = spec_with(primaryScalerReplicas={"minReplicas": 5, "maxReplicas": 9}).autoscaler_ref
    assert ref is not None
    assert bounds_of(ref, autoscaler()) == (5, 9)
    assert bounds_of(without_bounds(ref), autoscaler()) == (2, 8)


def test_whom_keda_made_it_for() -> None:
    """By its owner."""
    assert scaled_object_behind(autoscaler()) == ""
    owned = autoscaler()
    owned["metadata"]["ownerReferences"] = [{"kind": "ScaledObject", "name": "web"}]
    assert scaled_object_behind(owned) == "web"
