"""What a server fills in where a built-in kind leaves it out, beyond the plain defaults of field_types.py. Pure."""

from __future__ import annotations

import zlib

from rollouts.api.resources import DAEMON_SETS, DEPLOYMENTS, SERVICES, Manifest, ObjectKey, Resource

_STRATEGY = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
_UPDATE_STRATEGY = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
_FAMILY = {"internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"}


def completed(resource: Resource, manifest: Manifest, old: Manifest | None) -> Manifest:
    """The object that is to be stored, of any kind; `old` is what is stored now."""
    spec = manifest.get("spec") or {}
    if resource == DEPLOYMENTS:
        return {**manifest, "spec": {"strategy": _STRATEGY, **spec}}
    if resource == DAEMON_SETS:
        return {**manifest, "spec": {"updateStrategy": _UPDATE_STRATEGY, **spec}}
    if resource == SERVICES and spec.get("type") != "ExternalName":
        ports = [{"targetPort": port["port"], **port} for port in spec.get("ports") or []]
        address = spec.get("clusterIP") or (old or {}).get("spec", {}).get("clusterIP") or _allotted(manifest)
        addresses = {"clusterIP": address, "clusterIPs": [address]}
        return {**manifest, "spec": {**_FAMILY, **spec, **addresses, **({"ports": ports} if ports else {})}}
    return manifest


def _allotted(service: Manifest) -> str:
    """An address for a Service: the same for the same name. Nothing answers there."""
    number = zlib.crc32(str(ObjectKey.of(service)).encode())
    return f"10.96.{number >> 8 & 255}.{number & 255}"
