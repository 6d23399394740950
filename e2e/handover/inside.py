"""What runs inside the lab: `python -m e2e.handover.inside --mode all --result FILE --rounds N`, through its `exec`."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from itertools import count
from pathlib import Path

from e2e.handover.judge import HandOver, Written, figures_of, judge, read_writes
from e2e.handover.replica import Replica
from e2e.play.inside import parser_of, run_play, write_outcome
from e2e.play.kubectl import apply
from e2e.play.manifests import Json
from e2e.play.result import Result
from e2e.play.waiting import until

CANARIES = 4
EDIT_EVERY_S = 0.3
WATCHED_S = 3.0
"""How long one that comes back is watched: it must not go on where it was."""
WAYS = ("SIGTERM", "SIGKILL", "SIGSTOP", "cut")


def main() -> None:
    """Play all."""
    parser = parser_of("e2e.handover.inside", ["all"])
    parser.add_argument("--rounds", type=int, required=True)
    arguments = parser.parse_args()
    run_play("hand-over", _main(arguments.result, arguments.rounds))


async def _main(result: Path, rounds: int) -> None:
    handed_over: list[HandOver] = []
    results: list[Result] = []
    figures: list[Json] = []
    replicas: list[Replica] = []
    try:
        async with asyncio.TaskGroup() as tasks:
            editing = tasks.create_task(_edit())
            await _play(replicas, handed_over, rounds)
            editing.cancel()
        writes = _audited()
        results += judge(handed_over, writes)
        figures += figures_of(handed_over, writes)
    finally:
        for replica in replicas:
            await replica.end()
        write_outcome(result, results, figures)


def _audited() -> list[Written]:
    with Path(os.environ["AUDIT_LOG"]).open(encoding="utf-8") as log:
        return read_writes(log)


async def _play(replicas: list[Replica], handed_over: list[HandOver], rounds: int) -> None:
    numbers = count()

    async def start() -> Replica:
        replica = Replica(os.environ, next(numbers))
        replicas.append(replica)
        await replica.start()
        return replica

    working, standing_by = await start(), await start()
    await until(working.leads, what=f"{working.name} works", within_s=20)
    for way in WAYS * rounds:
        await asyncio.sleep(WATCHED_S)
        print(f"-- {way}: {working.name}", flush=True)
        handed_over.append(HandOver(way, working.name, time.time()))
        take_away(working, way)
        _, following = await asyncio.gather(
            until(standing_by.leads, what=f"{standing_by.name} works", within_s=40, every_s=0.1), start()
        )
        await _bring_back(working, way)
        working, standing_by = standing_by, following


def take_away(replica: Replica, way: str) -> None:
    """In that way."""
    if way == "cut":
        replica.wire.cut()
    else:
        replica.send(signal.Signals[way])


async def _bring_back(replica: Replica, way: str) -> None:
    """One that was only away gets the chance to do wrong; then it is ended."""
    if way == "cut":
        replica.wire.mend()
    if way == "SIGSTOP":
        replica.send(signal.SIGCONT)
    if way in {"cut", "SIGSTOP"}:
        await asyncio.sleep(WATCHED_S)
        replica.send(signal.SIGTERM)
        await asyncio.sleep(1.0)
    await replica.end()


async def _edit() -> None:
    """Canaries without a target, edited for ever: each edit is told in the status."""
    for number in count():
        await apply(_canary(number % CANARIES, 1 + number % 50))
        await asyncio.sleep(EDIT_EVERY_S)


def _canary(index: int, threshold: int) -> Json:
    metric = {"name": "request-success-rate", "interval": "30s", "thresholdRange": {"min": 99}}
    analysis = {"interval": "10s", "threshold": threshold, "stepWeights": [50], "metrics": [metric]}
    name = f"app-{index}"
    spec = {"targetRef": {"kind": "Deployment", "name": name}, "service": {"port": 80}, "analysis": analysis}
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "rollouts.dev/v1beta1", "kind": "Canary", "metadata": metadata, "spec": spec}


if __name__ == "__main__":
    main()
