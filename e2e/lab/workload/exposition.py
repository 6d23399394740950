"""Counts as Prometheus text, under Istio's standard names; and the pods' counts, labelled as the called side sees them.

Pure: meters in, text out. Written by hand: the format is five lines of rules and a scrape comes
every two seconds.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from e2e.lab.workload.meter import BUCKETS_MS, NO_SERVICE, Meter, Series
from e2e.lab.workload.views import PodView

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
UNKNOWN = "unknown"
REQUESTS = "istio_requests_total"
DURATION = "istio_request_duration_milliseconds"
_BOUNDS = (*(f"{bound:.15g}" for bound in BUCKETS_MS), "+Inf")
_SAME_FOR_ALL = {
    "reporter": "destination",
    "source_workload": "istio-ingressgateway",
    "source_workload_namespace": "istio-system",
    "request_protocol": "http",
    "response_flags": "-",
    "connection_security_policy": "none",
}


@dataclass(frozen=True, slots=True)
class Source:
    """One pod's counts and what is known of it."""

    pod: PodView
    version: str
    meter: Meter


def render_exposition(sources: Iterable[Source]) -> str:
    """Everything these pods have served, ready to be scraped."""
    return render_series(found for source in sources for found in _labelled(source))


def render_series(labelled: Iterable[tuple[str, Series]]) -> str:
    """Series by their labels, as Istio's two standard metrics, ready to be scraped."""
    series = [*labelled]
    lines = [
        f"# HELP {REQUESTS} Requests that were answered.",
        f"# TYPE {REQUESTS} counter",
    ]
    lines += [f"{REQUESTS}{{{labels}}} {counted.count}" for labels, counted in series]
    lines += [
        f"# HELP {DURATION} From a request's first byte to its answer.",
        f"# TYPE {DURATION} histogram",
    ]
    for labels, counted in series:
        lines += _histogram(labels, counted)
    return "\n".join(lines) + "\n"


def join_labels(labels: Mapping[str, str]) -> str:
    """Labels as they stand between a sample's braces."""
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _labelled(source: Source) -> Iterator[tuple[str, Series]]:
    for service, by_status in source.meter.by_service.items():
        if not by_status:
            continue
        common = join_labels(_SAME_FOR_ALL | _pod_labels(source) | _service_labels(source.pod.namespace, service))
        for status, counted in by_status.items():
            yield f'{common},response_code="{status}"', counted


def _pod_labels(source: Source) -> dict[str, str]:
    pod = source.pod
    return {
        "destination_workload": pod.workload,
        "destination_workload_namespace": pod.namespace,
        "destination_app": pod.labels.get("app", UNKNOWN),
        "destination_version": source.version or UNKNOWN,
        "pod": pod.name,
        "namespace": pod.namespace,
    }


def _service_labels(namespace: str, service: str) -> dict[str, str]:
    known = service != NO_SERVICE
    return {
        "destination_service": f"{service}.{namespace}.svc.cluster.local" if known else UNKNOWN,
        "destination_service_name": service if known else UNKNOWN,
        "destination_service_namespace": namespace if known else UNKNOWN,
    }


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _histogram(labels: str, counted: Series) -> Iterator[str]:
    for bound, below in zip(_BOUNDS, accumulate(counted.buckets), strict=True):
        yield f'{DURATION}_bucket{{{labels},le="{bound}"}} {below}'
    yield f"{DURATION}_sum{{{labels}}} {counted.sum_ms:.6f}"
    yield f"{DURATION}_count{{{labels}}} {counted.count}"
