"""Which stories are played: a rollback at half of the load, the time after it, a promotion, and the Canary's end.

In the middle of the promotion the user changes the PodDisruptionBudget beside the target.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from functools import partial

from e2e.first_light.ending import end_controller
from e2e.play.given_back import delete_canary
from e2e.play.kubectl import apply
from e2e.play.manifests import example
from e2e.play.playbook import Story
from e2e.play.result import Json, Result
from e2e.play.scene import Scene
from e2e.play.seen import PRIMARY, TARGET
from e2e.scaling.budgets import BUDGET, CHANGED, COPY, FIRST, Guard, change, guard_of, user_made
from e2e.scaling.facts import CLIENTS, NEEDED
from e2e.scaling.judge import judge_begin, judge_release_of_hold, judge_run
from e2e.scaling.judge_budgets import Alone, Owned, judge_alone, judge_copied, judge_followed, judge_left
from e2e.scaling.report import run_json
from e2e.scaling.runs import ROUNDS_S, Plan, abort, begin, let_go, play_run, sized
from e2e.scaling.witnesses import Sizes

_SCALER, _BUDGET = ("horizontalpodautoscalers", "app"), ("poddisruptionbudgets", BUDGET)


@dataclass(slots=True)
class Book:
    """What has come of the stories so far."""

    results: list[Result] = field(default_factory=list)
    figures: list[Json] = field(default_factory=list)
    scaler: Json = field(default_factory=dict)
    """The user's autoscaler as it was at first."""
    budget: Json = field(default_factory=dict)
    """The user's budget as he has changed it."""
    changed_at_s: float = 0.0
    guard: Guard | None = None
    """What came of that change in mid-run."""


def stories_of(scene: Scene, sizes: Sizes, book: Book) -> dict[str, Story]:
    """All of them, in order."""
    return {
        "start": partial(_start, scene, sizes, book),
        "rollback at 50 %": partial(_aborted, scene, sizes, book),
        "afterwards": partial(_afterwards, scene, sizes, book),
        "promotion": partial(_promoted, scene, sizes, book),
        "deleted": partial(_deleted, scene, sizes, book),
        "end": partial(_end, scene, book),
    }


async def _start(scene: Scene, sizes: Sizes, book: Book) -> bool:
    took_s = await begin(scene, sizes)
    book.scaler = await user_made(*_SCALER)
    book.results.append(Result("start", "Initialized, and as many pods as needed", ok=True, detail=f"{took_s:.1f} s"))
    book.results += judge_begin(sizes.sizes, sizes.scalers)
    book.results += judge_copied(await guard_of(scene, PRIMARY, COPY, FIRST))
    return True


async def _aborted(scene: Scene, sizes: Sizes, book: Book) -> bool:
    return await _run(scene, sizes, book, Plan("rollback at 50 %", "2", abort))


async def _promoted(scene: Scene, sizes: Sizes, book: Book) -> bool:
    async def change_budget(_plan: Plan) -> None:
        book.changed_at_s = time.time()
        book.budget = await change()
        book.guard = await guard_of(scene, PRIMARY, COPY, CHANGED)

    plan = Plan("promotion", "3", change_budget)
    return await _run(scene, sizes, book, plan)


async def _run(scene: Scene, sizes: Sizes, book: Book, plan: Plan) -> bool:
    facts = await play_run(scene, sizes, plan)
    book.results += judge_run(facts)
    if not plan.aborts:
        book.results += judge_followed(facts, book.guard, book.changed_at_s)
    same = await user_made(*_SCALER) == book.scaler
    book.results.append(Result(plan.story, "the user's own autoscaler is as it was", same, "before and after"))
    book.figures.append(run_json(facts))
    return not facts.overdue


async def _afterwards(scene: Scene, sizes: Sizes, book: Book) -> bool:
    """Half of the clients leave, and come back."""
    await let_go(sizes)
    last = scene.loads[list(CLIENTS)[-1]]
    await last.stop()
    await sized(sizes, PRIMARY, NEEDED // 2)
    book.results += judge_release_of_hold(sizes.sizes, sizes.scalers, NEEDED // 2)
    last.start()
    await sized(sizes, PRIMARY, NEEDED)
    return True


async def _deleted(scene: Scene, sizes: Sizes, book: Book) -> bool:
    """Under the same load. For that time the user does not let his autoscaler take the target's pods away.

    It would, since nobody asks the target before it has all of them.
    """
    scaler = example("autoscaler", "scaling")
    await apply({**scaler, "spec": {**scaler["spec"], "minReplicas": NEEDED}})
    book.scaler = await user_made(*_SCALER)
    facts = await delete_canary(scene, "deleted", "3")
    guard = await guard_of(scene, TARGET, BUDGET, CHANGED)
    owned = (
        Owned("autoscaler", book.scaler, await user_made(*_SCALER)),
        Owned("budget", book.budget, await user_made(*_BUDGET)),
    )
    book.results += judge_left(facts, owned, guard)
    counted, before = len(sizes.sizes), sizes.size_of(TARGET)
    await apply(scaler)
    await asyncio.sleep(ROUNDS_S)
    later = (one for one in sizes.sizes[counted:] if one.name == TARGET)
    seen = () if before is None else (before, *later)
    book.results += judge_alone("deleted", Alone(seen, sizes.scaler(TARGET)))
    return True


async def _end(scene: Scene, book: Book) -> bool:
    book.results += await end_controller(scene.controller)
    return True
