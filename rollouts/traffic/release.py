"""How the two objects that clients use are given back when a Canary goes: they lead to the target, past our Services.

Pure. Neither is deleted, whoever made it: clients use it, and a VirtualService may hold rules, hosts and gateways that
nothing else serves. Each is changed by one JSON Patch that fails if the object has changed since it was read. What we
made keeps the label with the Canary's name: a Canary of that name takes it up again as its own. (Taken for a user's, a
Service would lose its ports: server-side apply removes what one manager applied and then no longer names.)
"""

from __future__ import annotations

import json
from typing import Any

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import (
    APPLIED_ANNOTATION,
    APPLIED_FIELDS_ANNOTATION,
    ORIGINAL_SELECTOR_ANNOTATION,
    UID_LABEL,
    Owner,
)
from rollouts.api.resources import Manifest
from rollouts.traffic.istio_metadata import annotations_of, at_version
from rollouts.traffic.istio_patch import child
from rollouts.traffic.istio_rule import names_service
from rollouts.traffic.istio_shape import rule_name
from rollouts.traffic.metadata import HANDS_OFF, canary_service, primary_service

_MIRROR = ("mirror", "mirrorPercentage", "mirrorPercent", "mirror_percent")


def release_service_operations(apex: Manifest, ours: dict[str, str], target: Manifest) -> list[Manifest]:
    """Operations after which the clients' Service selects the target's pods; empty if it does, and is not held by us.

    `ours` selects the primary. What the user had selected comes back if it still selects the target's pods.
    """
    spec, wanted = apex["spec"], _selector(apex, target)
    selector = {"op": "replace", "path": "/spec/selector", "value": wanted}
    operations = [selector] if spec.get("selector") == ours and wanted != ours else []
    if UID_LABEL in _labels(apex):
        operations += _unmarked(apex)
    operations += _without("annotations", annotations_of(apex), (ORIGINAL_SELECTOR_ANNOTATION,))
    return at_version(apex, operations)


def release_route_operations(owner: Owner, spec: CanarySpec, manifest: Manifest) -> list[Manifest]:
    """Operations after which no rule of the VirtualService names our two Services; empty if none does.

    Requests that either had go to the clients' Service; shares of others, and all else that others put into the rules,
    stay.
    """
    operations = []
    for section in ("http", "tcp"):
        rules = (manifest.get("spec") or {}).get(section) or []
        released = [_released(owner, spec, rule) for rule in rules if not _is_spare(owner, spec, rule)]
        operations += [{"op": "replace", "path": f"/spec/{section}", "value": released}] if released != rules else []
    return at_version(manifest, operations + _unmarked(manifest))


def _selector(apex: Manifest, target: Manifest) -> dict[str, str]:
    pods: dict[str, str] = target["spec"]["template"].get("metadata", {}).get("labels") or {}
    kept = _parsed(annotations_of(apex).get(ORIGINAL_SELECTOR_ANNOTATION, ""))
    if kept and kept.items() <= pods.items():
        return kept
    own: dict[str, str] = target["spec"].get("selector", {}).get("matchLabels") or {}
    return own or pods


def _parsed(selector: str) -> dict[str, str]:
    """What the annotation says; nothing if somebody has mangled it."""
    try:
        found = json.loads(selector)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_spare(owner: Owner, spec: CanarySpec, rule: Manifest) -> bool:
    """Whether a rule picks requests for one of our two only: without it our last rule takes them to the same place."""
    routes = rule.get("route") or []
    ours = all(_names_ours(owner, spec, route.get("destination")) for route in routes)
    return str(rule.get("name", "")).startswith(f"{rule_name(owner)}-") and ours


def _released(owner: Owner, spec: CanarySpec, rule: Manifest) -> Manifest:
    """The rule with one destination in place of our two, and without copies of requests to ours."""
    after = {key: value for key, value in rule.items() if key not in (*_MIRROR, "mirrors", "route")}
    if not _names_ours(owner, spec, rule.get("mirror")):
        after |= {key: rule[key] for key in _MIRROR if key in rule}
    mirrors = [one for one in rule.get("mirrors") or [] if not _names_ours(owner, spec, one.get("destination"))]
    if mirrors:
        after["mirrors"] = mirrors
    if "route" in rule:
        after["route"] = _routes(owner, spec, rule["route"] or [])
    return after


def _routes(owner: Owner, spec: CanarySpec, routes: list[Manifest]) -> list[Manifest]:
    ours = [route for route in routes if _names_ours(owner, spec, route.get("destination"))]
    if not ours:
        return routes
    destination: dict[str, Any] = {"host": spec.service_name, "port": {"number": spec.exposure.port}}
    # Where a Canary of that name has gone before, this stands there already.
    same = [route for route in routes if _is_entrance(owner, spec, route, destination)]
    others = [route for route in routes if route not in ours and route not in same]
    weight = {"weight": sum(route.get("weight") or 0 for route in (*ours, *same))} if others else {}
    return [{"destination": destination, **weight}, *others]


def _is_entrance(owner: Owner, spec: CanarySpec, route: Manifest, destination: dict[str, Any]) -> bool:
    """Whether it leads to the clients' Service and does nothing else."""
    found = route.get("destination") or {}
    plain = route.keys() <= {"destination", "weight"} and found.keys() <= {"host", "port"}
    named = names_service(found.get("host", ""), spec.service_name, owner.namespace)
    return plain and named and found.get("port", destination["port"]) == destination["port"]


def _names_ours(owner: Owner, spec: CanarySpec, destination: Manifest | None) -> bool:
    host, name = (destination or {}).get("host", ""), spec.service_name
    return any(
        names_service(host, service, owner.namespace) for service in (primary_service(name), canary_service(name))
    )


def _unmarked(manifest: Manifest) -> list[Manifest]:
    """Operations that leave of our marks only the label with the Canary's name."""
    labels = _without("labels", _labels(manifest), (UID_LABEL,))
    return labels + _without(
        "annotations", annotations_of(manifest), (*HANDS_OFF, APPLIED_ANNOTATION, APPLIED_FIELDS_ANNOTATION)
    )


def _without(place: str, known: dict[str, str], keys: tuple[str, ...]) -> list[Manifest]:
    found = [key for key in keys if key in known]
    return [{"op": "remove", "path": child(f"/metadata/{place}", key)} for key in found]


def _labels(manifest: Manifest) -> dict[str, str]:
    return manifest["metadata"].get("labels") or {}
