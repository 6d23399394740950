"""How much CPU each played pod uses: what its requests of the last seconds cost.

Pure: counts and times in, cores out. What a request costs is the container's own matter (its variable CPU_MS).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

WINDOW_S = 4.0
"""As far back as usage looks: short, since autoscalers in the lab decide every two seconds."""


class RequestRates:
    """Requests a second of each pod over the last seconds, from counts that are noted now and then."""

    def __init__(self) -> None:
        """Know nothing."""
        self._noted: deque[tuple[float, Mapping[str, int]]] = deque()

    def note(self, at_s: float, served: Mapping[str, int]) -> None:
        """How many requests each pod, by uid, has served until now. Times must rise."""
        self._noted.append((at_s, dict(served)))
        while len(self._noted) > 2 and self._noted[1][0] <= at_s - WINDOW_S:
            self._noted.popleft()

    def rate(self, uid: str) -> float | None:
        """Requests a second; None for a pod that has not been seen for a while yet."""
        seen = [(at_s, served[uid]) for at_s, served in self._noted if uid in served]
        if len(seen) < 2:
            return None
        (first_s, before), (last_s, after) = seen[0], seen[-1]
        return (after - before) / (last_s - first_s)
