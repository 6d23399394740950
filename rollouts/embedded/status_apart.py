"""A status is written through its subresource alone, where the kind has one, and nothing else through that. Pure."""

from __future__ import annotations

from rollouts.api.resources import Manifest
from rollouts.embedded.kinds import STATUS, Kind
from rollouts.embedded.target import Target


def without_status(kind: Kind, manifest: Manifest) -> Manifest:
    """What a write of the object itself may say, where its status has a subresource."""
    if STATUS not in kind.subresources:
        return manifest
    return {name: value for name, value in manifest.items() if name != "status"}


def intended(target: Target, intent: Manifest) -> Manifest:
    """What an apply may set: a status through its subresource alone, and nothing else through that."""
    if target.subresource != STATUS:
        return without_status(target.kind, intent)
    return {name: value for name, value in intent.items() if name in {"apiVersion", "kind", "metadata", "status"}}


def kept_apart(target: Target, old: Manifest, wanted: Manifest) -> Manifest:
    """A status is changed through its subresource alone, and nothing else through that."""
    if target.subresource == STATUS:
        status = {"status": wanted["status"]} if "status" in wanted else {}
        return {**{name: value for name, value in old.items() if name != "status"}, **status}
    if STATUS not in target.kind.subresources:
        return wanted
    status = {"status": old["status"]} if "status" in old else {}
    return {**without_status(target.kind, wanted), **status}
