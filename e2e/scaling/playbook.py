"""Which stories are played: a rollback at half of the load, the time after it, and a promotion."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from e2e.first_light.ending import end_controller
from e2e.play.kubectl import kubectl
from e2e.play.playbook import Story
from e2e.play.result import Json, Result
from e2e.play.scene import Scene
from e2e.scaling.facts import CLIENTS, NEEDED
from e2e.scaling.judge import judge_begin, judge_release_of_hold, judge_run
from e2e.scaling.report import run_json
from e2e.scaling.runs import begin, let_go, play_run, sized
from e2e.scaling.witnesses import Sizes

_SPEC = ("get", "hpa", "app", "--namespace=default", "--output=jsonpath={.spec}")


@dataclass(slots=True)
class Book:
    """What has come of the stories so far."""

    results: list[Result] = field(default_factory=list)
    figures: list[Json] = field(default_factory=list)
    spec: str = ""
    """The user's autoscaler as it was at first."""


def stories_of(scene: Scene, sizes: Sizes, book: Book) -> dict[str, Story]:
    """All of them, in order."""
    return {
        "start": partial(_start, scene, sizes, book),
        "rollback at 50 %": partial(_run, scene, sizes, book, "rollback at 50 %", "2"),
        "afterwards": partial(_afterwards, scene, sizes, book),
        "promotion": partial(_run, scene, sizes, book, "promotion", "3"),
        "end": partial(_end, scene, book),
    }


async def _start(scene: Scene, sizes: Sizes, book: Book) -> bool:
    took_s = await begin(scene, sizes)
    book.spec = await kubectl(*_SPEC)
    book.results.append(Result("start", "Initialized, and as many pods as needed", ok=True, detail=f"{took_s:.1f} s"))
    book.results += judge_begin(sizes.sizes, sizes.scalers)
    return True


async def _run(scene: Scene, sizes: Sizes, book: Book, story: str, version: str) -> bool:
    facts = await play_run(scene, sizes, story, version, aborts=story.startswith("rollback"))
    book.results += judge_run(facts)
    same = await kubectl(*_SPEC) == book.spec
    book.results.append(Result(story, "the user's own autoscaler is as it was", same, "its spec, before and after"))
    book.figures.append(run_json(facts))
    return not facts.overdue


async def _afterwards(scene: Scene, sizes: Sizes, book: Book) -> bool:
    """Half of the clients leave, and come back."""
    await let_go(sizes)
    last = scene.loads[list(CLIENTS)[-1]]
    await last.stop()
    await sized(sizes, NEEDED // 2)
    book.results += judge_release_of_hold(sizes.sizes, sizes.scalers, NEEDED // 2)
    last.start()
    await sized(sizes, NEEDED)
    return True


async def _end(scene: Scene, book: Book) -> bool:
    book.results += await end_controller(scene.controller)
    return True
