"""Pods of a server in memory, behind `ports.Pods`: those that somebody put there, for a Deployment makes none.

tests/contract holds it and a real API server to the same cases.
"""

from __future__ import annotations

from collections.abc import Sequence

from rollouts.api.resources import PODS, Manifest
from rollouts.core.label_selector import Selector, selects
from rollouts.errors import Forbidden
from rollouts.testing.memory_server import MemoryServer


class MemoryPods:
    """Implements `ports.Pods`."""

    def __init__(self, server: MemoryServer) -> None:
        self._server = server
        self.asked = 0
        """How often they were listed."""
        self.forbidden = False
        """While set, the account may not list pods."""

    async def pods(self, namespace: str, selector: Selector, limit: int) -> Sequence[Manifest]:
        """As the port says."""
        self.asked += 1
        if self.forbidden:
            raise Forbidden("list pods: not allowed: pods is forbidden", verb="list", resource=str(PODS), status=403)
        found = [pod for pod in self._server.all_of(PODS) if pod["metadata"]["namespace"] == namespace]
        return [pod for pod in found if selects(selector, pod["metadata"].get("labels") or {})][:limit]
