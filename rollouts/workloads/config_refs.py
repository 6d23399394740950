"""Which ConfigMaps and Secrets a pod template refers to, and the same template with references to others. Pure.

Environment variables, all keys of an object as environment, volumes, projected volumes, in containers and init
containers. Not what the kubelet uses for itself: imagePullSecrets, and credentials of storage drivers.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rollouts.api.resources import CONFIG_MAPS, SECRETS, Manifest, Resource

_FIELDS = ("name", "secretName")
"""Where a reference says which object it means: a volume's Secret in its own way."""


@dataclass(frozen=True, slots=True, order=True)
class ConfigRef:
    """One object, however often it is referred to. `kind` as in manifests."""

    kind: str
    name: str
    optional: bool = False
    """Whether the pods start without it: every reference says so."""

    @property
    def resource(self) -> Resource:
        """Where its kind lives."""
        return SECRETS if self.kind == SECRETS.kind else CONFIG_MAPS

    def __str__(self) -> str:
        """As `Secret/name`."""
        return f"{self.kind}/{self.name}"


Names = Mapping[tuple[str, str], str]
"""From kind and name to another name."""


def references(template: Manifest) -> tuple[ConfigRef, ...]:
    """All that a template refers to, each once, by kind and name."""
    found: dict[tuple[str, str], bool] = {}
    for kind, place, field in _places(template):
        known = found.get((kind, place[field]), True)
        found[kind, place[field]] = known and bool(place.get("optional"))
    return tuple(sorted(ConfigRef(kind, name, optional) for (kind, name), optional in found.items()))


def rewritten(template: Manifest, names: Names) -> Manifest:
    """The same template with the names that `names` gives; what it does not name stays."""
    changed = copy.deepcopy(template)
    for kind, place, field in _places(changed):
        place[field] = names.get((kind, place[field]), place[field])
    return changed


def _places(template: Manifest) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Every reference that names something: its kind, the mapping that it is, and the field that holds the name."""
    spec = template.get("spec") or {}
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        for variable in container.get("env") or ():
            yield from _named(variable.get("valueFrom"), "configMapKeyRef", "secretKeyRef")
        for source in container.get("envFrom") or ():
            yield from _named(source, "configMapRef", "secretRef")
    for volume in spec.get("volumes") or ():
        yield from _named(volume, "configMap", "secret")
        for source in (volume.get("projected") or {}).get("sources") or ():
            yield from _named(source, "configMap", "secret")


def _named(holder: Any, *keys: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    """What stands in `holder` under these keys: first that for a ConfigMap, then that for a Secret."""
    for key, resource in zip(keys, (CONFIG_MAPS, SECRETS), strict=True):
        place = holder.get(key) if isinstance(holder, dict) else None
        if isinstance(place, dict):
            yield from ((resource.kind, place, field) for field in _FIELDS if place.get(field))
