"""How a person exchanges a Deployment for a DaemonSet of the same pods, and its Canary for one of that, under load.

And how the DaemonSet goes on without its Canary.
"""

from __future__ import annotations

import asyncio
import time

from e2e.play.application import scaled_down
from e2e.play.given_back import canary_is_gone, delete_canary
from e2e.play.kubectl import apply, get_objects, kubectl
from e2e.play.manifests import Json, example, paced
from e2e.play.result import Result
from e2e.play.scene import Scene
from e2e.play.seen import TARGET
from e2e.play.waiting import until
from e2e.strategies.judge_left import judge_left, read_pods
from e2e.strategies.plans import SOUND

STORY, LEFT = "DaemonSet", "DaemonSet, deleted"
_WITHIN_S = 90.0
_TAIL_S = 5.0
"""For how long after the last pod has gone: its end could hurt clients too."""


async def exchange(scene: Scene, version: str, interval_s: float) -> Result:
    """Delete the Canary, put the DaemonSet beside the Deployment, take that away, and apply the other Canary.

    Raises OverdueError and KubectlError.
    """
    began_s = time.time()
    await kubectl("delete", "canaries.rollouts.dev", TARGET, "--wait=false")
    await until(canary_is_gone, what="the first Canary's end", within_s=_WITHIN_S)
    await apply(_of_version(example("daemon-set-app", "strategies"), version))
    await kubectl("rollout", "status", f"daemonset/{TARGET}", "--timeout=50s")
    await kubectl("delete", "deployment", TARGET)
    await asyncio.sleep(_TAIL_S)
    await apply(paced(example("daemon-set", "strategies"), interval_s))
    words = ("--for=jsonpath={.status.phase}=Initialized", "--timeout=50s")
    await kubectl("wait", f"canaries.rollouts.dev/{TARGET}", *words)
    await until(lambda: scaled_down(scene), what="the DaemonSet's end on all nodes", within_s=_WITHIN_S)
    await asyncio.sleep(_TAIL_S)
    records = scene.records(began_s)
    failed = [record for record in records if record.failed]
    words_of = sorted({record.error or f"{record.status} of {record.workload}" for record in failed})
    detail = f"{len(failed)} of {len(records)} requests {words_of or ''}, {time.time() - began_s:.1f} s"
    ok = bool(records) and not failed
    return Result(STORY, "a Deployment becomes a DaemonSet without an error for clients", ok, detail)


async def leave(scene: Scene, version: str) -> list[Result]:
    """Put the promoted version back where a bad one was tried, and delete the Canary.

    Raises OverdueError and KubectlError.
    """
    words = [f"{name}={value}" for name, value in SOUND.items()]
    await kubectl("set", "env", f"daemonset/{TARGET}", f"VERSION={version}", *words)
    facts = await delete_canary(scene, LEFT, version)
    found = await get_objects("default", ("daemonsets",))
    target = next(one for one in found if one["metadata"]["name"] == TARGET)
    nodes = (await kubectl("get", "nodes", "--output=name")).split()
    return list(judge_left(facts, read_pods(target, len(nodes))))


def _of_version(manifest: Json, version: str) -> Json:
    env = manifest["spec"]["template"]["spec"]["containers"][0]["env"]
    next(entry for entry in env if entry["name"] == "VERSION")["value"] = version
    return manifest
