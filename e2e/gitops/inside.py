"""What runs inside a lab: `python -m e2e.gitops.inside --mode WAY --result FILE`, through the lab's `exec`.

Scenario 1 with a sync every five seconds: a release with the policy, then one the other way round without it.
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from e2e.gitops.drifting import MODE as DRIFT
from e2e.gitops.drifting import play_drift
from e2e.gitops.inserted import INSERTED, play_inserted, stage_of
from e2e.gitops.judge import SyncedRun, judge
from e2e.gitops.report import run_json
from e2e.gitops.sync import WAYS, Sync, install_policy, remove_policy
from e2e.play.inside import parser_of, run_play, write_outcome
from e2e.play.kubectl import kubectl
from e2e.play.playbook import Story, play
from e2e.play.result import Json, Result
from e2e.play.scene import opened
from e2e.scenarios.facts import RATE_PER_S, Plan
from e2e.scenarios.journal import Journal
from e2e.scenarios.live import Announcer
from e2e.scenarios.runs import Play, begin, release
from e2e.scenarios.stage import Stage
from e2e.scenarios.weights import share_of, shares_in_rules
from e2e.scenarios.witnesses import follow, poll_envoy, poll_objects

_CLIENTS = "all"
_INTERVAL_S = 15.0
"""Three syncs at each step."""
_STAGE = Stage("scenario-1", "anything.example", "canary", "v1", _INTERVAL_S)


@dataclass(slots=True)
class Book:
    """What has come of the stories so far."""

    way: str
    sync: Sync
    results: list[Result] = field(default_factory=list)
    figures: list[Json] = field(default_factory=list)


def main() -> None:
    """Play one way to sync."""
    arguments = parser_of("e2e.gitops.inside", [*WAYS, *INSERTED, DRIFT]).parse_args()
    if arguments.mode in INSERTED:
        run_play("gitops", _main_inserted(arguments.mode, arguments.result))
        return
    if arguments.mode == DRIFT:
        run_play("gitops", _main_drift(arguments.result))
        return
    book = Book(arguments.mode, Sync(_STAGE, arguments.mode))
    run_play("gitops", _main(book, arguments.result))


async def _main(book: Book, result: Path) -> None:
    try:
        async with opened(_INTERVAL_S, {_CLIENTS: {"Host": _STAGE.host}}, RATE_PER_S) as scene:
            await _watched(Play(scene, Journal(_STAGE)), book)
    finally:
        write_outcome(result, book.results, book.figures)


async def _main_drift(result: Path) -> None:
    results, figures = list[Result](), list[Json]()
    try:
        await play_drift(results, figures)
    finally:
        write_outcome(result, results, figures)


async def _main_inserted(mode: str, result: Path) -> None:
    """A release of its own for what is inserted: no policy, and no other story before it."""
    stage, results = stage_of(mode, _STAGE), list[Result]()
    try:
        async with (
            opened(_INTERVAL_S, {_CLIENTS: {"Host": stage.host}}, RATE_PER_S / 5) as scene,
            asyncio.TaskGroup() as tasks,
        ):
            told = Play(scene, Journal(stage))
            witnesses = [
                tasks.create_task(follow(told.scene.api, told.journal)),
                tasks.create_task(poll_envoy(os.environ["ENVOY_ADMIN_URL"], told.journal)),
            ]

            async def story() -> bool:
                await play_inserted(told, mode, results)
                return True

            await play({mode: story}, results, announce=lambda name: print(f"-- {name}", flush=True))
            for witness in witnesses:
                witness.cancel()
    finally:
        write_outcome(result, results, [])


async def _watched(told: Play, book: Book) -> None:
    """Play with the witnesses at work. Raises ExceptionGroup when a witness fails."""
    announcer = Announcer(told.journal, told.scene.loads[_CLIENTS])

    def announce(story: str) -> None:
        announcer.story = story

    stories: dict[str, Story] = {
        "start": partial(_start, told, book),
        "with the policy": partial(_kept, told, book),
        "without it": partial(_put_back, told, book),
    }
    async with asyncio.TaskGroup() as tasks:
        witnesses = [
            tasks.create_task(follow(told.scene.api, told.journal)),
            tasks.create_task(poll_envoy(os.environ["ENVOY_ADMIN_URL"], told.journal)),
            tasks.create_task(poll_objects(told.scene.api, told.journal)),
            tasks.create_task(announcer.show()),
        ]
        await play(stories, book.results, announce=announce)
        for witness in witnesses:
            witness.cancel()


async def _start(told: Play, book: Book) -> bool:
    took_s = await begin(told)
    book.results.append(Result(book.way, "the Canary is at rest", ok=True, detail=f"{took_s:.1f} s after apply"))
    return True


async def _kept(told: Play, book: Book) -> bool:
    """The tool syncs before, while and after."""
    await install_policy(book.sync)
    await book.sync.once()
    plan = Plan("v2 gets version 2, with the policy", _STAGE, "v2", "2", "1", _STAGE.weights)
    return await _released(told, book, plan, policy=True)


async def _put_back(told: Play, book: Book) -> bool:
    """The tool syncs while both versions run: the file gives each of them weight, also one that has no pods."""
    await remove_policy(book.sync)
    plan = Plan("v1 gets version 3, without the policy", _STAGE, "v1", "3", "2", _STAGE.weights)
    return await _released(told, book, plan, policy=False)


async def _released(told: Play, book: Book, plan: Plan, *, policy: bool) -> bool:
    journal = told.journal

    def begun() -> bool:
        return policy or (bool(journal.in_force) and dict(journal.in_force[-1].shares)[plan.canary] > 0)

    def over() -> bool:
        return not policy and journal.stable == plan.canary

    async with book.sync.running(begun, over):
        facts = await release(told, plan)
    canary = json.loads(await kubectl("get", f"canaries.rollouts.dev/{_STAGE.canary_name}", "--output=json"))
    route = next(document for document in _STAGE.objects if document["kind"] == "VirtualService")
    shares = shares_in_rules(route, frozenset(_STAGE.deployments))
    run = SyncedRun(
        way=book.way,
        policy=policy,
        facts=facts,
        syncs_at_s=tuple(book.sync.at_s),
        file_percent=share_of(shares, plan.canary) or 0,
        conditions=tuple(canary["status"]["conditions"]),
    )
    book.results += judge(run)
    book.figures.append(run_json(run))
    return not facts.overdue


if __name__ == "__main__":
    main()
