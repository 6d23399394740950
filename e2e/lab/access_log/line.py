"""One line of an Envoy's access log, as mesh.yaml's accessLogFormat orders it, and what Istio would call it.

Pure. The duration stands first, so that what follows is the same text for requests that fell alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from e2e.lab.workload.exposition import UNKNOWN
from e2e.lab.workload.views import PodView

NOTHING = "-"
"""What Envoy writes for a value that it does not have."""
_NO_HTTP = NOTHING
_FIELDS = 6


@dataclass(frozen=True, slots=True)
class Reporter:
    """The proxy whose log it is."""

    workload: str
    namespace: str
    trusts_host: bool
    """Whether a request that no cluster was found for counts for the host that it named. Istio's gateways don't."""


class NoLineError(Exception):
    """The text is no line of that format."""


def labels_of(rest: str, reporter: Reporter, pods: Mapping[str, PodView]) -> dict[str, str] | None:
    """Istio's labels for a line without its duration; None for what was no HTTP request.

    `pods` are by address. Raises NoLineError.
    """
    fields = rest.split(" ")
    if len(fields) != _FIELDS:
        raise NoLineError(rest)
    protocol, code, flags, upstream, cluster, authority = fields
    if protocol == _NO_HTTP:
        return None
    return {
        "reporter": "source",
        "source_workload": reporter.workload,
        "source_workload_namespace": reporter.namespace,
        **_workload_labels(pods.get(upstream.rpartition(":")[0])),
        **_service_labels(cluster.removesuffix(";"), authority if reporter.trusts_host else UNKNOWN),
        "request_protocol": "http",
        "response_code": code,
        "response_flags": flags,
        "connection_security_policy": UNKNOWN,
    }


def _workload_labels(pod: PodView | None) -> dict[str, str]:
    if pod is None:
        names = ("workload", "workload_namespace", "app", "version")
        return {f"destination_{name}": UNKNOWN for name in names}
    return {
        "destination_workload": pod.workload,
        "destination_workload_namespace": pod.namespace,
        "destination_app": pod.labels.get("app", UNKNOWN),
        "destination_version": pod.labels.get("version", UNKNOWN),
    }


def _service_labels(cluster: str, authority: str) -> dict[str, str]:
    """By the cluster's name: `outbound|80|SUBSET|HOST`."""
    parts = cluster.split("|")
    host = parts[3] if len(parts) == 4 else UNKNOWN if authority == NOTHING else authority
    name, namespace = host, UNKNOWN
    pieces = host.split(".")
    if len(parts) == 4 and pieces[2:3] == ["svc"]:
        name, namespace = pieces[:2]
    return {
        "destination_service": host,
        "destination_service_name": name,
        "destination_service_namespace": namespace,
    }
