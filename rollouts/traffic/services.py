"""The three Services of a Canary: the one that clients use, and one for each copy, so that a route can name them.

Pure. Knows nothing of meshes, weights or how manifests reach the API server.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from rollouts.api.canary import CanarySpec
from rollouts.api.exposure import ExtraMetadata
from rollouts.api.ownership import ORIGINAL_SELECTOR_ANNOTATION, Owner
from rollouts.api.resources import SERVICES, Manifest
from rollouts.core.selector import SelectorLabel
from rollouts.traffic.metadata import canary_service, primary_service, render_metadata


@dataclass(frozen=True, slots=True)
class Services:
    """Whole manifests for server-side apply."""

    apex: Manifest
    """The one that clients use; it selects the primary, so that callers outside the mesh get proven code."""
    primary: Manifest
    canary: Manifest


def render_services(owner: Owner, spec: CanarySpec, selector: SelectorLabel) -> Services:
    """The Services as they are to be, one port each."""
    name, service = spec.service_name, spec.exposure
    return Services(
        apex=_service(owner, spec, name, selector.primary(), service.apex),
        primary=_service(owner, spec, primary_service(name), selector.primary(), service.primary),
        canary=_service(owner, spec, canary_service(name), selector.canary(), service.canary),
    )


def render_apex_selector(owner: Owner, spec: CanarySpec, selector: SelectorLabel, apex: Manifest) -> Manifest:
    """What is applied to an apex Service that the user already had: our selector, and theirs kept in an annotation.

    `apex` is that Service as it is now. Ports and the user's metadata are not in it, so they stay the user's.
    """
    return {
        "apiVersion": SERVICES.api_version,
        "kind": SERVICES.kind,
        "metadata": {
            "name": spec.service_name,
            "namespace": owner.namespace,
            "annotations": {ORIGINAL_SELECTOR_ANNOTATION: _original_selector(apex, selector)},
        },
        "spec": {"selector": selector.primary()},
    }


def _original_selector(apex: Manifest, selector: SelectorLabel) -> str:
    """As JSON, what the user last wanted: what is there now unless that is ours, then what was kept before."""
    kept = (apex["metadata"].get("annotations") or {}).get(ORIGINAL_SELECTOR_ANNOTATION)
    current = apex["spec"].get("selector") or {}
    if kept is not None and current == selector.primary():
        return str(kept)
    return json.dumps(current, sort_keys=True, separators=(",", ":"))


def _service(
    owner: Owner, spec: CanarySpec, name: str, selected: dict[str, str], extra: ExtraMetadata | None
) -> Manifest:
    service = spec.exposure
    port = {
        "name": service.port_name,
        "port": service.port,
        # Part of the list's key in server-side apply, so never left to a default.
        "protocol": "TCP",
        "targetPort": service.port if service.target_port is None else service.target_port,
    }
    protocol = {"appProtocol": service.app_protocol} if service.app_protocol is not None else {}
    return {
        "apiVersion": SERVICES.api_version,
        "kind": SERVICES.kind,
        "metadata": render_metadata(owner, name, extra, parts=protocol),
        "spec": {"selector": selected, "ports": [port | protocol]},
    }
