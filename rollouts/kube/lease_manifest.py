"""A replica's Lease as the API server has it, and back. Pure.

The times in it are for people: who judges whether it has run out looks at how long it has stayed as it is.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from rollouts.api.resources import GROUP, LEASES, Manifest, ObjectKey
from rollouts.core.lease import Lease
from rollouts.core.shares import read_share
from rollouts.ports import Create, Delete, PatchJson

REPLICA_LABEL = f"{GROUP}/replica"
SHARE_ANNOTATION = f"{GROUP}/share"
_PREFIX = "rollouts-"
_DURATION_DEFAULT_S, _DURATION_MAX_S = 15, 3600


def read_lease(manifest: Manifest) -> Lease | None:
    """The Lease of a replica of the controller; None of any other."""
    metadata, spec = manifest["metadata"], manifest.get("spec") or {}
    replica = (metadata.get("labels") or {}).get(REPLICA_LABEL)
    if not replica:
        return None
    duration_s = spec.get("leaseDurationSeconds") or _DURATION_DEFAULT_S
    return Lease(
        replica,
        str(spec.get("holderIdentity") or ""),
        timedelta(seconds=min(duration_s, _DURATION_MAX_S)),
        read_share((metadata.get("annotations") or {}).get(SHARE_ANNOTATION, "")),
        since=metadata.get("creationTimestamp", ""),
        version=metadata["resourceVersion"],
        uid=metadata["uid"],
    )


def key_of(lease: Lease, namespace: str) -> ObjectKey:
    """Where it is kept."""
    return ObjectKey(namespace, f"{_PREFIX}{lease.replica}")


def render_write(lease: Lease, namespace: str, now: datetime) -> Create | PatchJson:
    """What makes it, or changes it at its version and nowhere else.

    No PUT: of this kind the server makes one that is gone anew.
    """
    key = key_of(lease, namespace)
    annotations = {SHARE_ANNOTATION: str(lease.share)} if lease.share is not None else {}
    time = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {
        "holderIdentity": lease.incarnation,
        "leaseDurationSeconds": round(lease.duration.total_seconds()),
        "renewTime": time,
    }
    if lease.version:
        return PatchJson(LEASES, key, [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": lease.version},
            {"op": "add", "path": "/metadata/annotations", "value": annotations},
            {"op": "replace", "path": "/spec", "value": spec},
        ])  # fmt: skip
    labels = {"app.kubernetes.io/part-of": "rollouts", REPLICA_LABEL: lease.replica}
    metadata = {"name": key.name, "namespace": namespace, "labels": labels, "annotations": annotations}
    manifest = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata}
    return Create(LEASES, {**manifest, "spec": spec})


def render_delete(lease: Lease, namespace: str) -> Delete:
    """What ends it, as it was read and in no other state."""
    return Delete(LEASES, key_of(lease, namespace), lease.uid, lease.version)
