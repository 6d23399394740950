"""What this process needs to see of a Pod and of a Service, taken out of their JSON once.

Pure. It must not know sockets or the API; absent fields are ordinary (a pod without an address is
one not started yet).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]

DEFAULT_PORT = 8080
PLAYED_BY = "played-by"
"""The label of pods that another process of the lab plays."""


@dataclass(frozen=True, slots=True)
class PodView:
    """A pod as this process sees it; `address` is empty until it has one."""

    uid: str
    namespace: str
    name: str
    address: str
    running: bool
    ready: bool
    terminating: bool
    workload: str
    labels: Mapping[str, str]
    ports: tuple[int, ...]
    containers: tuple[Json, ...]
    container_statuses: tuple[Json, ...]

    @property
    def playable(self) -> bool:
        """Whether its containers would run now."""
        return self.running and bool(self.address)

    @property
    def played_elsewhere(self) -> bool:
        """Whether another process plays it."""
        return PLAYED_BY in self.labels


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A Service as this process sees it."""

    namespace: str
    name: str
    selector: tuple[tuple[str, str], ...]

    def selects(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether a pod with these labels is behind it; a Service without a selector selects none."""
        if not self.selector or namespace != self.namespace:
            return False
        return all(labels.get(key) == value for key, value in self.selector)


def read_pod(pod: Json) -> PodView:
    """Take from a Pod's JSON what matters here."""
    meta, spec, status = pod["metadata"], pod.get("spec", {}), pod.get("status", {})
    conditions = {item["type"]: item["status"] for item in status.get("conditions") or ()}
    containers = tuple(spec.get("containers") or ())
    return PodView(
        uid=meta["uid"],
        namespace=meta["namespace"],
        name=meta["name"],
        address=status.get("podIP", ""),
        running=status.get("phase") == "Running",
        ready=conditions.get("Ready") == "True",
        terminating="deletionTimestamp" in meta,
        workload=_workload(meta),
        labels=meta.get("labels") or {},
        ports=_ports(containers),
        containers=containers,
        container_statuses=tuple(status.get("containerStatuses") or ()),
    )


def read_service(service: Json) -> ServiceView:
    """Take from a Service's JSON what matters here."""
    meta = service["metadata"]
    selector = service.get("spec", {}).get("selector") or {}
    return ServiceView(meta["namespace"], meta["name"], tuple(sorted(selector.items())))


def _workload(meta: Json) -> str:
    """The Deployment's name where a ReplicaSet owns the pod, else the owner's, else the pod's own."""
    owner: Json = next((ref for ref in meta.get("ownerReferences") or () if ref.get("controller")), {})
    name = str(owner.get("name", meta["name"]))
    suffix = (meta.get("labels") or {}).get("pod-template-hash")
    if owner.get("kind") == "ReplicaSet" and suffix:
        return name.removesuffix(f"-{suffix}")
    return name


def _ports(containers: Iterable[Json]) -> tuple[int, ...]:
    declared = {
        int(port["containerPort"])
        for container in containers
        for port in container.get("ports") or ()
        if port.get("protocol", "TCP") == "TCP"
    }
    return tuple(sorted(declared)) or (DEFAULT_PORT,)
