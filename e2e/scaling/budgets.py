"""The PodDisruptionBudget beside the target and its copy: how they are read, changed and tried. Judges nothing.

Tried is an eviction, as a drain of the node would ask for it, but as a dry run: the API server says whether it would be
let through. A pod under two budgets is never let through, and that is said in other words.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from e2e.play.kubectl import apply, attempt, get_objects
from e2e.play.manifests import Json, example
from e2e.play.scene import Scene
from e2e.play.waiting import OverdueError, until
from e2e.scaling.facts import NEEDED

BUDGET, COPY = "app", "app-app-primary"
FIRST: Mapping[str, Any] = {"minAvailable": 1}
"""What examples/scaling/budget.yaml says."""
CHANGED: Mapping[str, Any] = {"maxUnavailable": 0}
"""What it says from the middle of a release on: no pod may be evicted."""
_SAYS = ("minAvailable", "maxUnavailable")
_PODS = "/api/v1/namespaces/default/pods"
_WITHIN_S = 15.0


@dataclass(frozen=True, slots=True)
class BudgetSeen:
    """A budget as it was read."""

    says: Mapping[str, Any]
    guarded: int
    """Pods that it selects, as Kubernetes counted them."""
    counted: bool
    """Whether that was counted since its last change."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Both budgets at one time, and how an eviction of one of the pods that serve was answered."""

    at_s: float
    own: BudgetSeen | None
    copy: BudgetSeen | None
    evicted: str
    """What kubectl said: empty if the pod would be evicted."""


async def guard_of(scene: Scene, workload: str, budget: str, says: Mapping[str, Any]) -> Guard:
    """Wait until that budget says so, of as many pods as are needed; then try to evict a pod of the workload.

    What does not come in time is for the judge. Raises KubectlError.
    """

    async def counted() -> bool:
        seen = (await _read()).get(budget)
        return seen is not None and seen.counted and (seen.says, seen.guarded) == (says, NEEDED)

    with suppress(OverdueError):
        await until(counted, what=f"PodDisruptionBudget {budget}", within_s=_WITHIN_S)
    at_s, found = time.time(), await _read()
    return Guard(at_s, found.get(BUDGET), found.get(COPY), await _try_to_evict(await _ready_pod(scene, workload)))


async def change() -> Json:
    """A person applies the file of the budget, changed; it as it is then. Raises KubectlError."""
    manifest = example("budget", "scaling")
    kept = {field: value for field, value in manifest["spec"].items() if field not in _SAYS}
    await apply({**manifest, "spec": {**kept, **CHANGED}})
    return await user_made("poddisruptionbudgets", BUDGET)


async def user_made(kind: str, name: str) -> Json:
    """What a user has of an object: which it is, its spec, and all else that can be written to it. Raises KubectlError.

    Empty if there is none.
    """
    found = [one for one in await get_objects("default", (kind,)) if one["metadata"]["name"] == name]
    return as_user_made(found[0]) if found else {}


def as_user_made(manifest: Mapping[str, Any]) -> Json:
    """The same of an object that was read."""
    fields = ("uid", "labels", "annotations", "finalizers", "ownerReferences")
    metadata = {field: manifest["metadata"].get(field) for field in fields}
    return {"metadata": metadata, "spec": manifest["spec"]}


def read_budget(manifest: Mapping[str, Any]) -> BudgetSeen:
    """What counts of a budget."""
    spec, status = manifest["spec"], manifest.get("status") or {}
    return BudgetSeen(
        says={field: spec[field] for field in _SAYS if field in spec},
        guarded=status.get("expectedPods", 0),
        counted=status.get("observedGeneration") == manifest["metadata"]["generation"],
    )


async def _read() -> dict[str, BudgetSeen]:
    found = await get_objects("default", ("poddisruptionbudgets",))
    return {one["metadata"]["name"]: read_budget(one) for one in found}


async def _ready_pod(scene: Scene, workload: str) -> str:
    """The name of one of its pods that serve; empty if there is none."""
    found, _ = await scene.api.list_objects(_PODS)
    return next((pod["metadata"]["name"] for pod in found if _serves(pod, workload)), "")


def _serves(pod: Mapping[str, Any], workload: str) -> bool:
    told = {one["type"]: one["status"] for one in pod.get("status", {}).get("conditions") or ()}
    metadata = pod["metadata"]
    named = metadata.get("labels", {}).get("app") == workload
    return named and "deletionTimestamp" not in metadata and told.get("Ready") == "True"


async def _try_to_evict(pod: str) -> str:
    if not pod:
        return "there is no pod to evict"
    asked = {
        "apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"name": pod, "namespace": "default"}, "deleteOptions": {"dryRun": ["All"]},
    }  # fmt: skip
    answer = await attempt("create", f"--raw={_PODS}/{pod}/eviction", "--filename=-", stdin=json.dumps(asked))
    return "" if answer.code == 0 else answer.said.strip()
