"""What was recorded of ScaledObjects and of the sizes beside them. Times are seconds since the epoch.

`version` is the resourceVersion of that state: two collections are two watches, and it alone tells what was written
first.
"""

from __future__ import annotations

from dataclasses import dataclass

from e2e.scaling.facts import RunFacts

RATE_PER_S = 100.0
SIZE = 4
"""What the primary is given in KEDA's place, before any release."""


@dataclass(frozen=True, slots=True)
class ScaledSeen:
    """A ScaledObject as its watch showed it."""

    at_s: float
    version: int
    name: str
    target: str
    least: int
    most: int
    query: str
    """Of its first trigger."""
    paused: str
    """The size that it is paused at; empty if it is not."""
    marked: bool
    """Whether our mark is beside the pause."""


@dataclass(frozen=True, slots=True)
class PodsSeen:
    """A Deployment's size as its watch showed it."""

    at_s: float
    version: int
    name: str
    replicas: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What both watches showed, each in its order."""

    scaled: tuple[ScaledSeen, ...]
    pods: tuple[PodsSeen, ...]
    """Each Deployment's last size before is the first of it here."""
    gone: tuple[str, ...] = ()
    """Names of ScaledObjects that are there no more."""

    def of(self, name: str) -> list[ScaledSeen]:
        """The states of one ScaledObject."""
        return [one for one in self.scaled if one.name == name]

    def pods_of(self, name: str) -> list[PodsSeen]:
        """The sizes of one Deployment."""
        return [one for one in self.pods if one.name == name]


@dataclass(frozen=True, slots=True)
class KedaRun:
    """A release beside a ScaledObject."""

    run: RunFacts
    seen: Seen
    """The states before it are the first of each here."""
    spec_kept: bool
    """Whether the spec of the user's own was afterwards what it was at first."""
