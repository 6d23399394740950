"""The workloads of a run, of either kind: what they ask for and what they say, as the judges read it.

Told once more, from the kinds' documentation: the controller's own reading is not asked.
"""

from __future__ import annotations

from rollouts.api.resources import DAEMON_SETS, DEPLOYMENTS, Manifest, ObjectKey
from rollouts.testing.memory_server import MemoryServer
from tests.sim.plan import NAMESPACE

WORKLOADS = (DEPLOYMENTS, DAEMON_SETS)
NOWHERE = "scaled-to-zero.rollouts.dev"


def stored(server: MemoryServer, name: str) -> Manifest | None:
    """The workload of that name, of whichever kind; a run has none of both."""
    found = (server.stored(kind, ObjectKey(NAMESPACE, name)) for kind in WORKLOADS)
    return next((one for one in found if one is not None), None)


def all_of(server: MemoryServer) -> list[Manifest]:
    """All there are."""
    return [one for kind in WORKLOADS for one in server.all_of(kind)]


def template_of(workload: Manifest) -> Manifest:
    """Its template as its user applied it."""
    template: Manifest = workload["spec"]["template"]
    if template["spec"].get("nodeName") != NOWHERE:
        return template
    return {**template, "spec": {name: value for name, value in template["spec"].items() if name != "nodeName"}}


def replicas_of(workload: Manifest | None) -> int:
    """How many pods it asks for; a DaemonSet, 1 for any number."""
    if workload is None:
        return 0
    if workload["kind"] == DAEMON_SETS.kind:
        return int(template_of(workload) == workload["spec"]["template"])
    return int(workload["spec"].get("replicas", 1))


def counts_of(workload: Manifest) -> tuple[int, list[int]]:
    """How many pods there are to be, and how many there are in each respect: of this version, in all, that serve."""
    status = workload.get("status") or {}
    if workload["kind"] == DAEMON_SETS.kind:
        names = ["updatedNumberScheduled", "currentNumberScheduled", "numberAvailable"]
        return int(status.get("desiredNumberScheduled", 0)), [int(status.get(name, 0)) for name in names]
    names = ["updatedReplicas", "replicas", "availableReplicas"]
    return replicas_of(workload), [int(status.get(name, 0)) for name in names]
