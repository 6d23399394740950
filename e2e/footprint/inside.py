"""What runs inside the lab: `python -m e2e.footprint.inside --mode all --result FILE`, through its `exec`."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import yaml

from e2e.footprint.judge import Usage, asked_in, judge_usages, usage_json
from e2e.lab.layout import CHECKOUT
from e2e.play.controller import Controller
from e2e.play.inside import parser_of, run_play, write_outcome
from e2e.play.kubectl import apply, kubectl
from e2e.play.manifests import Json, example, moved, paced
from e2e.play.playbook import Story, play
from e2e.play.result import Result
from e2e.play.scene import Scene, opened
from e2e.play.seen import TARGET
from e2e.play.waiting import until

CANARIES = 100
AT_ONCE = 10
"""Releases that the request for CPU is to be enough for."""
INTERVAL_S = 10.0
RATE_PER_S = 200.0
NAMESPACES = tuple(f"shop{number}" for number in range(CANARIES))
"""One Canary in each, of one name."""
_AT_REST_S = 60.0
_SETTLES_S = 30.0
_WITHIN_S = 240.0
_ENDS = frozenset({"Succeeded", "Failed"})
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_KIB = 1024


def main() -> None:
    """Play it."""
    arguments = parser_of("e2e.footprint.inside", ["all"]).parse_args()
    run_play("footprint", _main(arguments.result))


async def _main(result: Path) -> None:
    results: list[Result] = []
    usages: list[Usage] = []
    clients = {name: {"Host": f"{name}.example"} for name in NAMESPACES}
    try:
        async with opened(INTERVAL_S, clients, RATE_PER_S) as scene:
            stories = _stories(scene, usages)
            await play(stories, results, announce=lambda story: print(f"-- {story}", flush=True))
            if usages:
                results += judge_usages(usages, asked_in(_manifest()))
    finally:
        write_outcome(result, results, [usage_json(usage) for usage in usages])


def _stories(scene: Scene, usages: list[Usage]) -> dict[str, Story]:
    controller = scene.controller

    async def start() -> bool:
        await apply(example("gateway"), *(_namespace(name) for name in NAMESPACES))
        await apply(*(moved(example("deployment"), name) for name in NAMESPACES))
        await controller.start(log_level="warning")
        await controller.become_ready()
        await apply(*(_canary(name) for name in NAMESPACES))
        await until(lambda: _all("Initialized".__eq__), what="all Initialized", within_s=_WITHIN_S, every_s=2)
        scene.start_load()
        await asyncio.sleep(_SETTLES_S)
        return True

    async def rest() -> bool:
        measured = _begun(controller)
        await asyncio.sleep(_AT_REST_S)
        usages.append(measured(f"{CANARIES} Canaries at rest"))
        return True

    async def release() -> bool:
        measured = _begun(controller)
        for name in NAMESPACES:
            await kubectl("set", "env", f"deployment/{TARGET}", "VERSION=2", f"--namespace={name}")
        await until(lambda: _all(_ENDS.__contains__), what="the end of all releases", within_s=_WITHIN_S, every_s=2)
        usages.append(replace(measured(f"{CANARIES} Canaries in release"), covered=AT_ONCE / CANARIES))
        return True

    return {"start": start, "at rest": rest, "in release": release}


def _namespace(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _canary(namespace: str) -> Json:
    canary = paced(moved(example("canary"), namespace), INTERVAL_S)
    canary["spec"]["service"]["hosts"] = [f"{namespace}.example"]
    return canary


def _begun(controller: Controller) -> Callable[[str], Usage]:
    """From now on until it is called."""
    began_s, (cpu_s, _, _) = time.monotonic(), _taken(controller.pid)

    def measured(what: str) -> Usage:
        now_s, memory, peak = _taken(controller.pid)
        return Usage(what, time.monotonic() - began_s, now_s - cpu_s, memory, peak)

    return measured


def _taken(pid: int) -> tuple[float, int, int]:
    """CPU seconds, resident bytes, the most of them. `setpriv` has become the program: it is one process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    sizes = {name: value for name, _, value in (line.partition(":") for line in lines)}
    memory, peak = (int(sizes[name].split()[0]) * _KIB for name in ("VmRSS", "VmHWM"))
    return cpu_s, memory, peak


async def _all(fits: Callable[[str], bool]) -> bool:
    found = json.loads(await kubectl("get", "canaries.rollouts.dev", "--all-namespaces", "--output=json"))["items"]
    phases = [str((item.get("status") or {}).get("phase", "")) for item in found]
    return len(phases) == CANARIES and all(map(fits, phases))


def _manifest() -> Json:
    text = (CHECKOUT / "deploy" / "base" / "deployment.yaml").read_text(encoding="utf-8")
    manifest: Json = yaml.safe_load(text)
    return manifest


if __name__ == "__main__":
    main()
