"""A place that asks to be left alone is left alone.

Knows neither the place nor a clock: instants come in as monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Mapping

from rollouts.reach.retry_after import retry_after_s

UNSAID_S = 1.0
"""How long a 429 that names no time is taken to mean."""
LONGEST_S = 600.0
"""Of what is asked for: a server's mistake must not outlast a release."""


class Pause:
    """Until when nothing may be asked."""

    def __init__(self) -> None:
        self._until_s = float("-inf")
        self._status = 0

    def note(self, status: int, headers: Mapping[str, str], now_s: float) -> None:
        """An answer has come: 429, or 503 with Retry-After, ask for a pause."""
        asked_s = retry_after_s(headers)
        if status == 429 or (status == 503 and asked_s is not None):
            pause_s = UNSAID_S if asked_s is None else min(asked_s, LONGEST_S)
            self._until_s, self._status = max(self._until_s, now_s + pause_s), status

    def reason(self, now_s: float) -> str:
        """Why nothing is asked now, for a person; empty if it may be."""
        left_s = self._until_s - now_s
        return f"HTTP {self._status}: it asked not to be asked for {left_s:.0f} s more" if left_s > 0 else ""
