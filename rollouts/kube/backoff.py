"""How long to wait before trying again: exponential, fully jittered, purely from an injected random source."""

from __future__ import annotations

from random import Random


class Backoff:
    """Counts failures in a row and turns them into delays in seconds."""

    def __init__(self, random: Random, *, first_s: float = 0.25, cap_s: float = 30.0) -> None:
        self._random = random
        self._first_s = first_s
        self._cap_s = cap_s
        self.failures = 0
        """Failures since the last `reset`."""

    def next_s(self, *, at_least_s: float = 0.0) -> float:
        """The delay after one more failure: `at_least_s` and a random part that may double each time.

        The sum stays under the cap unless `at_least_s` itself is above it.
        """
        ceiling_s = min(self._cap_s, self._first_s * 2.0 ** min(self.failures, 30))
        self.failures += 1
        delay_s = at_least_s + self._random.uniform(0.0, ceiling_s)
        return min(delay_s, max(self._cap_s, at_least_s))

    def reset(self) -> None:
        """Things went well for long enough."""
        self.failures = 0
