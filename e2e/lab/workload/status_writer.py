"""Writes into pods' statuses what the stage reports, a few at a time, and insists while that makes sense.

It knows which refusals are final (the pod is gone or another has its name); it does not know why a
pod is ready.
"""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

from e2e.lab.workload.kube_api import UNREACHABLE, ApiError, KubeApi
from e2e.lab.workload.readiness import Fault, render_ready, render_unready
from e2e.lab.workload.views import PodView

log = logging.getLogger(__name__)

AT_ONCE_MAX = 16
AGAIN_S_MIN = 0.2
AGAIN_S_MAX = 5.0
POINTLESS = frozenset((404, 409))


class StatusWriter:
    """The stage's Reporter, by way of the API."""

    def __init__(self, api: KubeApi) -> None:
        """Write through this session."""
        self._api = api
        self._slots = asyncio.Semaphore(AT_ONCE_MAX)

    async def report_ready(self, pod: PodView) -> None:
        """Make the pod Ready."""
        await self._write(pod, render_ready(pod, _now()))

    async def report_fault(self, pod: PodView, fault: Fault) -> None:
        """Say in the pod's status why it stays unready."""
        await self._write(pod, render_unready(pod, fault, _now()))

    async def _write(self, pod: PodView, patch: dict[str, Any]) -> None:
        again_s = AGAIN_S_MIN
        while True:
            try:
                async with self._slots:
                    await self._api.patch_pod_status(pod.namespace, pod.name, patch)
            except ApiError as error:
                if error.status in POINTLESS:
                    return
                log.warning("status of %s/%s: %s; again in %.1f s", pod.namespace, pod.name, error, again_s)
            except UNREACHABLE as error:
                log.warning("status of %s/%s: %r; again in %.1f s", pod.namespace, pod.name, error, again_s)
            else:
                return
            await asyncio.sleep(again_s)
            again_s = min(AGAIN_S_MAX, again_s * 2)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
