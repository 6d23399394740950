"""The Leases of the replicas on a server in memory: the real book over a view, with no connection between."""

from __future__ import annotations

from rollouts.api.resources import LEASES
from rollouts.kube.leases import LeaseBook
from rollouts.ports import Clock
from rollouts.testing.memory_view import MemoryView


def memory_leases(view: MemoryView, namespace: str, clock: Clock) -> LeaseBook:
    """Implements `ports.Leases`. `view` is as late as its watch."""

    async def list_again() -> None:
        view.list_again(LEASES)

    return LeaseBook(view, namespace, clock, list_again)
