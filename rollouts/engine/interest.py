"""Which Canaries care about a changed object: the other way round from what a Canary reads. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rollouts.api.known import Known
from rollouts.api.ownership import APPLIED_ANNOTATION, MANAGED_BY, MANAGED_BY_LABEL
from rollouts.api.resources import (
    ANALYSIS_TEMPLATES,
    CANARIES,
    CONFIG_MAPS,
    DAEMON_SETS,
    DEPLOYMENTS,
    DESTINATION_RULES,
    POLICY_NAME,
    SECRETS,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)
from rollouts.engine.companions import COMPANIONS, companion_kinds
from rollouts.engine.config_tracking import ConfigTracking
from rollouts.engine.turns import next_in_turn
from rollouts.ports import Cluster
from rollouts.traffic.destination_rules import service_meant
from rollouts.traffic.metadata import canary_service

_OF_EVERY_MODE = frozenset({DEPLOYMENTS, DAEMON_SETS, SERVICES, VIRTUAL_SERVICES, DESTINATION_RULES})

_TRACKING = ConfigTracking()


def interested(cluster: Cluster, resource: Resource, key: ObjectKey) -> Iterator[ObjectKey]:
    """The Canaries to look at again when `key` of `resource` has changed.

    Two Canaries on one target wake each other, so that the second goes on when the first is deleted.
    """
    if resource == CANARIES:
        yield key
        yield from _rivals(cluster, key)
        yield from _next_in_turn(cluster)
        return
    if resource == ANALYSIS_TEMPLATES:
        yield from (one.key for one in cluster.list_all(CANARIES).known if key in one.told(_template_keys))
        return
    if resource == SECRETS:
        readers = cluster.list_all(CANARIES, key.namespace).known
        yield from (one.key for one in readers if _TRACKING.concerns(cluster, one, resource, key))
        return
    if resource == CONFIG_MAPS and key.name == POLICY_NAME:
        yield from (one.key for one in cluster.list_all(CANARIES).known)
    accompanied = set(_accompanied(cluster, resource, key)) if resource in companion_kinds() else set()
    yield from accompanied
    if resource not in _OF_EVERY_MODE:
        return
    # A DestinationRule, or a Service of another namespace, may be about a host that any Canary's routes name.
    anywhere = resource in {DESTINATION_RULES, SERVICES}
    far = anywhere or resource == VIRTUAL_SERVICES
    rule = cluster.read(DESTINATION_RULES, key) if resource == DESTINATION_RULES else None
    for canary in cluster.list_all(CANARIES, "" if far else key.namespace).known:
        near = canary.key.namespace == key.namespace
        led = far and bool(canary.told(route_keys))
        if not (near or led):
            continue  # most of them, where there are many
        named = near and key.name in canary.told(_names)
        named = named or (resource == VIRTUAL_SERVICES and key in canary.told(route_keys))
        named = named or (resource == DESTINATION_RULES and near and _inherits(cluster, rule, canary))
        if (named or (anywhere and led)) and canary.key not in accompanied:
            yield canary.key


def _inherits(cluster: Cluster, rule: Manifest | None, canary: Known) -> bool:
    """Whether the DestinationRule is the user's for the clients' Service, or may have been when it was last looked at:

    of one that is gone, or is about another host now, nobody knows what it said. Tolerates a spec that is invalid.
    """
    namespace, service = canary.key.namespace, canary.told(_service)
    if rule is not None and service_meant(rule) == (namespace, service):
        return True
    if rule is not None and (rule["metadata"].get("labels") or {}).get(MANAGED_BY_LABEL) == MANAGED_BY:
        return False
    ours = cluster.list_all(DESTINATION_RULES, namespace).find(ObjectKey(namespace, canary_service(service)))
    return bool(service) and ours is not None and ours.told(_has_inherited)


def _service(canary: Manifest) -> str:
    return name_in(canary, "service") or name_in(canary, "targetRef")


def _has_inherited(rule: Manifest) -> bool:
    return bool((rule["metadata"].get("annotations") or {}).get(APPLIED_ANNOTATION))


def _rivals(cluster: Cluster, key: ObjectKey) -> Iterator[ObjectKey]:
    """Those that want what the changed one wants; of one that is gone nobody knows any more what that was."""
    canaries = cluster.list_all(CANARIES)
    changed = canaries.find(key)
    names = set(changed.told(_names)) if changed is not None else None
    routes = changed.told(route_keys) if changed is not None else None
    for canary in canaries.known:
        near, theirs = canary.key.namespace == key.namespace, canary.told(route_keys)
        if not (near or theirs) or canary.key == key:
            continue
        led = routes is None or not routes.isdisjoint(theirs)
        if led or (near and (names is None or not names.isdisjoint(canary.told(_names)))):
            yield canary.key


def route_keys(canary: Manifest) -> frozenset[ObjectKey]:
    """The user's routes that a Canary steers. Tolerates a spec that is invalid."""
    own = canary["metadata"]["namespace"]
    refs = entries_in(canary, "routeRefs")
    return frozenset(ObjectKey(str(ref.get("namespace") or own), str(ref.get("name") or "")) for ref in refs)


