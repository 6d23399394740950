"""Flagger's Canary: nearly the same words, so that most of it is taken over as it is."""

from __future__ import annotations

from typing import Any

from rollouts.convert.flagger_analysis import analysis_of
from rollouts.convert.flagger_service import service_of
from rollouts.convert.inputs import OURS, Inputs, Source
from rollouts.convert.ledger import Cursor, copied

_OLD = "canaryAnalysis"
_ISTIO = ("", "istio")
_ELSEWHERE = {
    "ingressRef": "requests are shared by Istio alone in this version, not by an Ingress",
    "routeRef": "requests are shared by Istio alone in this version, not by APISIX",
    "upstreamRef": "requests are shared by Istio alone in this version, not by Gloo",
    "metricsServer": "all ask the Prometheus of the controller's settings; a template may have an address of its own",
}


def convert_canary(inputs: Inputs, source: Source) -> None:
    """One Canary of Flagger's to one of ours."""
    source.accept()
    spec = source.spec
    out: dict[str, Any] = {}
    _provider(spec)
    out |= _target(spec.at("targetRef"))
    out |= _autoscaler(spec.at("autoscalerRef"))
    out |= copied(spec, ("skipAnalysis", "suspend"))
    out |= _deadline(spec)
    if spec.take("revertOnDeletion") is False:
        spec.changed("what was there is given back whenever a Canary is deleted", "revertOnDeletion")
    elif spec.has("revertOnDeletion"):
        spec.needless("what was there is given back whenever a Canary is deleted", "revertOnDeletion")
    for name, reason in _ELSEWHERE.items():
        spec.lost(reason, name)
    out["service"] = service_of(spec.at("service"))
    out["analysis"], is_safe = analysis_of(inputs, source, spec.at("analysis" if spec.has("analysis") else _OLD))
    if not is_safe:
        out["suspend"] = True
        spec.added("suspend: true, since without what is lost the canary would get requests that it was not to get")
    source.made.append({"apiVersion": OURS, "kind": "Canary", "metadata": source.metadata(), "spec": out})


def _provider(spec: Cursor) -> None:
    """Which mesh."""
    provider = str(spec.at("provider").value or "")
    if provider in _ISTIO:
        spec.needless("Istio is what there is", "provider")
    else:
        spec.lost(f"requests are shared by Istio alone in this version, not by {provider}", "provider")


def _target(ref: Cursor) -> dict[str, Any]:
    kind = str(ref.at("kind").value or "Deployment")
    if kind not in {"Deployment", "DaemonSet"}:
        ref.lost(f"a {kind} can't be released: name a Deployment or a DaemonSet")
        return {}
    if ref.at("apiVersion").value != "apps/v1":
        ref.changed("apps/v1 is what every cluster has", "apiVersion")
        return {"targetRef": copied(ref, ("kind", "name"))}
    return {"targetRef": copied(ref, ("apiVersion", "kind", "name"))}


_SCALERS = ("autoscaling/v2", "autoscaling/v2beta2", "autoscaling/v1", "keda.sh/v1alpha1")


def _autoscaler(ref: Cursor) -> dict[str, Any]:
    if not ref:
        return {}
    out = copied(ref, ("kind", "name", "primaryScalerQueries", "primaryScalerReplicas"))
    version = ref.text("apiVersion")
    if version in _SCALERS:
        out["apiVersion"] = version
    elif version:
        ref.changed("autoscaling/v2 takes its place in clusters of today", "apiVersion")
    return {"autoscalerRef": out}


def _deadline(spec: Cursor) -> dict[str, Any]:
    wanted = spec.number("progressDeadlineSeconds")
    if wanted is None:
        return {}
    if not 1 <= wanted <= 86400:
        spec.changed("it is from 1 to 86400 here", "progressDeadlineSeconds")
    return {"progressDeadlineSeconds": min(max(wanted, 1), 86400)}
