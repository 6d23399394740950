"""What stands in the cells of the built-in kinds' columns: each a function of the object and the present. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from rollouts.api.resources import Manifest
from rollouts.embedded.ages import UNKNOWN, age_of
from rollouts.embedded.json_path import found

Cell = Callable[[Manifest, datetime], Any]
NONE = "<none>"


def at(path: str, default: Any = "") -> Cell:
    """The value at a JSONPath."""
    return lambda manifest, _now: next(iter(found(path, manifest)), default)


def since(path: str) -> Cell:
    """The age of the stamp at a JSONPath."""
    return lambda manifest, now: age_of(next(iter(found(path, manifest)), None), now)


def selector(path: str) -> Cell:
    """The labels that are selected by, from a selector or a label selector at a path."""

    def cell(manifest: Manifest, _now: datetime) -> str:
        selector = next(iter(found(path, manifest)), None) or {}
        labels = selector.get("matchLabels", {}) if "match" in str(selector.keys()) else selector
        return ",".join(f"{name}={value}" for name, value in sorted(labels.items())) or NONE

    return cell


def of_containers(field: str) -> Cell:
    """One field of all containers of the pod template."""
    path = f".spec.template.spec.containers[*].{field}"
    return lambda manifest, _now: ",".join(str(each) for each in found(path, manifest))


def ready_replicas(manifest: Manifest, _now: datetime) -> str:
    """Ready pods of those that are wanted."""
    return f"{manifest.get('status', {}).get('readyReplicas', 0)}/{manifest.get('spec', {}).get('replicas', 1)}"


def keys(*fields: str) -> Cell:
    """How many keys these maps have."""
    return lambda manifest, _now: sum(len(manifest.get(field) or {}) for field in fields)


def ports(manifest: Manifest, _now: datetime) -> str:
    """A Service's ports as `80:30080/TCP`."""
    ports = manifest.get("spec", {}).get("ports", [])
    return ",".join(
        f"{port['port']}{':' + str(port['nodePort']) if port.get('nodePort') else ''}/{port.get('protocol', 'TCP')}"
        for port in ports
    ) or NONE  # fmt: skip


def external(manifest: Manifest, _now: datetime) -> str:
    """Where a Service is reached from outside."""
    spec = manifest.get("spec", {})
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName", ""))
    ingress = found(".status.loadBalancer.ingress[*]", manifest)
    addresses = [str(each.get("ip") or each.get("hostname")) for each in ingress] + spec.get("externalIPs", [])
    return ",".join(addresses) or ("<pending>" if spec.get("type") == "LoadBalancer" else NONE)


def last_seen(manifest: Manifest, now: datetime) -> str:
    """How long ago an event happened last."""
    stamps = (".series.lastObservedTime", ".lastTimestamp", ".firstTimestamp", ".eventTime")
    return age_of(next((value for path in stamps for value in found(path, manifest) if value), None), now)


def first_seen(manifest: Manifest, now: datetime) -> str:
    """How long ago an event happened first."""
    return age_of(manifest.get("firstTimestamp") or manifest.get("eventTime"), now)


def times(manifest: Manifest, _now: datetime) -> int:
    """How often an event happened."""
    return int(manifest.get("series", {}).get("count") or manifest.get("count") or 1)


def involved(manifest: Manifest, _now: datetime) -> str:
    """Whom an event is about, as `canary/web`."""
    involved = manifest.get("involvedObject", {})
    return "/".join(part for part in (str(involved.get("kind", "")).lower(), involved.get("name", "")) if part)


def source(manifest: Manifest, _now: datetime) -> str:
    """Who tells of an event."""
    source = manifest.get("source") or {}
    named = [source.get("component") or manifest.get("reportingComponent"), source.get("host")]
    return ", ".join(name for name in named if name)


def target(manifest: Manifest, _now: datetime) -> str:
    """What an autoscaler scales, as `Deployment/web`."""
    reference = manifest.get("spec", {}).get("scaleTargetRef", {})
    return f"{reference.get('kind', '')}/{reference.get('name', '')}"


def goals(manifest: Manifest, _now: datetime) -> str:
    """An autoscaler's metrics: `cpu: 20%/50%`."""
    now_by_name = {each.get("resource", {}).get("name"): each for each in found(".status.currentMetrics[*]", manifest)}
    goals = []
    for metric in manifest.get("spec", {}).get("metrics") or []:
        resource = metric.get("resource", {})
        current = now_by_name.get(resource.get("name"), {}).get("resource", {}).get("current", {})
        goals.append(f"{resource.get('name', metric.get('type', ''))}: {_level(current)}/{_level(resource['target'])}"
                     if "target" in resource else f"{UNKNOWN}/auto")  # fmt: skip
    return ", ".join(goals) or NONE


def _level(amount: Mapping[str, Any]) -> str:
    if amount.get("averageUtilization") is not None:
        return f"{amount['averageUtilization']}%"
    return str(amount.get("averageValue") or UNKNOWN)
