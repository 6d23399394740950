"""The primary's ScaledObject, rendered from the target's, and the pause of the target's."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import Manifest
from rollouts.workloads.scaled_object import (
    OUR_PAUSE,
    PAUSED,
    is_at_rest,
    is_paused_by_others,
    is_paused_by_us,
    primary_query,
    render_pause,
    render_scaled_object,
    scales_object,
)
from tests.core.given import spec_of

OWNER = Owner("shop", "app", "0f-uid")
QUERY = 'sum(rate(http_requests_total{app="app"}[30s]))'


def scaled_object(**spec: Any) -> Manifest:
    """A user's ScaledObject; `spec` is laid over its spec."""
    trigger = {"type": "prometheus", "name": "rps", "metadata": {"query": QUERY, "threshold": "100"}}
    whole = {"scaleTargetRef": {"name": "app"}, "minReplicaCount": 2, "maxReplicaCount": 8, "triggers": [trigger]}
    labels = {"team": "shop", "scaledobject.keda.sh/name": "web"}
    metadata = {"name": "web", "namespace": "shop", "labels": labels, "resourceVersion": "1"}
    return {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": metadata, "spec": whole | spec}


def spec_with(**ref: Any) -> CanarySpec:
    """A Canary's spec with a reference to it."""
    told = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "web"} | ref
    return CanarySpec.model_validate(spec_of().model_dump(by_alias=True) | {"autoscalerRef": told})


def rendered(source: Manifest, floor: int = 0, **ref: Any) -> Manifest:
    """The copy of a ScaledObject."""
    spec = spec_with(**ref)
    assert spec.autoscaler_ref is not None
    return render_scaled_object(OWNER, spec, spec.autoscaler_ref, source, floor)


def test_the_copy_is_about_the_primary() -> None:
    """By its target and by its queries; KEDA's own label, which names the original, is not copied."""
    copied = rendered(scaled_object(pollingInterval=5))
    assert copied["metadata"]["name"] == "web-primary"
    assert copied["metadata"]["labels"] == {"team": "shop"} | OWNER.labels()
    (trigger,) = copied["spec"].pop("triggers")
    assert trigger["metadata"] == {"query": QUERY.replace('"app"', '"app-primary"'), "threshold": "100"}
    wanted = {"scaleTargetRef": {"name": "app-primary"}, "minReplicaCount": 2, "maxReplicaCount": 8}
    assert copied["spec"] == wanted | {"pollingInterval": 5}


def test_a_query_may_be_written_out() -> None:
    """By the trigger's name; the others are rewritten."""
    named = [{"type": "prometheus", "name": name, "metadata": {"query": QUERY}} for name in ("rps", "p99")]
    cpu = {"type": "cpu", "metadata": {"value": "60"}}
    copied = rendered(scaled_object(triggers=[*named, cpu]), primaryScalerQueries={"rps": "vector(3)"})
    queries = [trigger["metadata"].get("query") for trigger in copied["spec"]["triggers"]]
    assert queries == ["vector(3)", QUERY.replace('"app"', '"app-primary"'), None]


