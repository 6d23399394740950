"""Argo's Rollout: a Deployment, which it stood in for, and a Canary that releases it."""

from __future__ import annotations

from typing import Any

from rollouts.api.resources import Manifest
from rollouts.convert.argo_checks import Checks
from rollouts.convert.argo_routes import routes_of, service_of
from rollouts.convert.argo_schedule import blue_green_analysis, canary_analysis
from rollouts.convert.argo_steps import Steps
from rollouts.convert.inputs import OURS, Inputs, Source
from rollouts.convert.ledger import Cursor, copied

_PODS = "pods are not labelled by their role: the copy that serves is a Deployment of its own, <name>-primary"
_NO_DELAY = "the old version goes when nothing more reaches it; with subsets it is kept for scaleDownDelay"
_LOST = {
    "analysis": "there are no runs that could pile up",
    "rollbackWindow": "going back to the promoted version ends a release at once; any other is judged like a new one",
    "restartAt": "restart pods by kubectl rollout restart of the Deployment: it is judged as a release",
}
_CANARY_LOST = {
    "antiAffinity": "write it into the pod template: it is copied with it",
    "canaryMetadata": _PODS,
    "stableMetadata": _PODS,
    "scaleDownDelaySeconds": _NO_DELAY,
    "scaleDownDelayRevisionLimit": _NO_DELAY,
    "abortScaleDownDelaySeconds": "the canary goes when nothing more reaches it; Events say why it failed",
    "dynamicStableScale": "the side that serves keeps its size, so that it can take everything back at once",
    "pingPong": "the Services are made for the Canary, and their roles do not change",
    "minPodsPerReplicaSet": "say how many pods a canary has in canaryReplicas",
    "replicaProgressThreshold": "a release waits for all of its pods, up to progressDeadlineSeconds",
}
_BLUE_GREEN_LOST = {
    "antiAffinity": _CANARY_LOST["antiAffinity"],
    "activeMetadata": _PODS,
    "previewMetadata": _PODS,
    "scaleDownDelaySeconds": _NO_DELAY,
    "scaleDownDelayRevisionLimit": _NO_DELAY,
    "abortScaleDownDelaySeconds": _CANARY_LOST["abortScaleDownDelaySeconds"],
    "previewReplicaCount": "a canary that is to get all requests has all pods from the start",
}


def convert_rollout(inputs: Inputs, source: Source, cluster_namespace: str) -> None:
    """One Rollout to a Deployment and a Canary, or to a Canary of the Deployment that it names."""
    source.accept()
    spec, strategy = source.spec, source.spec.at("strategy")
    checks = Checks(inputs, source, cluster_namespace)
    canary: dict[str, Any] = {"targetRef": _target(source)}
    if canary["targetRef"] is None:
        return
    if spec.flag("paused"):
        canary["suspend"] = True
        spec.changed("the release is held; the Deployment itself is not paused", "paused")
    canary |= copied(spec, ("progressDeadlineSeconds",))
    if spec.at("progressDeadlineAbort").value is True:
        spec.needless("a release whose pods do not come is always rolled back", "progressDeadlineAbort")
    else:
        spec.changed("a release whose pods do not come is always rolled back", "progressDeadlineAbort")
    for name, reason in _LOST.items():
        spec.lost(reason, name)
    if strategy.has("blueGreen"):
        canary |= _blue_green(inputs, source, strategy.at("blueGreen"), checks)
    else:
        canary |= _canary(inputs, source, strategy.at("canary"), checks)
    metadata = source.metadata()
    if not spec.has("workloadRef"):
        source.made.append(_deployment(source, metadata))
    source.made.append({"apiVersion": OURS, "kind": "Canary", "metadata": metadata, "spec": canary})


def _target(source: Source) -> dict[str, Any] | None:
    ref = source.spec.at("workloadRef")
    if not ref:
        return {"apiVersion": "apps/v1", "kind": "Deployment", "name": source.name}
    if ref.at("kind").value != "Deployment":
        ref.lost(f"a {ref.at('kind').value} can't be released: make a Deployment of it")
        source.root.needless("nothing is made of it", "metadata")
        source.spec.lost("nothing is made of it, since what it names can't be released")
        return None
    ref.needless("the Deployment keeps its pods, and is scaled by the controller", "scaleDown")
    replicas = source.spec.at("replicas").value
    if replicas is not None:
        source.spec.changed(f"give Deployment {ref.at('name').value} its size before the Canary is applied: "
                            f"replicas: {replicas}", "replicas")  # fmt: skip
    source.spec.needless("the Deployment has its own", "selector")
    source.spec.needless("the Deployment has its own", "template")
    for name in ("minReadySeconds", "revisionHistoryLimit"):
        source.spec.changed(f"set it on Deployment {ref.at('name').value}", name)
    ref.changed("a Deployment is of apps/v1", "apiVersion") if ref.at("apiVersion").value != "apps/v1" else None
    return copied(ref, ("kind", "name")) | ({"apiVersion": ref.take("apiVersion")} if ref.has("apiVersion") else {})


