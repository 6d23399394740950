"""Writes that end with the mandate to write: none is begun after it, and none that hangs outlives it.

What is sent already may still land. It carries the version that it was made from, like every write of ours, so that it
does so only where nobody has written since.
"""

from __future__ import annotations

import asyncio

from rollouts.api.resources import Manifest
from rollouts.engine.mandate import Mandate
from rollouts.errors import NotHeld
from rollouts.ports import Cluster, Write


class Fenced:
    """Implements `ports.Cluster` over another one."""

    def __init__(self, cluster: Cluster, mandate: Mandate) -> None:
        self._cluster = cluster
        self._mandate = mandate
        self.read, self.list_all, self.trouble = cluster.read, cluster.list_all, cluster.trouble
        """As the port says. There are hundreds of reads for each write: nothing stands between them and the stores."""

    async def write(self, write: Write) -> Manifest:
        """As the port says. Raises NotHeld where the mandate ends."""
        left_s = self._mandate.left_s()
        if left_s is None:
            return await self._cluster.write(write)
        if left_s > 0:
            try:
                async with asyncio.timeout(left_s):
                    return await self._cluster.write(write)
            except TimeoutError:
                pass
        raise NotHeld(f"{write.resource}: this replica's Lease has run out", resource=str(write.resource))
