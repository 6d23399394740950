"""Whether the answer to a write says that an object is gone, purely.

A DELETE is answered by a `Status` that names the uid, or, for a few kinds, by the object as it was last; by the object
with a deletionTimestamp while something still holds it. A write that takes the last finalizer is answered by the
object too, though it is gone by then.
"""

from __future__ import annotations

from typing import Any

from rollouts.api.resources import Manifest, ObjectKey
from rollouts.ports import Apply, CopyContent, Create, Delete, Write


def is_ended(write: Write, answer: Manifest) -> bool:
    """Whether the object is gone after this write."""
    metadata = _mapping(answer, "metadata")
    leaving = bool(metadata.get("deletionTimestamp"))
    if isinstance(write, Delete):
        return answer.get("kind") == "Status" or not leaving
    return leaving and not metadata.get("finalizers")


def key_of(write: Write) -> ObjectKey:
    """Which object a write is about. A review has none."""
    return ObjectKey.of(write.manifest) if isinstance(write, Apply | Create | CopyContent) else write.key


def uid_of(answer: Manifest) -> str:
    """The uid of the object that the answer is about; empty if it does not say."""
    return str(_mapping(answer, "metadata").get("uid") or _mapping(answer, "details").get("uid") or "")


def _mapping(answer: Manifest, name: str) -> dict[str, Any]:
    value = answer.get(name)
    return value if isinstance(value, dict) else {}
