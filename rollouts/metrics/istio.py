"""The PromQL that answers a probe from Istio's standard metrics, as the called side counts them or, where that has
nothing to count, the calling side.

Pure: knows no Prometheus server. The queries are written so that the two ways of having nothing to count differ: no
request at all gives no number, only failed requests give 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from rollouts.core.measurement import Probe, Signal, Subject
from rollouts.errors import InvariantViolated

_REQUESTS = "istio_requests_total"
_BUCKETS = "istio_request_duration_milliseconds_bucket"
_SILENCE_WINDOW = "2m"
_NO_POD = 'destination_workload="unknown"'
"""What Istio says of a request of which it knows the Service at most."""
_FAILED = 'response_code=~"5.."'
_DELAYED = 'response_flags=~".*DI.*"'
_INJECTED = 'response_flags=~".*FI.*"'
_UNCOUNTED = 'response_code=~"5..",response_flags=~".*(UF|UH|UO|UT).*"'
"""Failures of a known workload that its pods do not count as such: refused, none healthy, too many, out of time."""


@dataclass(frozen=True, slots=True)
class Services:
    """The Services that one side, or both, are called by."""

    names: tuple[str, ...] = ()
    shared: bool = False
    """They are called for other versions too: of what reached no pod, only answers of faults are known to be meant."""
    codes: tuple[int, ...] = ()
    """With `shared`: the answers of faults that are the one version's."""


NO_SERVICES = Services()


def render_query(probe: Probe, namespace: str, workload: str, services: Services = NO_SERVICES) -> str:
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
        case Signal.UNREACHED:
            unreached = _unreached_of_both if probe.subject is Subject.BOTH else _unreached_of_one
            return unreached(namespace, workload, services, _window(probe))
        case Signal.CALLERS_DURATION:
            return _delayed_p99(namespace, workload, _window(probe))
        case Signal.SOURCE_ALIVE:
            return "vector(1)"
        case Signal.CUSTOM | Signal.RIGHTS | Signal.PODS:
            raise InvariantViolated(f"{probe.signal} is no question to Istio's metrics")
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


def _unreached_of_both(namespace: str, _workload: str, services: Services, window: str) -> str:
    # Of all that callers sent to these Services. Nobody who reports is no number: empty, or 0/0.
    called = _called(namespace, services)
    failed = f"sum(rate({_REQUESTS}{{{called},{_NO_POD},{_FAILED}}}[{window}]))"
    return f"100 * ({failed} or vector(0)) / sum(rate({_REQUESTS}{{{called}}}[{window}]))"


def _unreached_of_one(namespace: str, workload: str, services: Services, window: str) -> str:
    # Of what reached the workload and what failed on the way there: so it is right however small a part of the
    # Service's requests that is, and 100 where all fail.
    meant, reached = _called(namespace, services), _matchers(namespace, workload, reporter="source")
    codes = "|".join(map(str, services.codes))
    told = f'response_code=~"{codes}",{_INJECTED}' if services.shared else _FAILED
    lost = f"{meant},{_NO_POD},{told}"
    failed, uncounted, arrived = (
        f"(sum(rate({_REQUESTS}{{{series}}}[{window}])) or vector(0))"
        for series in (lost, f"{reached},{_UNCOUNTED}", reached)
    )
    return f"100 * ({failed} + {uncounted}) / ({failed} + {arrived})"


def _called(namespace: str, services: Services) -> str:
    # A Service's name has nothing that a regular expression would take for more than itself.
    names = "|".join(_escape(name) for name in services.names)
    return f'reporter="source",destination_service_namespace="{_escape(namespace)}",destination_service_name=~"{names}"'


def _delayed_p99(namespace: str, workload: str, window: str) -> str:
    # Of all that the pods answered, and what a fault had delayed beside: in another request's time, as its caller
    # measures it, there is the caller's own load, and that of its clients. The delayed are counted as quick ones too,
    # which makes 1 % of them 0.99 %. The two sides' series differ in their reporter, so that `or` keeps both.
    delayed = f"{_matchers(namespace, workload, reporter='source')},{_DELAYED}"
    series = (f"rate({_BUCKETS}{{{one}}}[{window}])" for one in (delayed, _matchers(namespace, workload)))
    return f"histogram_quantile(0.99, sum by (le) ({' or '.join(series)}))"


def _matchers(namespace: str, workload: str, *, reporter: str = "destination") -> str:
    return (
        f'reporter="{reporter}",destination_workload_namespace="{_escape(namespace)}"'
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
