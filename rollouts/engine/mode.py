"""What the engine asks of a workload mode: how the two sides of a release are kept, seen, written and given back.

The judgement knows a side that is released (`target`) and a side that serves (`primary`). Which objects these are, and
how requests are led to them, is the matter of a mode alone: a copy of ours beside the user's workload (copied.py), or
two workloads of the user (subsets.py). No other part of the engine asks which mode it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from rollouts.api.status import CanaryStatus
from rollouts.core.decision import Desired
from rollouts.core.measurement import Sample
from rollouts.core.measurement import Subject as Side
from rollouts.core.observed import Fault, Observed, Problem, SecretSeen, WorkloadState
from rollouts.engine.rights import Right
from rollouts.engine.subject import Subject
from rollouts.metrics.istio import Services
from rollouts.ports import Cluster, Write


@dataclass(frozen=True, slots=True)
class Sides:
    """The part of an observation that a mode knows; the fields mean what they mean in `Observed`."""

    target: WorkloadState | None
    primary: WorkloadState | None
    route_weight: int | None
    routed: bool = False
    apex_on_primary: bool = False
    stable_subset: str = ""
    secrets: tuple[SecretSeen, ...] = ()
    made: bool = False
    """Only told of a Canary that is being deleted, as `released` is."""
    released: bool = False
    abandoned: bool = False
    faults: tuple[Fault, ...] = ()
    service: str = ""


class Mode(Protocol):
    """One way to keep two versions. Reads the stores, sends nothing, holds no state."""

    def rights(self, cluster: Cluster, subject: Subject) -> tuple[Right, ...]:
        """All that the Canary needs to be allowed in its namespace."""
        ...

    def observe(
        self,
        cluster: Cluster,
        subject: Subject,
        status: CanaryStatus,
        samples: Sequence[Sample] = (),
        *,
        deleting: bool,
    ) -> Sides:
        """Both sides, and how the requests are shared between them; `samples` are the answers to what was asked."""
        ...

    def problems(self, cluster: Cluster, subject: Subject, stable_subset: str) -> Iterator[Problem]:
        """Why the Canary can't be acted on; each names the object and the way out. `stable_subset` is the status's.

        Goes by that, the owner, the spec and the stores alone: what it found is kept while these are the same.
        """
        ...

    def writes(self, cluster: Cluster, subject: Subject, seen: Observed, desired: Desired) -> Iterator[Write]:
        """The writes that make `desired` true, in order; none if it is true already.

        To be carried out one by one: each is worked out from what the store holds after the one before. Where
        `desired.leave` is set, what leads to the Canary is given back; the finalizer is not the mode's. Goes by its
        arguments but the manifest, and by the stores; `seen` tells no time.
        """
        ...

    def workload(self, subject: Subject, status: CanaryStatus, side: Side) -> str:
        """The name of the workload on one side, as metrics call it."""
        ...

    def services(self, cluster: Cluster, subject: Subject, status: CanaryStatus, side: Side) -> Services:
        """The Services that the side is called by, as metrics call them; of both, all that lead to either."""
        ...
