"""What nobody but an API server sets in an object's metadata, and the rules of its end. Pure.

Asked to delete an object that finalizers hold, the server marks it; it goes when the last of them does. Two finalizers
are the server's own way to tell the garbage collector (garbage.py) what to do first.
"""

from __future__ import annotations

from datetime import datetime

from rollouts.api.resources import Manifest, Resource
from rollouts.ports import Propagation
from rollouts.testing.memory_refusals import rejected

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
_FINALIZERS = {Propagation.FOREGROUND: [FOREGROUND], Propagation.ORPHAN: [ORPHAN], Propagation.BACKGROUND: []}

_KEPT = ("uid", "creationTimestamp", "resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds")
_WITHOUT_GENERATION = ("", "coordination.k8s.io", "autoscaling")
"""Groups whose objects have none, but for pods."""
_OMITTED_EMPTY = ("labels", "annotations", "finalizers", "ownerReferences")


def in_form(manifest: Manifest) -> Manifest:
    """Without what a server does not keep: empty maps and lists of the metadata."""
    metadata = {
        name: value for name, value in manifest["metadata"].items() if value or name not in _OMITTED_EMPTY
    }  # fmt: skip
    return {**manifest, "metadata": metadata}


def made(resource: Resource, manifest: Manifest, *, uid: str, at: datetime) -> Manifest:
    """A new object."""
    metadata = {name: value for name, value in manifest["metadata"].items() if name not in _KEPT}
    metadata |= {"uid": uid, "creationTimestamp": stamp(at)}
    if resource.group not in _WITHOUT_GENERATION or resource.kind == "Pod":
        metadata["generation"] = 1
    return {**manifest, "metadata": metadata}


def changed(resource: Resource, manifest: Manifest, before: Manifest) -> Manifest:
    """An object that somebody changed. Raises Rejected for a new finalizer on what is being deleted."""
    old, metadata = before["metadata"], dict(manifest["metadata"])
    for name in (*_KEPT, "generation"):
        metadata.pop(name, None)
    metadata |= {name: old[name] for name in _KEPT if name in old}
    if "generation" in old:
        metadata["generation"] = old["generation"] + (manifest.get("spec") != before.get("spec"))
    late = set(metadata.get("finalizers", ())) - set(old.get("finalizers", ()))
    if late and "deletionTimestamp" in old:
        raise rejected(resource, "no new finalizers can be added if the object is being deleted")
    return {**manifest, "metadata": metadata}


def marked(before: Manifest, propagation: Propagation, at: datetime) -> Manifest:
    """An object that is to be deleted; what holds it are its finalizers."""
    metadata = dict(before["metadata"])
    others = [name for name in metadata.get("finalizers", ()) if name not in {FOREGROUND, ORPHAN}]
    metadata["finalizers"] = others + _FINALIZERS[propagation]
    if "deletionTimestamp" not in metadata:
        metadata |= {"deletionTimestamp": stamp(at), "deletionGracePeriodSeconds": 0}
        if "generation" in metadata:
            metadata["generation"] += 1
    return {**before, "metadata": metadata}


def is_ended(manifest: Manifest) -> bool:
    """Whether nothing holds an object any more that is to be deleted."""
    metadata = manifest["metadata"]
    return "deletionTimestamp" in metadata and not metadata.get("finalizers")


def waits(owner: Manifest) -> bool:
    """Whether an owner is deleted in the foreground: it goes after its dependents."""
    return "deletionTimestamp" in owner["metadata"] and FOREGROUND in owner["metadata"].get("finalizers", ())


def stamp(at: datetime) -> str:
    """A time as a server writes it, to the second."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
