"""What is wrong between a Canary and the manifests beside it that the controller takes as it comes: it can't know
better, and only who has the files in hand can tell that they are hardly meant so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rollouts.api.canary import CanarySpec
from rollouts.api.resources import (
    DAEMON_SETS,
    DEPLOYMENTS,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
)
from rollouts.core.label_selector import selects
from rollouts.lint.files import Files
from rollouts.lint.finding import Finding, Level
from rollouts.lint.item import Item
from rollouts.traffic.istio_host import service_of
from rollouts.workloads.kinds import kind_of

_MESH = ["mesh"]


def check_neighbours(files: Files, item: Item, spec: CanarySpec) -> Iterator[Finding]:
    """What stands beside one Canary with a valid spec."""
    if spec.swaps:
        yield from _subsets(files, item, spec)
        return
    target = files.read(kind_of(spec).resource, ObjectKey(item.key.namespace, spec.target.name))
    if target is None:
        yield from _elsewhere(files, item, spec)
    else:
        yield from _sizes(item, spec, target)
    service = files.read(SERVICES, ObjectKey(item.key.namespace, spec.service_name))
    if service is not None:
        yield from _service(item, spec, service, target)
    if not spec.route_refs:
        yield from _hosts(files, item, spec)


def _elsewhere(files: Files, item: Item, spec: CanarySpec) -> Iterator[Finding]:
    """Of another kind, or in another namespace."""
    name = spec.target.name
    other = DAEMON_SETS if kind_of(spec).resource == DEPLOYMENTS else DEPLOYMENTS
    if files.read(other, ObjectKey(item.key.namespace, name)) is not None:
        said = f"{name} is a {other.kind} in the files, not a {spec.target.kind}: set targetRef.kind to {other.kind}"
        yield item.finding(Level.ERROR, "TargetKind", said, "spec.targetRef.kind")
        return
    places = [one["metadata"]["namespace"] for one in files.list_all(kind_of(spec).resource)
              if one["metadata"]["name"] == name]  # fmt: skip
    if places:
        said = f"{spec.target} is in namespace {', '.join(places)}, and a Canary releases only in its own"
        way_out = f"move the Canary there, or correct targetRef.name (this one is in {item.key.namespace})"
        yield item.finding(Level.WARNING, "TargetNamespace", f"{said}: {way_out}", "spec.targetRef.name")


def _sizes(item: Item, spec: CanarySpec, target: Manifest) -> Iterator[Finding]:
    replicas = target["spec"].get("replicas") if spec.target.kind == DEPLOYMENTS.kind else None
    if replicas == 0 and "replicas" in target["spec"]:
        said = f"{spec.target} has replicas: 0, so that there is nothing for the first primary to be a copy of"
        way_out = "leave replicas out of the file, or write the size that it is to serve with"
        yield item.finding(Level.WARNING, "TargetAtZero", f"{said}: {way_out}", "spec.targetRef.name")


def _service(item: Item, spec: CanarySpec, service: Manifest, target: Manifest | None) -> Iterator[Finding]:
    name, exposure = f"Service {item.key.namespace}/{spec.service_name}", spec.exposure
    if service["spec"].get("type") == "ExternalName":
        said = f"{name} is an ExternalName, which leads to no pods: name another one in spec.service.name"
        yield item.finding(Level.ERROR, "ServiceElsewhere", said, "spec.service.name")
        return
    selector, labels = service["spec"].get("selector") or {}, _labels(target)
    if target is not None and selector and not selects({"matchLabels": selector}, labels):
        said = f"{name} selects {_words(selector)}, which the pods of {spec.target} do not carry"
        way_out = "correct its selector, or spec.service.name: it is going to lead to this Canary's pods"
        yield item.finding(Level.ERROR, "ServiceElsewhere", f"{said}: {way_out}", "spec.service.name")
    ours = exposure.port if exposure.target_port is None else exposure.target_port
    theirs = [port["targetPort"] for port in service["spec"]["ports"] if port["port"] == exposure.port]
    if theirs and isinstance(theirs[0], int | str) and not _same_port(theirs[0], ours, target):
        said = (
            f"{name} leads port {exposure.port} to {theirs[0]}, and the canary's own Services would lead it to {ours}"
        )
        way_out = f"set spec.service.targetPort to {theirs[0]}, or make them agree"
        yield item.finding(Level.ERROR, "TargetPortDiffers", f"{said}: {way_out}", "spec.service.targetPort")


def _same_port(one: Any, other: Any, target: Manifest | None) -> bool:
    """By number or name; a name that no container in the files has may be any."""
    if one == other:
        return True
    named = {port.get("name"): port.get("containerPort") for port in _ports(target)}
    numbers = [named.get(port, port) for port in (one, other)]
    return numbers[0] == numbers[1] or (target is None and any(isinstance(number, str) for number in numbers))


def _ports(target: Manifest | None) -> Iterator[Manifest]:
    for container in target["spec"]["template"]["spec"].get("containers") or () if target is not None else ():
        yield from container.get("ports") or ()


def _hosts(files: Files, item: Item, spec: CanarySpec) -> Iterator[Finding]:
    """A VirtualService of ours beside one of the user's for the same host: Istio takes one of them, by chance."""
    if spec.exposure.delegation:
        return
    hosts = {_full(host, item.key.namespace) for host in (*spec.exposure.hosts, spec.service_name)}
    for known in files.list_all(VIRTUAL_SERVICES):
        key = ObjectKey.of(known)
        if key == ObjectKey(item.key.namespace, spec.service_name):
            continue  # the controller's own check names it
        same = sorted(hosts & {_full(host, key.namespace) for host in known["spec"].get("hosts") or ()})
        if same and set(known["spec"].get("gateways") or _MESH) & set(spec.exposure.gateways):
            said = (
                f"VirtualService {key} already has host {same[0]} at the same gateway, and Istio takes one of the two"
            )
            way_out = "name it in spec.routeRefs, so that its own rules share the requests"
            yield item.finding(Level.WARNING, "HostTaken", f"{said}: {way_out}", "spec.service.hosts")


def _subsets(files: Files, item: Item, spec: CanarySpec) -> Iterator[Finding]:
    """Between releases one of the two has the requests; both must be able to have pods."""
    keys = [ObjectKey(item.key.namespace, subset.target_ref.name) for subset in spec.subsets]
    targets = [found for key in keys if (found := files.read(DEPLOYMENTS, key)) is not None]
    if len(targets) == len(keys) and all(target["spec"].get("replicas") == 0 for target in targets):
        said = f"Deployments {' and '.join(key.name for key in keys)} both have replicas: 0, so that nobody serves"
        yield item.finding(Level.WARNING, "TargetAtZero", f"{said}: give the one that serves its size", "spec.subsets")


def _full(host: str, namespace: str) -> str:
    where, name = service_of(host, namespace)
    return f"{name}.{where}.svc" if where else host


def _labels(target: Manifest | None) -> dict[str, str]:
    return dict(target["spec"]["template"]["metadata"]["labels"]) if target is not None else {}


def _words(selector: Manifest) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(selector.items()))