@pytest.mark.parametrize(
    ("floor", "bounds", "expected"),
    [(0, {}, (2, 8)), (5, {}, (5, 8)), (12, {}, (8, 8)), (3, {"minReplicas": 4, "maxReplicas": 9}, (4, 9))],
)
def test_its_least_is_raised_while_a_run_lasts(floor: int, bounds: dict[str, int], expected: tuple[int, int]) -> None:
    """Never above its most."""
    spec = rendered(scaled_object(), floor, primaryScalerReplicas=bounds)["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == expected


def test_keda_has_defaults_of_its_own() -> None:
    """From nothing to a hundred."""
    source = scaled_object()
    del source["spec"]["minReplicaCount"], source["spec"]["maxReplicaCount"]
    spec = rendered(source, 4)["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (4, 100)


@pytest.mark.parametrize(("floor", "kept"), [(0, True), (3, False)], ids=["between releases", "in a run"])
def test_no_idle_size_undercuts_the_floor(floor: int, kept: bool) -> None:  # noqa: FBT001
    """KEDA would take the primary there as soon as the canary has all requests."""
    assert ("idleReplicaCount" in rendered(scaled_object(idleReplicaCount=0), floor)["spec"]) is kept


def test_two_autoscalers_do_not_share_a_name() -> None:
    """Where the user has named the HorizontalPodAutoscaler that KEDA makes."""
    advanced = {"restoreToOriginalReplicaCount": True, "horizontalPodAutoscalerConfig": {"name": "web-hpa"}}
    copied = rendered(scaled_object(advanced=advanced))
    assert copied["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["name"] == "web-hpa-primary"
    bare: Manifest = {"horizontalPodAutoscalerConfig": {"behavior": {}}}
    assert rendered(scaled_object(advanced=bare))["spec"]["advanced"] == bare


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('rate(x{app="app"}[1m])', 'rate(x{app="app-primary"}[1m])'),
        ('rate(x{pod=~"app-.*"}[1m])', 'rate(x{pod=~"app-primary-.*"}[1m])'),
        ('rate(x{pod=~"app-[0-9a-z]+"}[1m])', 'rate(x{pod=~"app-primary-[0-9a-z]+"}[1m])'),
        ('rate(x{svc="app-canary"}[1m])', 'rate(x{svc="app-primary"}[1m])'),
        ('rate(x{svc="app-canary.shop"}[1m])', 'rate(x{svc="app-primary.shop"}[1m])'),
        ('rate(x{app="my-app"}[1m])', 'rate(x{app="my-app"}[1m])'),
        ('rate(x{app="apple"}[1m])', 'rate(x{app="apple"}[1m])'),
        ('rate(x{app="app-v2"}[1m])', 'rate(x{app="app-v2"}[1m])'),
        ('rate(x{app="app-primary"}[1m])', 'rate(x{app="app-primary"}[1m])'),
        ('sum by (app) (app_total{a="b"})', 'sum by (app) (app_total{a="b"})'),
        ("SELECT n FROM t WHERE app = 'app'", "SELECT n FROM t WHERE app = 'app-primary'"),
        ("avg:trace.requests{service:app}", "avg:trace.requests{service:app-primary}"),
        ("vector(1)", "vector(1)"),
    ],
)
def test_a_query_is_rewritten_where_it_names_the_target(query: str, expected: str) -> None:
    """Its name as it is or before a pattern, within quotes if there are any."""
    assert primary_query(query, "app", "app-primary") == expected


def test_the_pause_bears_a_mark() -> None:
    """What is put there by us is known, and only that is taken away."""
    source = scaled_object()
    assert [check(source) for check in (is_paused_by_us, is_paused_by_others, is_at_rest)] == [False] * 3
    paused = {**source, "metadata": source["metadata"] | render_pause(source, paused=True)["metadata"]}
    assert is_paused_by_us(paused)
    assert is_at_rest(paused)
    assert not is_paused_by_others(paused)
    assert render_pause(paused, paused=False)["metadata"] == {"name": "web", "namespace": "shop"}


@pytest.mark.parametrize(
    ("annotations", "others", "rests"),
    [
        ({PAUSED: "0"}, True, False), ({PAUSED: "3", OUR_PAUSE: "true"}, False, False),
        ({"autoscaling.keda.sh/paused": "true"}, False, False), ({OUR_PAUSE: "true"}, False, False),
    ],
    ids=["theirs", "ours, changed", "a pause without a size", "ours, taken away"],
)  # fmt: skip
def test_a_pause_of_the_users_is_known(annotations: dict[str, str], others: bool, rests: bool) -> None:  # noqa: FBT001
    """And one of ours that somebody has changed."""
    source = scaled_object()
    source["metadata"]["annotations"] = annotations
    assert (is_paused_by_others(source), is_at_rest(source)) == (others, rests)


def test_what_it_scales() -> None:
    """Version and kind may be left out."""
    assert scales_object(scaled_object(), "app")
    assert not scales_object(scaled_object(scaleTargetRef={"kind": "StatefulSet", "name": "app"}), "app")
