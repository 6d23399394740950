"""The objects that the user applies: the application of the example, whose variables come from configuration. Pure."""

from __future__ import annotations

import base64
import copy
from typing import Any

from e2e.play.manifests import example, inward, moved, paced
from e2e.play.seen import TARGET

Json = dict[str, Any]
OTHER = "other"
"""The application that shares the configuration."""
SETTINGS = "settings"
TUNING = "tuning"
RESYNC_S = 5.0
"""How soon a changed Secret is seen."""


def config_map(version: str, binary: bytes = b"\x00\x01") -> Json:
    """The version that pods answer with, and bytes that are no text."""
    data = {"data": {"VERSION": version}, "binaryData": {"KEY": base64.b64encode(binary).decode()}}
    return _object("ConfigMap", SETTINGS) | data


def secret(error_rate: str) -> Json:
    """The share of answers that are errors."""
    return _object("Secret", TUNING) | {"stringData": {"ERROR_RATE": error_rate}}


def deployment(name: str = TARGET) -> Json:
    """The example's Deployment, but for where two of its variables come from."""
    changed = moved(copy.deepcopy(example("deployment")), "default", name)
    changed["spec"]["selector"]["matchLabels"] = {"app": name}
    template = changed["spec"]["template"]
    template["metadata"]["labels"] = {"app": name}
    (container,) = template["spec"]["containers"]
    rest = [entry for entry in container["env"] if entry["name"] not in {"VERSION", "ERROR_RATE"}]
    version = {"configMapKeyRef": {"name": SETTINGS, "key": "VERSION"}}
    container["env"] = [{"name": "VERSION", "valueFrom": version}, *rest]
    container["envFrom"] = [{"secretRef": {"name": TUNING}}]
    return changed


def canary(interval_s: float, name: str = TARGET) -> Json:
    """The example's Canary; that of the other application waits for a person before each release."""
    changed = paced(example("canary"), interval_s)
    changed["spec"] |= {"configResync": f"{RESYNC_S:g}s", "targetRef": {"name": name}}
    if name == TARGET:
        return changed
    changed = inward(moved(changed, "default", name))
    changed["spec"]["analysis"]["webhooks"] = [{"type": "confirm-rollout", "name": "approval"}]
    return changed


def _object(kind: str, name: str) -> Json:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "default"}}
