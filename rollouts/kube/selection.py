"""What the stores keep of each kind: what the engine reads, and nothing else.

A shallow copy of what is named here; the rest of an object is dropped before anything is stored, so that a change
in it (a heartbeat, a load balancer's address, who owns which field) wakes nobody and costs no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from rollouts.api.ownership import COPY_OF_ANNOTATION, TRACKING_ANNOTATION
from rollouts.api.resources import (
    ALERT_PROVIDERS,
    ANALYSIS_TEMPLATES,
    AUTOSCALERS,
    CONFIG_MAPS,
    DAEMON_SETS,
    DEPLOYMENTS,
    DESTINATION_RULES,
    OPTIONAL,
    POLICY_NAME,
    SECRETS,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    Resource,
)
from rollouts.core.revision import CONTENT_DIGEST, content_digest

Select = Callable[[Manifest], Manifest]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

CHANGE_MARK = "changedAt"
"""A field of ours: another resourceVersion alone is no change to a store."""
_DROPPED_METADATA = frozenset({"managedFields", "selfLink"})
_DEPLOYMENT_STATUS = (
    "observedGeneration",
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "unavailableReplicas",
)
_DAEMON_SET_STATUS = (
    "observedGeneration",
    "desiredNumberScheduled",
    "currentNumberScheduled",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberMisscheduled",
)
_CONDITION = ("type", "status", "reason", "message")


def select_whole(manifest: Manifest) -> Manifest:
    """Everything but the book-keeping of server-side apply, and what is in that of kubectl."""
    return {**manifest, "metadata": _metadata(manifest["metadata"])}


def select_spec(manifest: Manifest) -> Manifest:
    """As `select_whole`, without status."""
    kept = select_whole(manifest)
    kept.pop("status", None)
    return kept


def select_deployment(manifest: Manifest) -> Manifest:
    """The whole spec, the counts of replicas, and conditions without their times, which tick by themselves."""
    status = manifest.get("status") or {}
    kept_status = _pick(status, _DEPLOYMENT_STATUS)
    if "conditions" in status:
        kept_status["conditions"] = [_pick(condition, _CONDITION) for condition in status["conditions"]]
    return {**select_spec(manifest), "status": kept_status}


def select_daemon_set(manifest: Manifest) -> Manifest:
    """The whole spec, and the counts of nodes."""
    return {**select_spec(manifest), "status": _pick(manifest.get("status") or {}, _DAEMON_SET_STATUS)}


def select_config_map(manifest: Manifest) -> Manifest:
    """Whose it is, and a digest of what is in it: there are many and large ones, and leader election beats in some.

    The policy for all is read, too.
    """
    metadata = manifest["metadata"]
    kept = _pick(metadata, ("name", "namespace", "uid", "resourceVersion", "labels", "deletionTimestamp"))
    annotations = _pick(metadata.get("annotations") or {}, (TRACKING_ANNOTATION, COPY_OF_ANNOTATION))
    header = _pick(manifest, ("apiVersion", "kind"))
    if metadata["name"] == POLICY_NAME:
        header |= _pick(manifest, ("data",))
    return {**header, "metadata": kept | {"annotations": annotations}, CONTENT_DIGEST: content_digest(manifest)}


def select_secret(manifest: Manifest) -> Manifest:
    """That it is there, and a mark that changes with it: nothing of its content, nor of annotations that repeat it."""
    metadata = manifest["metadata"]
    kept = _pick(metadata, ("name", "namespace", "uid", "resourceVersion"))
    return {"metadata": kept, CHANGE_MARK: metadata.get("resourceVersion", "")}


SELECTIONS: Mapping[Resource, Select] = MappingProxyType(
    {
        CONFIG_MAPS: select_config_map,
        SECRETS: select_secret,
        DEPLOYMENTS: select_deployment,
        DAEMON_SETS: select_daemon_set,
        SERVICES: select_spec,
        VIRTUAL_SERVICES: select_spec,
        DESTINATION_RULES: select_spec,
        AUTOSCALERS: select_spec,
        **dict.fromkeys(OPTIONAL, select_spec),
        **dict.fromkeys((ANALYSIS_TEMPLATES, ALERT_PROVIDERS), select_whole),
    }
)
"""What is kept of each kind; of kinds not named, everything (`select_whole`)."""


def is_object(candidate: object) -> bool:
    """Whether this is an object that can be stored: it has metadata with a name."""
    metadata = candidate.get("metadata") if isinstance(candidate, dict) else None
    return isinstance(metadata, dict) and isinstance(metadata.get("name"), str)


def _metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in metadata.items() if name not in _DROPPED_METADATA}
    annotations = kept.get("annotations")
    if annotations and LAST_APPLIED in annotations:
        # That it is there must be known: a patch that adds the first annotation adds the map, and would take it away.
        kept["annotations"] = {**annotations, LAST_APPLIED: ""}
    return kept


def _pick(source: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: source[name] for name in names if name in source}
