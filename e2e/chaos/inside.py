"""What runs inside the lab: `python -m e2e.chaos.inside --mode all --result FILE --parts FOLDER --only NAME ...`.

Each fault's outcome is written as soon as it is there, so that a run that is broken off keeps what it has.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from e2e.chaos.fault import FAULTS, Cast, Fault
from e2e.chaos.journal import Journal
from e2e.chaos.judge import fault_json, judge
from e2e.chaos.parts import keep
from e2e.chaos.plan import INTERVAL_S, NAMES, RATE_PER_S, host
from e2e.chaos.receiver import receiving
from e2e.chaos.replica import Replicas
from e2e.chaos.runs import Play, begin, play_fault
from e2e.lab.workload.follow import Audience, Follower
from e2e.play.inside import parser_of, run_play, write_outcome
from e2e.play.parts import Parts
from e2e.play.playbook import Story, play
from e2e.play.result import Json, Result
from e2e.play.scene import opened
from e2e.play.witnesses import CANARIES


def main() -> None:
    """Play the faults that are named."""
    parser = parser_of("e2e.chaos.inside", ["all"])
    parser.add_argument("--only", action="append", required=True)
    parser.add_argument("--parts", type=Path, required=True)
    parser.add_argument("--at", required=True)
    asked = parser.parse_args()
    chosen = [fault for fault in FAULTS if fault.name in asked.only]
    run_play("chaos", _main(asked.result, chosen, partial(keep, asked.parts, at=asked.at)))


async def _main(result: Path, chosen: Sequence[Fault], keep_part: partial[None]) -> None:
    results, figures = list[Result](), list[Json]()
    replicas = Replicas(os.environ)
    clients = {name: {"Host": host(name)} for name in NAMES}
    try:
        async with opened(INTERVAL_S, clients, RATE_PER_S) as scene, receiving() as (receiver, address):
            told = Play(scene, Cast(Parts(os.environ), replicas), Journal(), receiver)
            await replicas.open()
            async with asyncio.TaskGroup() as tasks:
                audience = Audience(told.journal.canary_seen, lambda _gone: None)
                witness = tasks.create_task(Follower(scene.api, CANARIES.format("default"), audience).run())
                stories = _stories(told, address, chosen, partial(_note, results, figures, keep_part))
                await play(stories, results, announce=lambda story: print(f"-- {story}", flush=True))
                witness.cancel()
    finally:
        await asyncio.shield(replicas.end())
        write_outcome(result, results, figures)


def _stories(told: Play, address: str, chosen: Sequence[Fault], note: partial[None]) -> dict[str, Story]:
    async def start() -> bool:
        await begin(told, address)
        return True

    async def happen(fault: Fault, version: int) -> bool:
        facts = await play_fault(told, fault, version)
        note(list(judge(fault, facts)), fault_json(fault, facts))
        return True

    faults = {fault.name: partial(happen, fault, place) for place, fault in enumerate(chosen, start=2)}
    return {"start": start, **faults}


def _note(
    results: list[Result], figures: list[Json], keep_part: partial[None], judged: list[Result], measured: Json
) -> None:
    results += judged
    figures.append(measured)
    keep_part(judged, measured)
    for one in judged:
        print(f"{'ok    ' if one.ok else 'FAILED'}  {one.expected} [{one.detail}]", flush=True)


if __name__ == "__main__":
    main()
