"""Counts what one pod really served, as the sidecar beside it would: requests and their durations.

Plain numbers in plain objects, since it runs once a request. It knows nothing of labels' names
or text: exposition.py does.
"""

from bisect import bisect_left
from dataclasses import dataclass, field

BUCKETS_MS = (
    *(
        0.5,
        1.0,
        5.0,
        10.0,
        25.0,
        50.0,
        100.0,
        250.0,
        500.0,
        1000.0,
        2500.0,
        5000.0,
        10_000.0,
        30_000.0,
    ),
    *(60_000.0, 300_000.0, 600_000.0, 1_800_000.0, 3_600_000.0),
)
"""Istio's upper bounds of istio_request_duration_milliseconds; one more bucket, +Inf, follows."""

NO_SERVICE = ""


@dataclass(slots=True)
class Series:
    """Requests that fell alike: how many, how long together, and how many in each bucket (not cumulated)."""

    count: int = 0
    sum_ms: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_MS) + 1))

    def add(self, duration_ms: float) -> None:
        """Count one request; a bucket's upper bound belongs to it."""
        self.count += 1
        self.sum_ms += duration_ms
        self.buckets[bisect_left(BUCKETS_MS, duration_ms)] += 1


class Meter:
    """One pod's series by the Service it stood behind when it answered, and by status code."""

    __slots__ = ("_current", "by_service", "service", "total")

    def __init__(self) -> None:
        """Start with nothing counted, behind no Service."""
        self.by_service: dict[str, dict[int, Series]] = {}
        self.service = NO_SERVICE
        self.total = 0
        """All written answers."""
        self._current = self.by_service[NO_SERVICE] = {}

    def stand_behind(self, service: str) -> None:
        """Count what comes from now on for this Service; NO_SERVICE when none selects the pod."""
        self.service = service
        self._current = self.by_service.setdefault(service, {})

    def count(self, status: int, duration_s: float) -> None:
        """Count one written answer."""
        self.total += 1
        series = self._current.get(status)
        if series is None:
            series = self._current[status] = Series()
        series.add(duration_s * 1000)
