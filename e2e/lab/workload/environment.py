"""A container's environment as a kubelet would make it: literals, and what ConfigMaps and Secrets hold when it starts.

Pure: containers and a look-up in, variables out. A pod that needs what does not exist does not start; who asked may
ask again when there is more.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping

from e2e.lab.workload.behaviour import BadVariableError
from e2e.lab.workload.views import Json

CONFIG_MAP = "ConfigMap"
SECRET = "Secret"  # noqa: S105 - the name of a kind

Lookup = Callable[[str, str], Mapping[str, str] | None]
"""The data of an object by kind and name, in the pod's namespace; None if there is none."""
_REFERENCES = (("configMapKeyRef", CONFIG_MAP), ("secretKeyRef", SECRET))
_SOURCES = (("configMapRef", CONFIG_MAP), ("secretRef", SECRET))


class MissingConfigError(Exception):
    """A container names an object or a key that is not there: it starts as soon as it is."""


def read_env(containers: Iterable[Json], lookup: Lookup) -> dict[str, str]:
    """The environment of a pod's containers in one; the first container that sets a variable wins.

    Raises MissingConfigError for what is not there and not optional, BadVariableError for what the lab does not follow.
    """
    env: dict[str, str] = {}
    for container in containers:
        own: dict[str, str] = {}
        for source in container.get("envFrom") or ():
            own |= _all_of(source, lookup)
        for entry in container.get("env") or ():
            own |= _one_of(entry, lookup)
        env = own | env
    return env


def read_data(item: Json) -> dict[str, str]:
    """What a ConfigMap or Secret holds that can be a variable: bytes that are no text are left out."""
    if item.get("kind") != SECRET:
        return dict(item.get("data") or {})
    return dict(_decoded(item.get("data") or {}))


def _decoded(data: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, value in data.items():
        try:
            yield key, base64.b64decode(value).decode()
        except ValueError:
            continue


def _all_of(source: Json, lookup: Lookup) -> dict[str, str]:
    for field, kind in _SOURCES:
        if field in source:
            data = lookup(kind, source[field]["name"])
            if data is None and not source[field].get("optional"):
                raise MissingConfigError(f"{kind} {source[field]['name']} does not exist")
            return {source.get("prefix", "") + key: value for key, value in (data or {}).items()}
    return {}


def _one_of(entry: Json, lookup: Lookup) -> dict[str, str]:
    if "valueFrom" not in entry:
        return {entry["name"]: entry.get("value", "")}
    for field, kind in _REFERENCES:
        if field in entry["valueFrom"]:
            wanted = entry["valueFrom"][field]
            found = (lookup(kind, wanted["name"]) or {}).get(wanted["key"])
            if found is not None:
                return {entry["name"]: found}
            if wanted.get("optional"):
                return {}
            raise MissingConfigError(f"{kind} {wanted['name']} has no {wanted['key']}, or does not exist")
    raise BadVariableError(entry["name"], "takes its value from what the lab does not follow (valueFrom)")
