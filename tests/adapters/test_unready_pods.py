"""What pods and workloads say of why they are not ready, as the API server shows them; each names what to do."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.resources import Manifest
from rollouts.workloads.pods import TOLD_MAX, explain_pods
from rollouts.workloads.state import observe_deployment
from tests.adapters.manifests import target

FULL = "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims."


def pod(name: str = "app-1", phase: str = "Pending", *conditions: Manifest, **status: Any) -> Manifest:
    """A pod as a list has it."""
    return {"metadata": {"name": name}, "spec": {}, "status": {"phase": phase, "conditions": conditions, **status}}


def is_not(kind: str, reason: str, message: str = "") -> Manifest:
    """A condition that does not hold."""
    return {"type": kind, "status": "False", "reason": reason, "message": message}


READY: Manifest = {"type": "Ready", "status": "True"}


def running(name: str = "app-1", *, kind: str = "containerStatuses", **container: Any) -> Manifest:
    """A pod on its node, with one container in that state."""
    return pod(name, "Running", **{kind: [{"name": "web", "image": "web:2", "ready": False, **container}]})


def waiting(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    """A container that does not run."""
    return {"state": {"waiting": {"reason": reason, "message": message}}, **more}


def ended(code: int, reason: str = "Error") -> dict[str, Any]:
    """How a container ended."""
    return {"terminated": {"exitCode": code, "reason": reason}}


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (pod("app-1", "Pending", is_not("PodScheduled", "Unschedulable", FULL)),
         ("pod app-1 can't be scheduled: 0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are "
         "available: 3 No preemption victims: give the cluster room, or let the pod demand less")),
        (pod("app-1", "Pending", is_not("PodScheduled", "SchedulingGated")) | {
            "spec": {"schedulingGates": [{"name": "x.example/wait"}]}},
         "pod app-1 waits for its scheduling gates (x.example/wait): whoever set them has to remove them"),
        (running(**waiting("ImagePullBackOff", "Back-off pulling image")),
         ("the image web:2 of pod app-1 can't be pulled (ImagePullBackOff): correct its name, or give the namespace "
         "the secret that it takes")),
        (running(**waiting("CreateContainerConfigError", 'secret "key" not found')),
         ('container web of pod app-1 can\'t start (CreateContainerConfigError: secret "key" not found): correct what '
         "it names, or make it")),
        (running(**waiting("RunContainerError")),
         "container web of pod app-1 can't start (RunContainerError): correct what it names, or make it"),
        (running(**waiting("CrashLoopBackOff", "back-off 5m0s", lastState=ended(137, "OOMKilled"))),
         ("container web of pod app-1 ends again and again (last with exit code 137, OOMKilled): see kubectl logs "
         "--previous app-1 -c web")),
        (running(**waiting("CrashLoopBackOff", lastState=ended(0, "Completed"))),
         ("container web of pod app-1 ends again and again (last with exit code 0): see kubectl logs --previous app-1 "
         "-c web")),
        (running(state=ended(2)),
         ("container web of pod app-1 ends again and again (last with exit code 2): see kubectl logs --previous app-1 "
         "-c web")),
        (running(state={"running": {}}, lastState=ended(1)),
         ("container web of pod app-1 ends again and again (last with exit code 1): see kubectl logs --previous app-1 "
         "-c web")),
        (running(state={"running": {}}),
         "container web of pod app-1 runs, and is not ready: see kubectl logs app-1 -c web"),
        (running(kind="initContainerStatuses", state={"running": {}}),
         "container web of pod app-1 prepares it, and has not ended yet: see kubectl logs app-1 -c web"),
        (running(**waiting("ContainerCreating")),
         "pod app-1 is not ready yet: see what kubectl describe pod app-1 says"),
        (pod(), "pod app-1 is not ready yet: see what kubectl describe pod app-1 says"),
        ({"metadata": {"name": "app-1"}}, "pod app-1 is not ready yet: see what kubectl describe pod app-1 says"),
        (pod("app-1", "Failed", reason="Evicted", message="The node was low on resource: memory."),
         ("pod app-1 failed (The node was low on resource: memory): another takes its place, look at its node if that "
         "goes on")),
    ],
    ids=["no room", "gated", "no image", "no secret", "does not run", "out of memory", "ends well and too soon",
         "has just ended", "runs again", "not ready", "prepares", "is made", "new", "without a status", "evicted"],
)  # fmt: skip
def test_a_pod_says_what_keeps_it(seen: Manifest, says: str) -> None:
    """The pod, what is wrong, and what to do."""
    assert explain_pods([seen]) == says


@pytest.mark.parametrize(
    "well",
    [
        [],
        [pod("app-1", "Running", READY)],
        [pod("app-1", "Succeeded")],
        [{"metadata": {"name": "app-1", "deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {"phase": "Running"}}],
    ],
    ids=["none", "ready", "over", "leaving"],
)
def test_pods_that_are_well_say_nothing(well: list[Manifest]) -> None:
    """Ready, finished, or about to go."""
    assert explain_pods(well) == ""


def test_the_trouble_that_comes_first_is_told() -> None:
    """Whatever the order of the list: one without a node before one that dies, and of equals the first by name."""
    dying = running("app-0", **waiting("CrashLoopBackOff", lastState=ended(1)))
    unplaced = [pod(name, "Pending", is_not("PodScheduled", "Unschedulable", FULL)) for name in ("app-9", "app-3")]
    for seen in ([dying, *unplaced], [*reversed(unplaced), dying]):
        assert explain_pods([pod("app-2", "Running", READY), *seen]).startswith("pod app-3 can't be scheduled")


def test_what_kubernetes_says_is_one_line_of_bounded_length() -> None:
    """A cluster of a thousand kinds of nodes says a lot."""
    said = explain_pods([pod("app-1", "Pending", is_not("PodScheduled", "Unschedulable", "no\nroom " * 100))])
    assert "\n" not in said
    assert TOLD_MAX < len(said) < TOLD_MAX + 150
    assert said.endswith("...: give the cluster room, or let the pod demand less")


def _failing(message: str, status: str = "True") -> Manifest:
    condition = {"type": "ReplicaFailure", "status": status, "reason": "FailedCreate", "message": message}
    return target() | {"status": {"conditions": [condition]}}


QUOTA = (
    'pods "app-7d9f4-x2k9p" is forbidden: exceeded quota: compute, requested: requests.cpu=500m,pods=1, used: '
    "requests.cpu=1,pods=4, limited: requests.cpu=1,pods=4"
)


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (_failing(QUOTA),
         ("ResourceQuota compute in namespace shop forbids more pods of {name} (requested: requests.cpu=500m,pods=1, "
         "used: requests.cpu=1,pods=4, limited: requests.cpu=1,pods=4): raise it, or let them ask for less")),
        (_failing('pods "app-1" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'),
         ('pods of {name} can\'t be made (violates PodSecurity "restricted:latest": runAsNonRoot != true): mend that, '
         "or apply a template that is allowed")),
        (_failing('admission webhook "x.example" denied the request: no'),
         ('pods of {name} can\'t be made (admission webhook "x.example" denied the request: no): mend that, or apply a '
         "template that is allowed")),
        (_failing(QUOTA, "False"), ""),
        (target(), ""),
    ],
    ids=["quota", "pod security", "webhook", "over", "never"],
)  # fmt: skip
def test_a_workload_says_why_its_pods_cannot_be_made(seen: Manifest, says: str) -> None:
    """The quota by name, with its numbers; anything else as the API server put it, without the one pod's name."""
    seen["metadata"] |= {"namespace": "shop"}
    assert observe_deployment(seen).failure == says.format(name=seen["metadata"]["name"])


def test_a_long_refusal_is_cut() -> None:
    """Conditions and notices are bounded."""
    assert len(observe_deployment(_failing("x" * 5000)).failure) < 400
