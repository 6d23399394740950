"""What the engine asks of the outside world, as Protocols of at most four methods, and the values they pass.

Adapters implement these; the engine and the tests' doubles know nothing else. No I/O happens here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rollouts.api.resources import Manifest, ObjectKey, Resource
from rollouts.core.measurement import Outcome


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply of `manifest` (whole objects of ours, or list-free fields of others'), forced."""

    resource: Resource
    manifest: Manifest
    field_manager: str = "rollouts"


@dataclass(frozen=True, slots=True)
class PatchJson:
    """RFC 6902 operations on one object; the caller puts its `test`s and the resourceVersion among them."""

    resource: Resource
    key: ObjectKey
    operations: Sequence[Manifest]


@dataclass(frozen=True, slots=True)
class PatchStatus:
    """Merge patch (RFC 7386) of the status subresource, refused unless the object is at `resource_version`."""

    resource: Resource
    key: ObjectKey
    resource_version: str
    status: Manifest


@dataclass(frozen=True, slots=True)
class Create:
    """POST of a new object; the answer may be one that is never stored (a review)."""

    resource: Resource
    manifest: Manifest


Write = Apply | PatchJson | PatchStatus | Create


class Cluster(Protocol):
    """The API server, as watched stores to read from and requests to write with.

    Reads never send a request. After a write, reads see at least the object that the write returned.
    """

    def read(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        """The newest known object without managedFields, or None if there is none."""
        ...

    def list_all(self, resource: Resource, namespace: str = "") -> Sequence[Manifest]:
        """All known objects of a kind, in one namespace or in all."""
        ...

    def trouble(self, resource: Resource) -> str:
        """Why this kind can't be watched now (absent, forbidden, unreachable), for a person; empty if it can."""
        ...

    async def write(self, write: Write) -> Manifest:
        """Send one write and return the object as the server has it now. Raises KubeError."""
        ...


class MetricSource(Protocol):
    """A place that answers queries about traffic."""

    async def measure(self, query: str, at: datetime) -> Outcome:
        """The query's one value at one instant. Never raises for the source's sake: failures are Outcomes."""
        ...


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The present in UTC; steps within one process are monotonic."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        ...
