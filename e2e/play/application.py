"""The application that is released, as the cluster shows it: its workloads, its version, its release's end."""

from __future__ import annotations

from e2e.play.journal import Json, since
from e2e.play.scene import Scene
from e2e.play.seen import TARGET
from e2e.play.waiting import until

DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"
_DAEMON_SETS = "/apis/apps/v1/namespaces/{}/daemonsets"
_KINDS = {"Deployment": DEPLOYMENTS, "DaemonSet": _DAEMON_SETS}
_NOWHERE = "scaled-to-zero.rollouts.dev"
"""The node that a DaemonSet names while it is scaled to zero."""
_PODS = "/api/v1/namespaces/default/pods"
_ENDS = frozenset({"Succeeded", "Failed"})


async def deployment(scene: Scene, name: str) -> Json | None:
    """A Deployment of namespace `default`; None if there is none."""
    found, _ = await scene.api.list_objects(DEPLOYMENTS.format("default"))
    return next((item for item in found if item["metadata"]["name"] == name), None)


async def workload(scene: Scene, name: str) -> Json | None:
    """The Deployment or, if there is none of that name, the DaemonSet of namespace `default`; with its kind."""
    for kind, path in _KINDS.items():
        found, _ = await scene.api.list_objects(path.format("default"))
        item = next((item for item in found if item["metadata"]["name"] == name), None)
        if item is not None:
            return {**item, "kind": kind}
    return None


def size_of(found: Json | None) -> int | None:
    """How many pods it is to have; of a DaemonSet, 1 for any number. None if there is none."""
    if found is None or found["kind"] != "DaemonSet":
        return found["spec"]["replicas"] if found else None
    return 0 if found["spec"]["template"]["spec"].get("nodeName") == _NOWHERE else 1


def version_of(found: Json | None) -> str:
    """The version that its template says; empty if it says none."""
    containers = found["spec"]["template"]["spec"]["containers"] if found else []
    pairs = {entry["name"]: entry.get("value", "") for entry in containers[0]["env"]} if containers else {}
    return str(pairs.get("VERSION", ""))


async def scaled_down(scene: Scene) -> bool:
    """Whether the canary is at 0 and its last pod has gone."""
    target = await workload(scene, TARGET)
    pods, _ = await scene.api.list_objects(_PODS)
    left = [pod for pod in pods if pod["metadata"].get("labels", {}).get("app") == TARGET]
    return size_of(target) == 0 and not left


async def rest_under_load(scene: Scene, within_s: float) -> None:
    """Wait for what was applied to be at rest: Initialized, then clients who ask, then no pod of the canary's left.

    Each of both waits has that much time. Raises OverdueError.
    """

    async def led() -> bool:
        shown = scene.journal.envoy
        return scene.journal.phase == "Initialized" and bool(shown) and shown[-1].weight_percent == 0

    await until(led, what="Initialized, and Envoy's routes to the primary", within_s=within_s)
    scene.start_load()
    await until(lambda: scaled_down(scene), what="the canary's scale-down", within_s=within_s)


async def release_over(scene: Scene, since_s: float) -> bool:
    """Whether a release that began after that time has ended, and its canary has gone."""
    phases = [seen.phase for seen in since(scene.journal.statuses, since_s)]
    ended = "Progressing" in phases and phases[-1] in _ENDS
    return ended and await scaled_down(scene)
