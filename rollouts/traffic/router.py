"""What the engine asks of a way to lead requests, and what it is told. Knows no mesh.

One implementation makes a routing object of its own, the other changes those that the user has; which one a spec uses
is told in engine/routers.py. Each reads the stores, sends nothing and holds no state.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import Resource
from rollouts.core.observed import Fault, Problem
from rollouts.core.routing import Routing
from rollouts.ports import Cluster, Write


@dataclass(frozen=True, slots=True)
class Routed:
    """How requests are shared now, beside how they are to be."""

    weight: int | None
    """The canary's part, as `Routing.weight` means it; None if it can't be told."""
    carried: bool
    """Whether the routes do all that is asked."""
    takes_away: bool
    """Whether the writes that are missing take requests from the canary and give it none: they wait for no other."""
    faults: tuple[Fault, ...] = ()
    """Those in the rules that lead to either side."""


class TrafficRouter(Protocol):
    """One way to lead requests to two sides."""

    @property
    def kinds(self) -> tuple[Resource, ...]:
        """What it reads and writes."""
        ...

    def observe(self, cluster: Cluster, owner: Owner, spec: CanarySpec, share: Routing) -> Routed:
        """How it is, where `share` is what is to be."""
        ...

    def problems(self, cluster: Cluster, owner: Owner, spec: CanarySpec, stable: str) -> Iterator[Problem]:
        """Why requests can't be led; each names the object and the way out. `stable` as in `Routing`."""
        ...

    def writes(self, cluster: Cluster, owner: Owner, spec: CanarySpec, share: Routing) -> Iterator[Write]:
        """The writes after which requests are shared so; none if they are."""
        ...

    def release(self, cluster: Cluster, owner: Owner, spec: CanarySpec, share: Routing) -> Iterator[Write]:
        """The writes after which nothing leads to what is made for the Canary, and no mark is left; none if so already.

        With subsets, requests are shared as `share` says from then on.
        """
        ...
