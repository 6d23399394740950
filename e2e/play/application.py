"""The application that is released, as the cluster shows it: its Deployments, its version, its release's end."""

from __future__ import annotations

from e2e.play.journal import Json, since
from e2e.play.scene import Scene
from e2e.play.seen import TARGET

DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"
_PODS = "/api/v1/namespaces/default/pods"
_ENDS = frozenset({"Succeeded", "Failed"})


async def deployment(scene: Scene, name: str) -> Json | None:
    """A Deployment of namespace `default`; None if there is none."""
    found, _ = await scene.api.list_objects(DEPLOYMENTS.format("default"))
    return next((item for item in found if item["metadata"]["name"] == name), None)


def version_of(found: Json | None) -> str:
    """The version that its template says; empty if it says none."""
    containers = found["spec"]["template"]["spec"]["containers"] if found else []
    pairs = {entry["name"]: entry.get("value", "") for entry in containers[0]["env"]} if containers else {}
    return str(pairs.get("VERSION", ""))


async def scaled_down(scene: Scene) -> bool:
    """Whether the canary is at 0 and its last pod has gone."""
    target = await deployment(scene, TARGET)
    pods, _ = await scene.api.list_objects(_PODS)
    left = [pod for pod in pods if pod["metadata"].get("labels", {}).get("app") == TARGET]
    return target is not None and target["spec"]["replicas"] == 0 and not left


async def release_over(scene: Scene, since_s: float) -> bool:
    """Whether a release that began after that time has ended, and its canary has gone."""
    phases = [seen.phase for seen in since(scene.journal.statuses, since_s)]
    ended = "Progressing" in phases and phases[-1] in _ENDS
    return ended and await scaled_down(scene)
