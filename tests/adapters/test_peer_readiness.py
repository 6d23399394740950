"""The cases in which the peer pins when a workload is ready (deployment_ready), and what is said of each here.

Of both kinds of workloads. What differs on purpose: a share of the pods (its readyThreshold) is never enough, since
what it rounds down to may be none; a deadline that Kubernetes reports counts only if it is about the present template.
"""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.core.observed import WorkloadState, grown
from rollouts.workloads.daemon_set import observe_daemon_set
from rollouts.workloads.state import observe_deployment
from tests.adapters.test_daemon_set import daemon_set

WANTED = 4


def deployment_state(*, seen: bool = True, given_up: bool = False, **counts: int) -> WorkloadState:
    """A Deployment of four, in its own words."""
    names = {"updated": "updatedReplicas", "there": "replicas", "available": "availableReplicas"}
    status: dict[str, Any] = {"observedGeneration": 3 if seen else 2}
    status |= {name: counts.get(key, WANTED) for key, name in names.items()}
    if given_up:
        status["conditions"] = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
    template = daemon_set()["spec"]["template"]
    return observe_deployment(
        {"metadata": {"generation": 3}, "spec": {"replicas": WANTED, "template": template}, "status": status}
    )


def daemon_set_state(*, seen: bool = True, given_up: bool = False, **counts: int) -> WorkloadState:
    """A DaemonSet on four nodes; a pod too many on a node is an old one, which is not updated."""
    extra = max(0, counts.get("there", WANTED) - WANTED)
    return observe_daemon_set(daemon_set({
        "observedGeneration": 3 if seen else 2, "desiredNumberScheduled": WANTED,
        "currentNumberScheduled": min(WANTED, counts.get("there", WANTED)),
        "updatedNumberScheduled": counts.get("updated", WANTED) - extra,
        "numberAvailable": counts.get("available", WANTED),
    }))  # fmt: skip


@pytest.mark.parametrize("state", [deployment_state, daemon_set_state], ids=["Deployment", "DaemonSet"])
@pytest.mark.parametrize(
    ("case", "ready"),
    [
        pytest.param({}, True, id="all there"),
        pytest.param({"seen": False}, False, id="generation lag"),
        pytest.param({"updated": 2}, False, id="new pods to come"),
        pytest.param({"there": 6}, False, id="old pods terminating"),
        pytest.param({"available": 3}, False, id="one not available"),
        pytest.param({"available": 2}, False, id="half of four, which is enough for the peer at a threshold of 50 %"),
        pytest.param({"available": 0}, False, id="none available"),
    ],
)
def test_ready_is_what_the_peer_calls_so_but_for_thresholds(state: Any, case: dict[str, Any], ready: bool) -> None:  # noqa: FBT001
    """All pods run the present template and are available, and no other is left."""
    assert grown(state(**case)) is ready


@pytest.mark.parametrize(
    ("state", "case", "exceeded"),
    [
        pytest.param(deployment_state, {"given_up": True, "available": 3}, True, id="a Deployment's own deadline"),
        pytest.param(deployment_state, {"given_up": True, "seen": False}, False, id="of an older template"),
        pytest.param(deployment_state, {"available": 0}, False, id="not available, and no more is said"),
        pytest.param(daemon_set_state, {"given_up": True, "available": 0}, False, id="a DaemonSet has none"),
    ],
)
def test_a_deadline_is_kubernetes_own_or_the_canarys(state: Any, case: dict[str, Any], exceeded: bool) -> None:  # noqa: FBT001
    """Where nobody reports one, progressDeadlineSeconds ends the wait: tests/core/golden/never-ready.yaml."""
    assert state(**case).deadline_exceeded is exceeded
