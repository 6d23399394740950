"""The port `Leases` over any cluster: writes at the version that was read, and a list where the newest state counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from random import Random

from rollouts.api.resources import LEASES
from rollouts.core.lease import Lease
from rollouts.errors import Unavailable
from rollouts.kube.cluster import KubeCluster
from rollouts.kube.lease_manifest import read_lease, render_delete, render_write
from rollouts.kube.paging import list_pages
from rollouts.kube.reflector import DEFAULT_PACE, Pace
from rollouts.kube.store import Store
from rollouts.kube.transport import Transport
from rollouts.ports import Clock, Cluster


class LeaseBook:
    """Implements `ports.Leases`."""

    def __init__(
        self, cluster: Cluster, namespace: str, clock: Clock, list_again: Callable[[], Awaitable[None]]
    ) -> None:
        """`list_again` brings the cluster's Leases of that namespace up to the server's. It raises KubeError."""
        self._cluster = cluster
        self._namespace = namespace
        self._clock = clock
        self._list_again = list_again

    def known(self) -> Sequence[Lease]:
        """The newest known ones."""
        found = map(read_lease, self._cluster.list_all(LEASES, self._namespace))
        return [lease for lease in found if lease is not None]

    async def read_all(self) -> Sequence[Lease]:
        """Those that there are now."""
        await self._list_again()
        return self.known()

    async def write(self, lease: Lease) -> Lease:
        """Make it, or change it at its version."""
        answer = await self._cluster.write(render_write(lease, self._namespace, self._clock.now()))
        made = read_lease(answer)
        if made is None:
            raise Unavailable("the answer to a write of a Lease is none of ours")
        return made

    async def delete(self, lease: Lease) -> None:
        """Delete it at its version."""
        await self._cluster.write(render_delete(lease, self._namespace))


class KubeLeases:
    """The Leases of one namespace on an API server."""

    def __init__(
        self, transport: Transport, namespace: str, clock: Clock, random: Random, pace: Pace = DEFAULT_PACE
    ) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._transport = transport
        self._store = Store(LEASES, namespace=namespace, on_change=lambda _resource, _key: self.on_change())
        self._cluster = KubeCluster(transport, {LEASES: self._store}, clock=clock, random=random, pace=pace)
        self.book = LeaseBook(self._cluster, namespace, clock, self._list_again)

    async def run(self) -> None:
        """Keep them equal to the server, until cancelled."""
        await self._cluster.run()

    async def wait_synced(self) -> None:
        """Return once they are listed, or known to be forbidden."""
        await self._cluster.wait_synced()

    def trouble(self) -> str:
        """Why they can't be watched now, for a person; empty if they can."""
        return self._cluster.trouble(LEASES)

    async def _list_again(self) -> None:
        store = self._store
        listing = await list_pages(self._transport, store.resource, store.keep, store.namespace)
        store.replace(listing.manifests, listing.resource_version)
