"""The columns that a server prints for the built-in kinds: names as they are, cells by the object. Pure.

A column is its name, its priority (1 shows with `-o wide` only), and what makes its cell. The first is always the name,
but for events. Kinds that are not here have a name and an age, as a custom kind without columns of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from rollouts.embedded import cells
from rollouts.embedded.cells import NONE, Cell, at, since
from rollouts.embedded.pod_cells import ready, restarts, state


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table; `type` and `format` are OpenAPI's."""

    name: str
    cell: Cell
    priority: int = 0
    type: str = "string"
    format: str = ""
    description: str = ""


NAME = Column("Name", at(".metadata.name"), format="name", description="Unique within the kind, and the namespace.")
AGE = Column("Age", since(".metadata.creationTimestamp"), description="How long ago it was created.")


_WORKLOAD = (
    Column("Containers", cells.of_containers("name"), 1),
    Column("Images", cells.of_containers("image"), 1),
    Column("Selector", cells.selector(".spec.selector"), 1),
)

BUILT_IN: dict[str, tuple[Column, ...]] = {
    "Deployment": (
        NAME,
        Column("Ready", cells.ready_replicas),
        Column("Up-to-date", at(".status.updatedReplicas", 0)),
        Column("Available", at(".status.availableReplicas", 0)),
        AGE,
        *_WORKLOAD,
    ),
    "DaemonSet": (
        NAME,
        Column("Desired", at(".status.desiredNumberScheduled", 0), type="integer"),
        Column("Current", at(".status.currentNumberScheduled", 0), type="integer"),
        Column("Ready", at(".status.numberReady", 0), type="integer"),
        Column("Up-to-date", at(".status.updatedNumberScheduled", 0), type="integer"),
        Column("Available", at(".status.numberAvailable", 0), type="integer"),
        Column("Node Selector", cells.selector(".spec.template.spec.nodeSelector")),
        AGE,
        *_WORKLOAD,
    ),
    "ReplicaSet": (
        NAME,
        Column("Desired", at(".spec.replicas", 1), type="integer"),
        Column("Current", at(".status.replicas", 0), type="integer"),
        Column("Ready", at(".status.readyReplicas", 0), type="integer"),
        AGE,
        *_WORKLOAD,
    ),
    "Pod": (
        NAME,
        Column("Ready", lambda pod, _now: ready(pod)),
        Column("Status", lambda pod, _now: state(pod)),
        Column("Restarts", restarts),
        AGE,
        Column("IP", at(".status.podIP", NONE), 1),
        Column("Node", at(".spec.nodeName", NONE), 1),
        Column("Nominated Node", at(".status.nominatedNodeName", NONE), 1),
        Column("Readiness Gates", lambda _pod, _now: NONE, 1),
    ),
    "Service": (
        NAME,
        Column("Type", at(".spec.type", "ClusterIP")),
        Column("Cluster-IP", at(".spec.clusterIP", NONE)),
        Column("External-IP", cells.external),
        Column("Port(s)", cells.ports),
        AGE,
        Column("Selector", cells.selector(".spec.selector"), 1),
    ),
    "Namespace": (NAME, Column("Status", at(".status.phase", "Active")), AGE),
    "ConfigMap": (NAME, Column("Data", cells.keys("data", "binaryData")), AGE),
    "Secret": (NAME, Column("Type", at(".type", "Opaque")), Column("Data", cells.keys("data")), AGE),
    "Lease": (NAME, Column("Holder", at(".spec.holderIdentity")), AGE),
    "CustomResourceDefinition": (NAME, Column("Created At", at(".metadata.creationTimestamp"), type="date")),
    "HorizontalPodAutoscaler": (
        NAME,
        Column("Reference", cells.target),
        Column("Targets", cells.goals),
        Column("MinPods", lambda hpa, _now: str(hpa.get("spec", {}).get("minReplicas", "<unset>"))),
        Column("MaxPods", at(".spec.maxReplicas")),
        Column("Replicas", at(".status.currentReplicas", 0)),
        AGE,
    ),
    "Event": (
        Column("Last Seen", cells.last_seen),
        Column("Type", at(".type")),
        Column("Reason", at(".reason")),
        Column("Object", cells.involved),
        Column("Subobject", at(".involvedObject.fieldPath"), 1),
        Column("Source", cells.source, 1),
        Column("Message", lambda event, _now: str(event.get("message", "")).strip()),
        Column("First Seen", cells.first_seen, 1),
        Column("Count", cells.times, 1),
        Column("Name", at(".metadata.name"), 1, format="name", description=NAME.description),
    ),
}
"""By kind."""
