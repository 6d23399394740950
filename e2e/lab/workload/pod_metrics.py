"""The cluster's metrics.k8s.io: what autoscalers are told of the played pods' CPU.

The API server sends its questions on to here (an APIService), so this speaks as such a server does: discovery, and the
PodMetrics of one namespace, by labels that must be equal. It knows neither sockets nor TLS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from e2e.lab.workload.usage import WINDOW_S
from e2e.lab.workload.views import PodView

GROUP_VERSION = "metrics.k8s.io/v1beta1"
ROOT = f"/apis/{GROUP_VERSION}"
_NOTHING = {"cpu": "0", "memory": "0"}
_RESOURCES = [{"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": ["get", "list"]}]


@dataclass(frozen=True, slots=True)
class Usage:
    """One pod and the cores that it uses."""

    pod: PodView
    cores: float


class BadSelectorError(ValueError):
    """A selector of a form that the lab does not need."""


def answer(target: str, usages: Iterable[Usage], at: datetime) -> tuple[int, dict[str, Any]]:
    """Status and body for a GET of `target`."""
    url = urlsplit(target)
    if url.path == ROOT:
        return 200, {
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": GROUP_VERSION, "resources": _RESOURCES,
        }  # fmt: skip
    words = url.path.removeprefix(f"{ROOT}/").split("/")
    if not url.path.startswith(f"{ROOT}/namespaces/") or len(words) != 3 or words[2] != "pods":
        return 404, _status(404, f"there is {ROOT}/namespaces/NAME/pods")
    try:
        labels = _equalities(parse_qs(url.query).get("labelSelector", [""])[0])
    except BadSelectorError as error:
        return 400, _status(400, str(error))
    items = [_pod_metrics(usage, at) for usage in usages if _matches(usage.pod, words[1], labels)]
    return 200, {"kind": "PodMetricsList", "apiVersion": GROUP_VERSION, "metadata": {}, "items": items}


def _equalities(selector: str) -> dict[str, str]:
    labels = {}
    for term in filter(None, selector.split(",")):
        key, equals, value = term.replace("==", "=").partition("=")
        if not equals or key.endswith("!") or not value:
            raise BadSelectorError(f"label selector {selector!r}: the lab knows key=value only")
        labels[key] = value
    return labels


def _matches(pod: PodView, namespace: str, labels: Mapping[str, str]) -> bool:
    return pod.namespace == namespace and labels.items() <= dict(pod.labels).items()


def _pod_metrics(usage: Usage, at: datetime) -> dict[str, Any]:
    pod = usage.pod
    used = {"cpu": f"{round(usage.cores * 1e9)}n", "memory": "16Mi"}
    # What is known is known of the pod: its first container stands for all.
    names = [container["name"] for container in pod.containers]
    shares = [{"name": name, "usage": used if name == names[0] else _NOTHING} for name in names]
    return {
        "metadata": {"name": pod.name, "namespace": pod.namespace, "labels": dict(pod.labels)},
        "timestamp": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "window": f"{WINDOW_S:.0f}s",
        "containers": shares,
    }


def _status(code: int, message: str) -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message}
