"""What callers see of a fault in a route, as far as a test needs it: a share of failures, or the time of the slow."""

from __future__ import annotations

from rollouts.api.durations import duration_s
from rollouts.api.resources import Manifest

QUICK_MS = 20.0


def aborted_percent(fault: Manifest | None) -> float:
    """Percent of the requests that it fails with a 5xx."""
    abort = (fault or {}).get("abort") or {}
    return _percent(abort) if abort.get("httpStatus", 0) >= 500 else 0.0


def delayed_ms(fault: Manifest | None) -> float:
    """The 99th percentile of the requests' duration."""
    delay = (fault or {}).get("delay") or {}
    return 1000 * duration_s(delay["fixedDelay"]) if _percent(delay) > 1 else QUICK_MS


def _percent(part: Manifest) -> float:
    return float((part.get("percentage") or {}).get("value", 0.0))
