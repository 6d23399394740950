"""What is wrong with the metadata of an object, of whatever kind.

Source: k8s.io/apimachinery/pkg/api/validation/objectmeta.go.
"""

from __future__ import annotations

from typing import Any

from rollouts.admission.complaint import Complaint, forbidden, invalid, required, too_long
from rollouts.admission.correlation import ABSENT
from rollouts.admission.names import key_faults, subdomain_faults, value_faults

ANNOTATIONS_LIMIT = 256 * 1024
"""Bytes of all annotations of an object, keys and values."""

_IDENTITY = ("name", "namespace", "uid")
_OWNER = {"apiVersion": "version must not be empty"} | dict.fromkeys(("kind", "name", "uid"), "must not be empty")


def check_metadata(metadata: dict[str, Any], old: Any = ABSENT) -> list[Complaint]:
    """All that is wrong with it; `old` is that of the object that is changed."""
    named = _check_identity(metadata, old) if isinstance(old, dict) else _check_name(metadata)
    return [
        *named,
        *_check_labels(metadata.get("labels") or {}),
        *_check_annotations(metadata.get("annotations") or {}),
        *_check_owners(metadata.get("ownerReferences") or []),
        *(
            invalid("metadata.finalizers", name, fault)
            for name in metadata.get("finalizers") or []
            for fault in key_faults(name)
        ),
    ]


def _check_name(metadata: dict[str, Any]) -> list[Complaint]:
    prefix, name = metadata.get("generateName") or "", metadata.get("name") or ""
    stem = f"{prefix[:-1]}a" if prefix.endswith("-") else prefix
    found = [
        *(invalid("metadata.generateName", prefix, fault) for fault in (subdomain_faults(stem) if prefix else ())),
        *(invalid("metadata.name", name, fault) for fault in (subdomain_faults(name) if name else ())),
    ]
    return found if name or prefix else [*found, required("metadata.name", "name or generateName is required")]


def _check_identity(metadata: dict[str, Any], old: dict[str, Any]) -> list[Complaint]:
    return [
        invalid(f"metadata.{name}", metadata[name], "field is immutable")
        for name in _IDENTITY
        if metadata.get(name) and old.get(name) and metadata[name] != old[name]
    ]


def _check_labels(labels: dict[str, str]) -> list[Complaint]:
    return [
        invalid("metadata.labels", text, fault)
        for key, value in labels.items()
        for text, faults in ((key, key_faults(key)), (value, value_faults(value or "")))
        for fault in faults
    ]


def _check_annotations(annotations: dict[str, str]) -> list[Complaint]:
    found = [invalid("metadata.annotations", key, fault) for key in annotations for fault in key_faults(key.lower())]
    size = sum(len(key.encode()) + len((value or "").encode()) for key, value in annotations.items())
    return [*found, too_long("metadata.annotations", ANNOTATIONS_LIMIT)] if size > ANNOTATIONS_LIMIT else found


def _check_owners(owners: list[dict[str, Any]]) -> list[Complaint]:
    found = [
        invalid(f"metadata.ownerReferences.{name}", "", fault)
        for owner in owners
        for name, fault in _OWNER.items()
        if not owner.get(name)
    ]
    controllers = [owner for owner in owners if owner.get("controller")]
    if len(controllers) > 1:
        names = " and ".join(str(owner.get("name", "")) for owner in controllers[:2])
        found.append(
            forbidden("metadata.ownerReferences", f"only one reference may have controller set to true, found {names}")
        )
    return found
