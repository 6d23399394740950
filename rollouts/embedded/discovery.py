"""What a client is told when it asks what is served: versions, groups, resources. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rollouts import __version__
from rollouts.api.resources import Manifest
from rollouts.embedded.kinds import Kind

KUBERNETES = ("1", "36", "v1.36.0+rollouts.embedded")
"""Whose API this is a part of: major, minor and what is shown."""


def version() -> Manifest:
    """The answer to /version."""
    major, minor, shown = KUBERNETES
    return {
        "major": major, "minor": minor, "gitVersion": shown, "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "", "platform": f"rollouts/{__version__}",
    }  # fmt: skip


def core_versions() -> Manifest:
    """The answer to /api."""
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def groups(kinds: Sequence[Kind]) -> Manifest:
    """The answer to /apis."""
    found: dict[str, list[str]] = {}
    for kind in kinds:
        versions = found.setdefault(kind.resource.group, [])
        if kind.resource.version not in versions:
            versions.append(kind.resource.version)
    found.pop("", None)
    listed = [_group(name, versions) for name, versions in found.items()]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}


def group(kinds: Sequence[Kind], name: str) -> Manifest | None:
    """The answer to /apis/GROUP."""
    found = next((each for each in groups(kinds)["groups"] if each["name"] == name), None)
    return None if found is None else {"kind": "APIGroup", "apiVersion": "v1", **found}


def resources(kinds: Sequence[Kind], path: str) -> Manifest | None:
    """The answer to /api/v1 or /apis/GROUP/VERSION; None if nothing is served there."""
    served = [kind for kind in kinds if kind.path == path]
    if not served:
        return None
    listed = [entry for kind in served for entry in _entries(kind)]
    version_served = served[0].resource.api_version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version_served, "resources": listed}


def _group(name: str, versions: Sequence[str]) -> Manifest:
    served = [{"groupVersion": f"{name}/{each}", "version": each} for each in versions]
    return {"name": name, "versions": served, "preferredVersion": served[0]}


def _entries(kind: Kind) -> list[Manifest]:
    resource = kind.resource
    entry: Manifest = {
        "name": resource.plural,
        "singularName": resource.kind.lower(),
        "namespaced": kind.namespaced,
        "kind": resource.kind,
        "verbs": list(kind.verbs),
    }
    entry |= {"shortNames": list(kind.short_names)} if kind.short_names else {}
    entry |= {"categories": list(kind.categories)} if kind.categories else {}
    return [entry, *(_subresource(kind, name) for name in sorted(kind.subresources))]


def _subresource(kind: Kind, name: str) -> Manifest:
    scale = {"group": "autoscaling", "version": "v1"} if name == "scale" else {}
    return {
        "name": f"{kind.resource.plural}/{name}", "singularName": "", "namespaced": kind.namespaced,
        "kind": "Scale" if scale else kind.resource.kind, "verbs": ["get", "patch", "update"], **scale,
    }  # fmt: skip