def _deployment(source: Source, metadata: dict[str, Any]) -> Manifest:
    spec = source.spec
    out = copied(spec, ("replicas", "selector", "template", "minReadySeconds", "revisionHistoryLimit"))
    out |= copied(spec, ("progressDeadlineSeconds",))
    way = next((spec.at("strategy", name) for name in ("canary", "blueGreen") if spec.at("strategy").has(name)), None)
    pace = copied(way, ("maxSurge", "maxUnavailable")) if way is not None else {}
    if pace:
        out["strategy"] = {"type": "RollingUpdate", "rollingUpdate": pace}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": out}


def _canary(inputs: Inputs, source: Source, strategy: Cursor, checks: Checks) -> dict[str, Any]:
    if strategy.path not in source.root.ledger.used and strategy.value == {}:
        strategy.take()
    for name, reason in _CANARY_LOST.items():
        strategy.lost(reason, name)
    stable = strategy.text("stableService")
    service = service_of(inputs, source, stable, _containers(source))
    _other_service(inputs, source, strategy, "canaryService", service.get("name") or source.name)
    routing = strategy.at("trafficRouting")
    routes = routes_of(inputs, source, routing, service.get("name") or source.name)
    if not routing:
        strategy.added("Istio shares the requests, by weight, and not the number of pods: a VirtualService is made")
    analysis, steps = canary_analysis(strategy, checks)
    if source.spec.has("workloadRef"):
        for name in ("maxSurge", "maxUnavailable"):
            strategy.changed("set it in the Deployment's strategy", name)
    size = _size(strategy, steps, analysis)
    return {**size, "service": service, **({"routeRefs": routes} if routes else {}), "analysis": analysis}


def _size(strategy: Cursor, steps: Steps, analysis: dict[str, Any]) -> dict[str, Any]:
    if steps.size is None:
        return {}
    takes_all = not analysis.get("match") if "iterations" in analysis else analysis["stepWeights"][-1] >= 100
    if takes_all:
        strategy.lost("setCanaryScale: a canary that gets all requests has as many pods as serve", "steps")
        return {}
    strategy.changed("setCanaryScale holds from the start of the release to its end", "steps")
    return {"canaryReplicas": steps.size}


def _blue_green(inputs: Inputs, source: Source, strategy: Cursor, checks: Checks) -> dict[str, Any]:
    for name, reason in _BLUE_GREEN_LOST.items():
        strategy.lost(reason, name)
    service = service_of(inputs, source, strategy.text("activeService"), _containers(source))
    _other_service(inputs, source, strategy, "previewService", service.get("name") or source.name)
    strategy.added("Istio leads the requests, by a VirtualService that is made, and not the Service's selector")
    if source.spec.has("workloadRef"):
        strategy.changed("set it in the Deployment's strategy", "maxUnavailable")
    return {"service": service, "analysis": blue_green_analysis(strategy, checks)}


def _other_service(inputs: Inputs, source: Source, strategy: Cursor, field: str, name: str) -> None:
    """The one that leads to the new version alone."""
    other = str(strategy.at(field).value or "")
    if not other:
        return
    said = f"Service {name}-canary is made for that: delete {other}, which would have no pods between releases"
    if other == f"{name}-canary":
        said = f"Service {other} is made by the controller: delete your own first"
    strategy.changed(said, field)
    known = inputs.find("", "Service", source.namespace, other)
    if known is not None:
        known.root.changed(f"delete it: the controller makes {name}-canary, which leads to the new version alone")


def _containers(source: Source) -> list[Cursor]:
    return source.spec.items("template", "spec", "containers")


def convert_scaler(inputs: Inputs, source: Source) -> None:
    """An autoscaler of a Rollout scales its Deployment, and the Canary names it."""
    ref = source.spec.at("scaleTargetRef")
    if ref.at("kind").value != "Rollout":
        return
    rollout = inputs.find("argoproj.io", "Rollout", source.namespace, str(ref.at("name").value))
    made: Manifest = {**source.root.value, "spec": {**source.spec.value}}
    made.pop("status", None)
    workload = rollout.spec.at("workloadRef", "name").value if rollout is not None else None
    name = workload or ref.at("name").value
    made["spec"]["scaleTargetRef"] = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    source.made = [made]
    for field in ("apiVersion", "kind", "name"):
        source.spec.changed("it scales the Deployment in the Rollout's place", "scaleTargetRef", field)
    if rollout is None:
        return
    for canary in (one for one in rollout.made if one["kind"] == "Canary"):
        canary["spec"]["autoscalerRef"] = {
            "apiVersion": source.root.at("apiVersion").value,
            "kind": source.kind,
            "name": source.name,
        }
