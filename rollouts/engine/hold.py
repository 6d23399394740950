"""The finalizer: put on a Canary before the first object is made for it, taken off when nothing leads to them any more.

Nothing that is made has an ownerReference, so without it a deletion would leave all as it is, in mid-run too. Pure.
"""

from __future__ import annotations

from datetime import datetime

from rollouts.api.ownership import RESTORE_FINALIZER
from rollouts.api.resources import CANARIES, Manifest, ObjectKey
from rollouts.core.decision import Announcement
from rollouts.core.leaving import GIVE_UP_AFTER
from rollouts.ports import PatchJson

LEFT = Announcement(
    "GivenUp",
    "The Canary is let go while its spec is invalid: what was made for it stays, and requests are shared as they were",
    warning=True,
)


def is_let_go(canary: Manifest) -> bool:
    """Whether a Canary is being deleted, and nothing is to be done about it."""
    return "deletionTimestamp" in canary["metadata"] and RESTORE_FINALIZER not in _finalizers(canary)


def is_held(canary: Manifest) -> bool:
    """Whether the finalizer is there."""
    return RESTORE_FINALIZER in _finalizers(canary)


def hold(canary: Manifest) -> PatchJson:
    """Puts the finalizer on; refused if the Canary has changed since it was read."""
    return _with_finalizers(canary, [*_finalizers(canary), RESTORE_FINALIZER])


def let_go(canary: Manifest) -> PatchJson:
    """Takes the finalizer off; refused if the Canary has changed since it was read."""
    return _with_finalizers(canary, [name for name in _finalizers(canary) if name != RESTORE_FINALIZER])


def let_go_unread_at(canary: Manifest) -> datetime | None:
    """When a deletion stops to wait for a spec that can be read; None unless the Canary is being deleted."""
    deleted_at = canary["metadata"].get("deletionTimestamp")
    return datetime.fromisoformat(deleted_at) + GIVE_UP_AFTER if deleted_at else None


def _with_finalizers(canary: Manifest, finalizers: list[str]) -> PatchJson:
    version = canary["metadata"]["resourceVersion"]
    operations = [
        {"op": "add", "path": "/metadata/finalizers", "value": finalizers},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]
    return PatchJson(CANARIES, ObjectKey.of(canary), operations)


def _finalizers(canary: Manifest) -> list[str]:
    found: list[str] = canary["metadata"].get("finalizers") or []
    return found
