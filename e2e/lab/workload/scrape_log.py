"""What each scrape was shown, kept by the one who showed it: the pods' own counts, whoever reads them later.

One JSON object a line: when, and of each pod how many requests it had answered by then, by status. It is written
before the answer is, so a scraper that has an answer finds it here.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from e2e.lab.workload.exposition import Source


class ScrapeLog:
    """Appends to one file."""

    def __init__(self, path: Path, now_s: Callable[[], float] = time.time) -> None:
        """Open the file, new or not. `now_s` is seconds since the epoch."""
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._now_s = now_s

    def note(self, sources: Iterable[Source]) -> None:
        """These counts are being shown."""
        pods = [
            {"namespace": source.pod.namespace, "workload": source.pod.workload, "pod": source.pod.name,
             "counts": _by_status(source)}
            for source in sources
        ]  # fmt: skip
        self._file.write(json.dumps({"at_s": self._now_s(), "pods": pods}) + "\n")

    def close(self) -> None:
        """Write no more."""
        self._file.close()


def _by_status(source: Source) -> dict[int, int]:
    """Whatever Service it stood behind."""
    counts: Counter[int] = Counter()
    for by_status in source.meter.by_service.values():
        for status, series in by_status.items():
            counts[status] += series.count
    return dict(counts)
