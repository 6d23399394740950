"""The PromQL that answers a probe from Istio's standard metrics, as the called side counts them or, where that has
nothing to count, the calling side.

Pure: knows no Prometheus server. The queries are written so that the two ways of having nothing to count differ: no
request at all gives no number, only failed requests give 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from rollouts.api.metric import Reporter
from rollouts.core.measurement import Probe, Signal, Subject
from rollouts.errors import InvariantViolated
from rollouts.metrics.reading import AS_IT_IS, Reading

_REQUESTS = "istio_requests_total"
_BUCKETS = "istio_request_duration_milliseconds_bucket"
_SILENCE_WINDOW = "2m"
_NO_POD = 'destination_workload="unknown"'
"""What Istio says of a request of which it knows the Service at most."""
_FAILED = 'response_code=~"5.."'
_DELAYED = 'response_flags=~".*DI.*"'
_NOT_DELAYED = _DELAYED.replace("=~", "!~")
_INJECTED = 'response_flags=~".*FI.*"'
_ON_THE_WAY = 'response_flags=~".*(UF|UH|UO|UT).*"'
"""Of a known workload, what its pods do not count as failed: refused, none healthy, too many, out of time."""
_ARRIVED = _ON_THE_WAY.replace("=~", "!~")


@dataclass(frozen=True, slots=True)
class Services:
    """The Services that one side, or both, are called by."""

    names: tuple[str, ...] = ()
    shared: bool = False
    """They are called for other versions too: of what reached no pod, only answers of faults are known to be meant."""
    codes: tuple[int, ...] = ()
    """With `shared`: the answers of faults that are the one version's."""


NO_SERVICES = Services()


def render_query(
    probe: Probe, namespace: str, workload: str, services: Services = NO_SERVICES, reading: Reading = AS_IT_IS
) -> str:
    """The query whose one value is the answer for that workload, in the signal's unit.

    Raises InvariantViolated for a probe that is no question to Prometheus, or that lacks its look-back.
    """
    own = _matchers(namespace, workload, reporter=reading.reporter)
    match probe.signal:
        case Signal.SUCCESS_RATE:
            return _success_rate(own, reading, _window(probe))
        case Signal.DURATION:
            return _duration((_prompt(own, reading),), reading, _window(probe))
        case Signal.REQUEST_RATE:
            return _request_rate(f"{_REQUESTS}{{{own}}}")
        case Signal.REQUESTS:
            return _requests(f"{_REQUESTS}{{{own}}}", _window(probe))
        case Signal.UNREACHED:
            called = _called(namespace, services, reading)
            if probe.subject is Subject.BOTH:
                return _unreached_of_both(called, reading, _window(probe))
            reached = _matchers(namespace, workload, reporter=reading.callers)
            lost = [f"{called},{_NO_POD},{told}" for told in _lost(services, reading)]
            return _unreached_of_one(lost, reached, reading, _window(probe))
        case Signal.CALLERS_DURATION:
            delayed = f"{_matchers(namespace, workload, reporter=reading.callers)},{_DELAYED}"
            return _duration((delayed, _prompt(own, reading)), reading, _window(probe))
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


def _success_rate(matchers: str, reading: Reading, window: str) -> str:
    # Without `or vector(0)` a workload that never failed would have no series to subtract. Counting the failures, not
    # the successes, makes one that only failed 0 instead of nothing. Without any request it is 0/0, or empty.
    # What callers know to have failed on the way is not counted here, where they are asked: that is asked beside.
    way = "" if reading.reporter is Reporter.DESTINATION else f",{_ARRIVED}"
    failed = _sum([f"{matchers},{told}{way}" for told in reading.failures], window)
    everything = _sum([matchers], window)
    return f"100 * (1 - ({failed} or vector(0)) / {everything})"


def _sum(series: Sequence[str], window: str) -> str:
    # `or` keeps a series that several of them match once.
    return f"sum({' or '.join(f'rate({_REQUESTS}{{{one}}}[{window}])' for one in series)})"


def _prompt(matchers: str, reading: Reading) -> str:
    """What a fault has delayed only callers see, and that is asked beside."""
    return matchers if reading.reporter is Reporter.DESTINATION else f"{matchers},{_NOT_DELAYED}"


def _duration(series: Sequence[str], reading: Reading, window: str) -> str:
    # Beside what the pods answered, with CALLERS_DURATION, what a fault had delayed: in another request's time, as its
    # caller measures it, there is the caller's own load, and that of its clients. The delayed are counted as quick ones
    # too, which makes 1 % of them 0.99 %. The two sides' series differ in their reporter, so that `or` keeps both.
    rates = " or ".join(f"rate({_BUCKETS}{{{one}}}[{window}])" for one in series)
    return f"histogram_quantile({reading.quantile:.12g}, sum by (le) ({rates}))"


def _lost(services: Services, reading: Reading) -> list[str]:
    """The matchers of what failed on the way, and is known to have been meant for the one version."""
    if services.shared:
        return [f'response_code=~"{"|".join(map(str, services.codes))}",{_INJECTED}']
    return _fatal(reading)


def _fatal(reading: Reading) -> list[str]:
    """What failed on the way is a failure whatever a metric takes for one; gRPC has it in a status of its own."""
    return [_FAILED, *reading.grpc_failures]


def _unreached_of_both(called: str, reading: Reading, window: str) -> str:
    # Of all that callers sent to these Services. Nobody who reports is no number: empty, or 0/0.
    failed = _sum([f"{called},{_NO_POD},{told}" for told in _fatal(reading)], window)
    return f"100 * ({failed} or vector(0)) / {_sum([called], window)}"


def _unreached_of_one(lost: Sequence[str], reached: str, reading: Reading, window: str) -> str:
    # Of what reached the workload and what failed on the way there: so it is right however small a part of the
    # Service's requests that is, and 100 where all fail.
    on_the_way = [f"{reached},{told},{_ON_THE_WAY}" for told in _fatal(reading)]
    failed, uncounted, arrived = (f"({_sum(series, window)} or vector(0))" for series in (lost, on_the_way, [reached]))
    return f"100 * ({failed} + {uncounted}) / ({failed} + {arrived})"


def _called(namespace: str, services: Services, reading: Reading) -> str:
    # A Service's name has nothing that a regular expression would take for more than itself.
    names = "|".join(_escape(name) for name in services.names)
    where = f'destination_service_namespace="{_escape(namespace)}",destination_service_name=~"{names}"'
    return f'reporter="{reading.callers}",{where}'


def _matchers(namespace: str, workload: str, *, reporter: Reporter) -> str:
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
