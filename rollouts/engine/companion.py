"""What goes along with the copy that serves: objects beside the target that it needs its own of, or must agree with.

A Deployment seldom stands alone: an autoscaler gives it its size, a budget guards its pods, policies let it be reached.
Each kind of such things is one file that implements `Companion`, and a line in companions.py. Knows no kind itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from rollouts.api.known import Known
from rollouts.api.resources import Manifest, ObjectKey, Resource
from rollouts.core.decision import Desired
from rollouts.core.observed import Observed, Problem
from rollouts.engine.rights import Right
from rollouts.engine.subject import Subject
from rollouts.ports import Cluster, Write


class Companion(Protocol):
    """One kind of things beside a target. Reads the stores, sends nothing, holds no state."""

    @property
    def kinds(self) -> tuple[Resource, ...]:
        """What it reads, to be watched."""
        ...

    def rights(self, cluster: Cluster, subject: Subject) -> tuple[Right, ...]:
        """What the controller needs for it beyond watching, in the Canary's namespace."""
        ...

    def concerns(self, cluster: Cluster, canary: Known, resource: Resource, key: ObjectKey) -> bool:
        """Whether that object of one of its kinds, which has changed, matters to a Canary as it is stored."""
        ...

    def problems(self, cluster: Cluster, subject: Subject) -> Iterator[Problem]:
        """Why the Canary can't be acted on; each names the object and the way out."""
        ...

    def before(self, cluster: Cluster, subject: Subject, seen: Observed, desired: Desired) -> Iterator[Write]:
        """The writes that are missing before the copy gets what `desired` says: make before break."""
        ...

    def after(self, cluster: Cluster, subject: Subject, seen: Observed, desired: Desired) -> Iterator[Write]:
        """The writes that are missing once the copy is as `desired` says."""
        ...

    def removable(self, cluster: Cluster, subject: Subject) -> Iterator[tuple[Resource, Manifest]]:
        """What it has made for the Canary and what still stands, for when that is deleted."""
        ...
