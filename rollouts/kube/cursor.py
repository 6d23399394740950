"""What the lines of a watch mean, sans I/O: bytes in, typed events out, the position kept.

Never raises for what the line holds: garbage is an event like another. Knows no store and no connection.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rollouts.api.resources import Manifest


@dataclass(frozen=True, slots=True)
class Added:
    """An object that is new to this watch."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Modified:
    """An object as it is now."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Deleted:
    """An object as it was last, with the resourceVersion of its deletion."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Nothing of ours changed up to here."""

    resource_version: str


@dataclass(frozen=True, slots=True)
class Expired:
    """The position is too old for the server: list again."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The server ended the watch: `status` is its HTTP code (0 if it gave none), `told` its Status object."""

    status: int
    told: Manifest


@dataclass(frozen=True, slots=True)
class Garbled:
    """The line is no watch event: torn, or not from an API server. Something may have been missed."""

    reason: str


WatchEvent = Added | Modified | Deleted | Bookmark | Expired | Failed | Garbled

_OBJECT_EVENTS: dict[object, type[Added | Modified | Deleted]] = {
    "ADDED": Added,
    "MODIFIED": Modified,
    "DELETED": Deleted,
}


class WatchCursor:
    """Where a watch stands. `resource_version` is empty when only a new list can help."""

    def __init__(self, resource_version: str = "") -> None:
        self.resource_version = resource_version

    def feed(self, line: bytes) -> WatchEvent:
        """The event of one line; moves the position on where the event says so."""
        try:
            told = json.loads(line)
        except (ValueError, RecursionError) as error:
            return Garbled(f"not JSON: {type(error).__name__}")
        if not isinstance(told, dict) or not isinstance(told.get("object"), dict):
            return Garbled("not a watch event")
        return self._event(told.get("type"), told["object"])

    def _event(self, kind: object, subject: Manifest) -> WatchEvent:
        if kind == "ERROR":
            return self._error(subject)
        version = _text(subject, "resourceVersion")
        if not version:
            return Garbled("an object without a resourceVersion")
        if kind == "BOOKMARK":
            self.resource_version = version
            return Bookmark(version)
        made = _OBJECT_EVENTS.get(kind) if isinstance(kind, str) else None
        if made is None or not _text(subject, "name"):
            return Garbled("an event of unknown type, or an object without a name")
        self.resource_version = version
        return made(subject)

    def _error(self, told: Manifest) -> Expired | Failed:
        code = told.get("code")
        if code == 410 or told.get("reason") in ("Expired", "Gone"):
            self.resource_version = ""
            return Expired()
        return Failed(code if isinstance(code, int) else 0, told)


def _text(subject: Manifest, name: str) -> str:
    metadata: Any = subject.get("metadata")
    value = metadata.get(name) if isinstance(metadata, dict) else None
    return value if isinstance(value, str) else ""
