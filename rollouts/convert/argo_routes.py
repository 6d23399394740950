"""Which Services and routes a Rollout's requests take, and what a Canary says of them.

There two Services, or two subsets, stand in the user's own VirtualService. Here the clients' Service stands in it, and
the controller makes the other one, so in a VirtualService of the same files the two destinations become one.
"""

from __future__ import annotations

import copy
from typing import Any

from rollouts.api.resources import Manifest
from rollouts.convert.inputs import Inputs, Source
from rollouts.convert.ledger import Cursor
from rollouts.convert.words import slug

ISTIO = "networking.istio.io"
_OTHER_ROUTERS = "requests are shared by Istio alone in this version: without routes of yours a VirtualService is made"


def service_of(inputs: Inputs, rollout: Source, stable: str, containers: list[Cursor]) -> dict[str, Any]:
    """The clients' Service; its port is that of the Service in the files, else that of the pods."""
    name = stable or slug(rollout.name, 55)
    out: dict[str, Any] = {} if name == rollout.name else {"name": name}
    known = inputs.find("", "Service", rollout.namespace, name)
    ports = known.spec.items("ports") if known is not None else []
    if ports:
        port = ports[0]
        out["port"] = port.at("port").value
        names = {"name": "portName", "targetPort": "targetPort", "appProtocol": "appProtocol"}
        out |= {new: port.at(old).value for old, new in names.items() if port.has(old)}
        if len(ports) > 1:
            rollout.spec.added(f"service.port: {out['port']}, the first of Service {name}; its others lead to the "
                               "primary alone")  # fmt: skip
        return out
    own = next((one.at("containerPort").value for box in containers for one in box.items("ports")), None)
    out["port"] = own or 80
    where = "the first of the containers" if own else "since no container says one"
    rollout.spec.added(f"service.port: {out['port']}, {where}: Service {name} is not in the files")
    return out


def routes_of(inputs: Inputs, rollout: Source, routing: Cursor, stable: str) -> list[dict[str, Any]]:
    """The VirtualServices of the user's that share the requests."""
    for name in routing.names():
        if name == "managedRoutes":
            routing.needless("rules for matches and copies are put above yours by themselves", name)
        elif name == "maxTrafficWeight":
            routing.lost("weightTotal says what weights are parts of; it is 100", name)
        elif name != "istio":
            routing.lost(_OTHER_ROUTERS, name)
    istio = routing.at("istio")
    found = [istio.at("virtualService")] if istio.has("virtualService") else istio.items("virtualServices")
    refs = [_route(inputs, rollout, one) for one in found if one.has("name")]
    _subsets(istio.at("destinationRule"), refs, stable)
    for ref in refs:
        known = inputs.find(ISTIO, "VirtualService", ref.get("namespace") or rollout.namespace, ref["name"])
        if known is not None:
            _needless_parts(known, _hosts(rollout) | {stable})
            known.made = [_one_destination(known, ref, _hosts(rollout), stable)]
            known.root.changed(f"the two destinations of the Rollout are one, Service {stable}: the controller makes "
                               "the other")  # fmt: skip
        else:
            istio.changed(f"VirtualService {ref['name']} is not in the files: leave one destination in its rules, "
                          f"Service {stable}, without subset and weight")  # fmt: skip
    return refs


def _route(inputs: Inputs, rollout: Source, source: Cursor) -> dict[str, Any]:
    named = source.text("name")
    known = inputs.find(ISTIO, "VirtualService", rollout.namespace, named)
    name, _, namespace = (named, "", "") if known is not None else named.partition(".")
    out: dict[str, Any] = {"name": name} | ({"namespace": namespace} if namespace else {})
    if source.at("routes").value:
        out["rules"] = source.take("routes")
    tls = [
        {key: one.take(key) for key in ("port", "sniHosts") if one.has(key)} for one in source.items("tlsRoutes")
    ]  # fmt: skip
    tcp = [{"port": one.take("port")} for one in source.items("tcpRoutes") if one.has("port")]
    return out | ({"tls": tls} if tls else {}) | ({"tcp": tcp} if tcp else {})


def _subsets(rule: Cursor, refs: list[dict[str, Any]], stable: str) -> None:
    for name in ("name", "canarySubsetName", "stableSubsetName"):
        rule.needless("no subset tells the two sides apart", name)
    rule.lost(
        "a third subset keeps its share if it stands in the rule, without being named here", "additionalSubsetNames"
    )
    routes = ", ".join(ref["name"] for ref in refs)
    rule.changed(f"the copy that serves and the canary are told apart by Services, {stable} and {stable}-canary, not "
                 f"by subsets: in {routes or 'the VirtualService'} the rules lead to {stable}; these subsets may go "
                 "from the DestinationRule")  # fmt: skip


def _hosts(rollout: Source) -> set[str]:
    canary = rollout.spec.at("strategy", "canary")
    return {str(canary.at(name).value) for name in ("stableService", "canaryService") if canary.has(name)}


def _needless_parts(known: Source, hosts: set[str]) -> None:
    """Weights and subsets that were the Rollout's."""
    for section in ("http", "tls", "tcp"):
        for rule in known.spec.items(section):
            for route in rule.items("route"):
                if _is_ours(route.value, hosts, ""):
                    route.needless("the controller sets it", "weight")
                    route.needless("no subset tells the two sides apart", "destination", "subset")


def _one_destination(known: Source, ref: dict[str, Any], hosts: set[str], stable: str) -> Manifest:
    """The VirtualService with one destination in the rules that are meant."""
    made: Manifest = copy.deepcopy(known.made[0] if known.made else known.root.value)
    made.pop("status", None)
    named, spec = ref.get("rules") or (), made["spec"] if isinstance(made.get("spec"), dict) else {}
    for section in ("http", "tls", "tcp"):
        for rule in _objects(spec.get(section)):
            ours = [one for one in _objects(rule.get("route")) if _is_ours(one, hosts, stable)]
            if ours and not (section == "http" and named and rule.get("name") not in named):
                rule["route"] = _together(ours, [one for one in rule["route"] if one not in ours], stable)
    return made


def _together(ours: list[Manifest], others: list[Any], stable: str) -> list[Any]:
    """One destination in the place of ours, with the share that they had together; alone it needs none."""
    destination = {name: value for name, value in ours[0]["destination"].items() if name != "subset"}
    _, dot, domain = str(destination.get("host", "")).partition(".")
    destination["host"] = f"{stable}{dot}{domain}"
    alone = {name: value for name, value in ours[0].items() if name != "weight"} | {"destination": destination}
    if others:
        weights = (one.get("weight") for one in ours)
        alone["weight"] = sum(weight for weight in weights if isinstance(weight, int))
    return [alone, *others]


def _objects(value: Any) -> list[Manifest]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _is_ours(route: Any, hosts: set[str], stable: str) -> bool:
    if not isinstance(route, dict) or not isinstance(route.get("destination"), dict):
        return False
    return str(route["destination"].get("host", "")).split(".")[0] in {*hosts, stable}
