"""Counts log lines. Runs once a request: a known line costs one look into a dictionary.

It knows no sockets, and of a line only that its duration stands first; line.py reads the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from e2e.lab.access_log.line import NoLineError, Reporter, labels_of
from e2e.lab.workload.exposition import join_labels
from e2e.lab.workload.meter import Series
from e2e.lab.workload.views import PodView

log = logging.getLogger(__name__)

KNOWN_MAX = 10_000
"""Clients may name any host: so many different lines are remembered."""


class Directory:
    """Which pod has, or had last, an address."""

    def __init__(self) -> None:
        """Know no pod."""
        self.pods: dict[str, PodView] = {}
        self.changes = 0
        """How often an address has got another owner."""

    def put(self, pod: PodView) -> None:
        """A pod is there, or has changed. One that goes stays known: its last lines come after it has gone."""
        before = self.pods.get(pod.address)
        if pod.address and (before is None or before.uid != pod.uid or before.labels != pod.labels):
            self.pods[pod.address] = pod
            self.changes += 1


class Tally:
    """The counts of one proxy's requests."""

    def __init__(self, reporter: Reporter, directory: Directory) -> None:
        """Count nothing yet."""
        self._reporter = reporter
        self._directory = directory
        self._changes = 0
        self._known: dict[bytes, Series | None] = {}
        self._by_labels: dict[str, Series] = {}
        self._rest = b""
        self.strange = 0
        """Lines that could not be read."""

    def feed(self, data: bytes) -> None:
        """Count what the pipe gave; a torn last line waits for its end."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if self._changes != self._directory.changes:
            self._changes = self._directory.changes
            self._known.clear()
        known = self._known
        for line in lines:
            duration_ms, _, rest = line.partition(b" ")
            try:
                series = known[rest]
            except KeyError:
                series = self._learn(rest)
            if series is not None:
                series.add(float(duration_ms))

    def series(self) -> Iterator[tuple[str, Series]]:
        """What was counted, by its labels as text."""
        yield from self._by_labels.items()

    def _learn(self, rest: bytes) -> Series | None:
        """The series that lines with this rest belong to; None for those that are not counted."""
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        try:
            labels = labels_of(rest.decode("latin-1"), self._reporter, self._directory.pods)
        except NoLineError as error:
            # Counted by nobody, and said once for each kind of it.
            log.warning("not a line of the access log: %r", str(error)[:200])
            labels = None
            self.strange += 1
        series = None if labels is None else self._by_labels.setdefault(join_labels(labels), Series())
        self._known[rest] = series
        return series
