"""The port `Pods` over a transport: one bounded list for each question, no watch, nothing kept.

Pods are many and change all the time: to watch those of a cluster for the few moments in which somebody asks would cost
more than everything else that the controller does.
"""

from __future__ import annotations

from collections.abc import Sequence

from rollouts.api.resources import PODS, Manifest
from rollouts.core.label_selector import Selector, in_query
from rollouts.kube.connection import unavailable
from rollouts.kube.requests import list_selected
from rollouts.kube.selection import is_object
from rollouts.kube.transport import Transport


class KubePods:
    """Implements `ports.Pods`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def pods(self, namespace: str, selector: Selector, limit: int) -> Sequence[Manifest]:
        """At most `limit` of the pods that are selected, as they are now. Raises KubeError."""
        request = list_selected(PODS, namespace, selector=in_query(selector), limit=limit)
        found = (await self._transport.send(request)).manifest().get("items") or []
        if not isinstance(found, list) or not all(map(is_object, found)):
            raise unavailable(request, "the answer is no list of pods")
        return found
