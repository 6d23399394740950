"""A line for each status, as it comes: what is meant, and what clients really got just then."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from e2e.lab.load import LoadClient
from e2e.scenarios.journal import Journal, StatusSeen

_LOOK_S = 0.2
_WINDOW_S = 1.0


class Announcer:
    """Prints until it is cancelled."""

    def __init__(self, journal: Journal, load: LoadClient) -> None:
        self._journal = journal
        self._load = load
        self._began_s = time.time()
        self.story = "start"
        """The story that is being played."""

    async def show(self) -> None:
        """Print each new status."""
        told = 0
        while True:
            statuses = self._journal.statuses
            for seen in statuses[told:]:
                at_s = seen.at_s - self._began_s
                print(f"{at_s:6.1f} s  {self.story:20} {status_words(seen)}; clients {self._real()}", flush=True)
            told = len(statuses)
            await asyncio.sleep(_LOOK_S)

    def _real(self) -> str:
        since_s, counts, at = time.time() - _WINDOW_S, Counter[str](), len(self._load.records)
        while at > 0 and self._load.records[at - 1].done_at_s >= since_s:  # they lie in the order of their ends
            at -= 1
            counts[self._load.records[at].workload or "nobody"] += 1
        total = counts.total()
        return ", ".join(f"{name} {100 * count / total:.0f} %" for name, count in sorted(counts.items())) or "none"


def status_words(seen: StatusSeen) -> str:
    """What one status says."""
    words = f"{seen.phase or '-':12} step {seen.step_index} {seen.weight_percent:3} %, stable {seen.stable or '-'}"
    return words + (f": {seen.message}" if seen.message else "")
