"""The last stories: the Canary is deleted in mid-run, in each way that Kubernetes has, and requests go on.

In the foreground as Argo CD does it, orphaning as for a migration, in the background as kubectl does. Plays and judges,
for its few facts are nobody else's. After each but the first the Canary is applied again.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass

from e2e.play.application import scaled_down
from e2e.play.given_back import canary_is_gone
from e2e.play.journal import since
from e2e.play.kubectl import apply, kubectl
from e2e.play.manifests import example, paced, planned_weights
from e2e.play.result import Result
from e2e.play.scene import Scene
from e2e.play.seen import PRIMARY, TARGET
from e2e.play.waiting import until

_WITHIN_S = 120.0
_TAIL_S = 5.0
_MADE = ("deployments", "services", "destinationrules.networking.istio.io")


@dataclass(frozen=True, slots=True)
class Act:
    """One deletion."""

    story: str
    version: str
    """What is released, and then serves alone."""
    cascade: str
    at_percent: int | None
    """The weight at which it is deleted; None for the phase Promoting."""

    def reached(self, scene: Scene, began_s: float) -> bool:
        """Whether the moment has come."""
        if self.at_percent is None:
            seen = since(scene.journal.statuses, began_s)
            return bool(seen) and seen[-1].phase == "Promoting"
        routes = since(scene.journal.routes, began_s)
        return bool(routes) and routes[-1].weight_percent == self.at_percent


ACTS = (
    Act("deleted", "6", "foreground", 20),
    Act("deleted, orphaning", "7", "orphan", 20),
    Act("deleted while promoted", "8", "background", None),
)


async def play_deletion(scene: Scene, act: Act) -> list[Result]:
    """Release a version, delete the Canary at the act's moment. Raises OverdueError when that has no end."""
    if act is not ACTS[0]:
        await _apply_again(scene)
    began_s = time.time()
    words = (f"VERSION={act.version}", "ERROR_RATE=0", "LATENCY_P99_MS=20")
    await kubectl("set", "env", f"deployment/{TARGET}", *words)

    async def reached() -> bool:
        return act.reached(scene, began_s)

    patience_s = _WITHIN_S + scene.interval_s * len(planned_weights(example("canary")))
    await until(reached, what=f"the moment of {act.story}", within_s=patience_s, every_s=0.05)
    deleted_s = time.time()
    await kubectl("delete", "canaries.rollouts.dev", TARGET, f"--cascade={act.cascade}", "--wait=false")
    await until(canary_is_gone, what="the Canary's end", within_s=_WITHIN_S)
    ended_s = time.time()
    await asyncio.sleep(2 * _TAIL_S)
    records = scene.records(deleted_s)
    failed = [record for record in records if record.failed]
    last = {(record.workload, record.version) for record in records if record.sent_at_s >= ended_s + _TAIL_S}
    detail = f"{len(failed)} of {len(records)}{f', the first {failed[0]}' if failed else ''}"
    return [
        Result(act.story, "no request fails", ok=bool(records) and not failed, detail=detail),
        Result(act.story, "the target answers alone", ok=last == {(TARGET, act.version)}, detail=f"{sorted(last)}"),
        await _judge_what_is_left(act.story, ended_s - deleted_s),
    ]


async def _apply_again(scene: Scene) -> None:
    """The same Canary, brought to rest under the load that goes on."""
    applied_s = time.time()
    await apply(paced(example("canary"), scene.interval_s))

    async def initialized() -> bool:
        seen = since(scene.journal.statuses, applied_s)
        return bool(seen) and seen[-1].phase == "Initialized"

    await until(initialized, what="Initialized again", within_s=_WITHIN_S)
    await until(lambda: scaled_down(scene), what="the canary's scale-down", within_s=_WITHIN_S)


async def _judge_what_is_left(story: str, took_s: float) -> Result:
    """What was made for the Canary is gone, and the target has its pods."""
    found = json.loads(await kubectl("get", ",".join(_MADE), "--output=json"))["items"]
    names = {item["metadata"]["name"] for item in found} & {PRIMARY, f"{TARGET}-canary"}
    target = next(item for item in found if item["kind"] == "Deployment" and item["metadata"]["name"] == TARGET)
    available, wanted = target["status"].get("availableReplicas"), target["spec"]["replicas"]
    detail = f"{sorted(names) or 'nothing'} else, {available} of {wanted} pods, {took_s:.1f} s after the deletion"
    return Result(story, "only what clients use is left", ok=not names and available == wanted == 2, detail=detail)
