"""What is written into a pod's status: that its containers answer, or why they never will.

Pure: a pod and a time in, a strategic merge patch out. `conditions` merge by type, but
`containerStatuses` is one atomic list: all of it is sent, with the fields that someone else wrote
kept as they are.
"""

from dataclasses import dataclass
from typing import Any

from e2e.lab.workload.views import Json, PodView


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a pod's containers don't run: a CamelCase reason and a sentence for whoever wrote the pod."""

    reason: str
    message: str


def render_ready(pod: PodView, at: str) -> dict[str, Any]:
    """The patch that makes a pod Ready; `at` is RFC 3339 in UTC."""
    # null removes what an earlier fault has left.
    well: dict[str, Any] = {"status": "True", "lastTransitionTime": at, "reason": None, "message": None}
    conditions = [{"type": kind, **well} for kind in ("Ready", "ContainersReady")]
    statuses = [_container_status(pod, container, at) for container in pod.containers]
    return _patch(pod, {"reason": None, "message": None, "conditions": conditions, "containerStatuses": statuses})


def render_unready(pod: PodView, fault: Fault, at: str) -> dict[str, Any]:
    """The patch that says why a pod stays unready."""
    why = {
        "status": "False",
        "reason": fault.reason,
        "message": fault.message,
        "lastTransitionTime": at,
    }
    conditions = [{"type": kind, **why} for kind in ("Ready", "ContainersReady")]
    return _patch(pod, {"reason": fault.reason, "message": fault.message, "conditions": conditions})


def _patch(pod: PodView, status: dict[str, Any]) -> dict[str, Any]:
    # With the uid the API server refuses (409) when another pod has taken the name meanwhile.
    return {"metadata": {"uid": pod.uid}, "status": status}


def _container_status(pod: PodView, container: Json, at: str) -> dict[str, Any]:
    fresh = {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": "",
        "restartCount": 0,
        "state": {"running": {"startedAt": at}},
    }
    known = next((item for item in pod.container_statuses if item["name"] == container["name"]), fresh)
    return {**known, "ready": True, "started": True}