def _template_keys(canary: Manifest) -> frozenset[ObjectKey]:
    """The templates that a Canary's metrics name. Tolerates a spec that is invalid."""
    own, spec = canary["metadata"]["namespace"], canary.get("spec")
    analysis = spec.get("analysis") if isinstance(spec, dict) else None
    metrics = analysis.get("metrics") if isinstance(analysis, dict) else None
    found = [one.get("templateRef") for one in metrics if isinstance(one, dict)] if isinstance(metrics, list) else []
    refs = [ref for ref in found if isinstance(ref, dict)]
    return frozenset(ObjectKey(str(ref.get("namespace") or own), str(ref.get("name") or "")) for ref in refs)


def _next_in_turn(cluster: Cluster) -> Iterator[ObjectKey]:
    """Who may start if a place is free now; when it has, the next one hears of that."""
    if (waiting := next_in_turn(cluster.list_all(CANARIES).known)) is not None:
        yield waiting


def _accompanied(cluster: Cluster, resource: Resource, key: ObjectKey) -> Iterator[ObjectKey]:
    reading = [companion for companion in COMPANIONS if resource in companion.kinds]
    for canary in cluster.list_all(CANARIES, key.namespace).known:
        if any(companion.concerns(cluster, canary, resource, key) for companion in reading):
            yield canary.key


def _names(canary: Manifest) -> tuple[str, ...]:
    """The names of all objects that a Canary reads or makes. Tolerates a spec that is invalid."""
    if entries_in(canary, "subsets"):
        return target_names(canary)
    named = dict.fromkeys((name_in(canary, "targetRef"), _service(canary)))
    return tuple(f"{name}{suffix}" for name in named for suffix in ("", "-primary", "-canary"))


def target_names(canary: Manifest) -> tuple[str, ...]:
    """The names of the workloads that a Canary releases. Tolerates a spec that is invalid."""
    refs = (subset.get("targetRef") for subset in entries_in(canary, "subsets"))
    swapped = (str(ref.get("name") or "") for ref in refs if isinstance(ref, dict))
    return tuple(name for name in dict.fromkeys((name_in(canary, "targetRef"), *swapped)) if name)


def entries_in(canary: Manifest, field: str) -> list[Manifest]:
    """The objects in the list `spec.<field>` of a Canary as it is stored. Tolerates a spec of any shape."""
    spec = canary.get("spec")
    part = spec.get(field) if isinstance(spec, dict) else None
    return [item for item in part if isinstance(item, dict)] if isinstance(part, list) else []


def name_in(canary: Manifest, field: str) -> str:
    """`spec.<field>.name` of a Canary as it is stored; empty if there is none. Tolerates a spec of any shape."""
    spec = canary.get("spec")
    part = spec.get(field) if isinstance(spec, dict) else None
    return str(part.get("name") or "") if isinstance(part, dict) else ""
