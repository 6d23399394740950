"""The last story: the Canary is deleted in mid-run, in the foreground as Argo CD does it, and requests go on.

Plays and judges, for its few facts are nobody else's.
"""

from __future__ import annotations

import asyncio
import json
import time

from e2e.play.journal import since
from e2e.play.kubectl import attempt, kubectl
from e2e.play.result import Result
from e2e.play.scene import Scene
from e2e.play.seen import PRIMARY, TARGET
from e2e.play.waiting import until

STORY = "deleted"
_VERSION = "6"
_AT_PERCENT = 20
_WITHIN_S = 120.0
_TAIL_S = 5.0
_MADE = ("deployments", "services", "destinationrules.networking.istio.io")


async def play_deletion(scene: Scene) -> list[Result]:
    """Release a version, delete the Canary at 20 %. Raises OverdueError when that does not come to its end."""
    began_s = time.time()
    await kubectl("set", "env", f"deployment/{TARGET}", f"VERSION={_VERSION}", "ERROR_RATE=0", "LATENCY_P99_MS=20")

    async def reached() -> bool:
        routes = since(scene.journal.routes, began_s)
        return bool(routes) and routes[-1].weight_percent == _AT_PERCENT

    await until(reached, what=f"weight {_AT_PERCENT}", within_s=_WITHIN_S)
    deleted_s = time.time()
    await kubectl("delete", "canaries.rollouts.dev", TARGET, "--cascade=foreground", "--wait=false")

    async def gone() -> bool:
        return (await attempt("get", "canaries.rollouts.dev", TARGET)).code != 0

    await until(gone, what="the Canary's end", within_s=_WITHIN_S)
    ended_s = time.time()
    await asyncio.sleep(2 * _TAIL_S)
    records = scene.records(deleted_s)
    failed = [record for record in records if record.failed]
    last = {(record.workload, record.version) for record in records if record.sent_at_s >= ended_s + _TAIL_S}
    detail = f"{len(failed)} of {len(records)}{f', the first {failed[0]}' if failed else ''}"
    return [
        Result(STORY, "no request fails", ok=bool(records) and not failed, detail=detail),
        Result(STORY, "the target answers alone", ok=last == {(TARGET, _VERSION)}, detail=f"{sorted(last)}"),
        await _judge_what_is_left(ended_s - deleted_s),
    ]


async def _judge_what_is_left(took_s: float) -> Result:
    """What was made for the Canary is gone, and the target has its pods."""
    found = json.loads(await kubectl("get", ",".join(_MADE), "--output=json"))["items"]
    names = {item["metadata"]["name"] for item in found} & {PRIMARY, f"{TARGET}-canary"}
    target = next(item for item in found if item["kind"] == "Deployment" and item["metadata"]["name"] == TARGET)
    available, wanted = target["status"].get("availableReplicas"), target["spec"]["replicas"]
    detail = f"{sorted(names) or 'nothing'} else, {available} of {wanted} pods, {took_s:.1f} s after the deletion"
    return Result(STORY, "only what clients use is left", ok=not names and available == wanted == 2, detail=detail)
