"""What pods say of why they are not ready: the one thing to mend first, in words for whoever is woken by it.

Pure: pods as the API server lists them in, a sentence out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rollouts.api.resources import Manifest

TOLD_MAX = 200
"""How much of what Kubernetes says is passed on, in characters."""
_NO_IMAGE = frozenset({"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"})
_STARTING = frozenset({"", "ContainerCreating", "PodInitializing"})
_UNPLACED, _NOT_STARTED, _DYING, _GONE, _UNREADY, _SLOW = range(6)
"""What is told first: a pod without a node has no container to look at, and so on."""
_CONTAINERS = (
    ("initContainerStatuses", "prepares it, and has not ended yet"),
    ("containerStatuses", "runs, and is not ready"),
)


def explain_pods(pods: Sequence[Manifest]) -> str:
    """Why they are not all ready, and the way out: of the pod whose trouble comes first; empty if all are ready."""
    told = [(rank, pod["metadata"]["name"], text) for pod in pods if _counts(pod) for rank, text in _troubles(pod)]
    return min(told, default=(0, "", ""))[2]


def _counts(pod: Manifest) -> bool:
    """Whether it ought to be ready and is not."""
    over = "deletionTimestamp" in pod["metadata"] or _status(pod).get("phase") == "Succeeded"
    return not over and _condition(pod, "Ready").get("status") != "True"


def _troubles(pod: Manifest) -> Iterator[tuple[int, str]]:
    name, status, scheduled = pod["metadata"]["name"], _status(pod), _condition(pod, "PodScheduled")
    if status.get("phase") == "Failed":
        why = _cut(status.get("message") or status.get("reason") or "it ended")
        yield _GONE, f"pod {name} failed ({why}): another takes its place, look at its node if that goes on"
    elif scheduled.get("status") == "False" and scheduled.get("reason") == "SchedulingGated":
        gates = ", ".join(gate["name"] for gate in pod.get("spec", {}).get("schedulingGates") or ())
        yield _UNPLACED, f"pod {name} waits for its scheduling gates ({gates}): whoever set them has to remove them"
    elif scheduled.get("status") == "False":
        why = _cut(scheduled.get("message", ""))
        yield _UNPLACED, f"pod {name} can't be scheduled: {why}: give the cluster room, or let the pod demand less"
    else:
        for kind, goes_on in _CONTAINERS:
            for one in status.get(kind) or ():
                if found := _trouble(name, one):
                    yield found
                elif "running" in (one.get("state") or {}) and not one.get("ready"):
                    see = f"see kubectl logs {name} -c {one['name']}"
                    yield _UNREADY, f"container {one['name']} of pod {name} {goes_on}: {see}"
        yield _SLOW, f"pod {name} is not ready yet: see what kubectl describe pod {name} says"


def _trouble(pod: str, container: dict[str, Any]) -> tuple[int, str] | None:
    """What keeps one container, if anything does."""
    name, state = container["name"], container.get("state") or {}
    waits, last = state.get("waiting") or {}, (container.get("lastState") or {}).get("terminated") or {}
    reason, message = waits.get("reason", ""), _cut(waits.get("message", ""))
    ended = state.get("terminated") or last
    if reason in _NO_IMAGE:
        way_out = "correct its name, or give the namespace the secret that it takes"
        return (
            _NOT_STARTED,
            f"the image {container.get('image', '')} of pod {pod} can't be pulled ({reason}): {way_out}",
        )
    if ended and (ended.get("exitCode", 0) != 0 or reason == "CrashLoopBackOff") and not container.get("ready"):
        code = f"exit code {ended.get('exitCode', 0)}"
        how = f"{code}, {ended['reason']}" if ended.get("reason") not in {None, "Error", "Completed"} else code
        see = f"kubectl logs --previous {pod} -c {name}"
        return _DYING, f"container {name} of pod {pod} ends again and again (last with {how}): see {see}"
    if reason not in _STARTING:
        what = f"{reason}: {message}" if message else reason
        return _NOT_STARTED, f"container {name} of pod {pod} can't start ({what}): correct what it names, or make it"
    return None


def _status(pod: Manifest) -> dict[str, Any]:
    return pod.get("status") or {}


def _condition(pod: Manifest, kind: str) -> dict[str, Any]:
    conditions = _status(pod).get("conditions") or ()
    return next((condition for condition in conditions if condition.get("type") == kind), {})


def _cut(text: str) -> str:
    """One line of it, without a full stop."""
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= TOLD_MAX else f"{line[: TOLD_MAX - 3]}..."
