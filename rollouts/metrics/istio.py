"""The PromQL that answers a probe from Istio's standard metrics, as the called side counts them.

Pure: knows no Prometheus server. The queries are written so that the two ways of having nothing to count differ: no
request at all gives no number, only failed requests give 0.
"""

from __future__ import annotations

from typing import assert_never

from rollouts.core.measurement import Probe, Signal
from rollouts.errors import InvariantViolated

_REQUESTS = "istio_requests_total"
_BUCKETS = "istio_request_duration_milliseconds_bucket"
_SILENCE_WINDOW = "2m"


def render_query(probe: Probe, namespace: str, workload: str) -> str:
    """The query whose one value is the answer for that workload, in the signal's unit.

    Raises InvariantViolated for a probe that is no question to Prometheus, or that lacks its look-back.
    """
    match probe.signal:
        case Signal.SUCCESS_RATE:
            return _success_rate(_matchers(namespace, workload), _window(probe))
        case Signal.DURATION:
            return _p99(_matchers(namespace, workload), _window(probe))
        case Signal.REQUEST_RATE:
            return _request_rate(f"{_REQUESTS}{{{_matchers(namespace, workload)}}}")
        case Signal.REQUESTS:
            return _requests(f"{_REQUESTS}{{{_matchers(namespace, workload)}}}", _window(probe))
        case Signal.SOURCE_ALIVE:
            return "vector(1)"
        case Signal.RIGHTS | Signal.PODS:
            raise InvariantViolated(f"{probe.signal} is no question to a metric source")
        case _:
            assert_never(probe.signal)


def _request_rate(series: str) -> str:
    # `and`: a pod that is gone has no series now, but for the whole window its last two scrapes would count as traffic.
    return f"sum(irate({series}[{_SILENCE_WINDOW}]) and {series})"


def _requests(series: str, window: str) -> str:
    # `increase` looks at the scrapes within the window alone, of which the first is one late: it extrapolates to the
    # window's edges, and it never sees what a series had when it was first scraped. So one that was not there when the
    # window began counts whole: a new canary's few requests, shared out by code and caller, would else mostly be lost.
    # No data where one that is there all the time was not scraped twice: its requests would be missing on one side.
    before, increase = f"{series} offset {window}", f"increase({series}[{window}])"
    grown, born = f"sum({increase} and {before})", f"sum({series} unless {before})"
    return f"(({grown} or vector(0)) + ({born} or vector(0))) unless on() (({series} and {before}) unless {increase})"


def _success_rate(matchers: str, window: str) -> str:
    # Without `or vector(0)` a workload that never failed would have no series to subtract. Counting the failures, not
    # the successes, makes one that only failed 0 instead of nothing. Without any request it is 0/0, or empty.
    failed = f'sum(rate({_REQUESTS}{{{matchers},response_code=~"5.."}}[{window}]))'
    everything = f"sum(rate({_REQUESTS}{{{matchers}}}[{window}]))"
    return f"100 * (1 - ({failed} or vector(0)) / {everything})"


def _p99(matchers: str, window: str) -> str:
    return f"histogram_quantile(0.99, sum by (le) (rate({_BUCKETS}{{{matchers}}}[{window}])))"


def _matchers(namespace: str, workload: str) -> str:
    return (
        f'reporter="destination",destination_workload_namespace="{_escape(namespace)}"'
        f',destination_workload="{_escape(workload)}"'
    )


def _escape(value: str) -> str:
    """A label's value as it stands between double quotes."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _window(probe: Probe) -> str:
    """The look-back, which PromQL writes in whole units only."""
    window_ms = round(probe.window_s * 1000)
    if window_ms <= 0:
        raise InvariantViolated(f"a probe of {probe.signal} without a look-back")
    return f"{window_ms // 1000}s" if window_ms % 1000 == 0 else f"{window_ms}ms"
