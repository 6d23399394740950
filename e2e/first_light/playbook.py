"""Which stories are played in which order, and what is made of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from e2e.first_light import bad_input, obstacles
from e2e.first_light.deletion import ACTS, Act, play_deletion
from e2e.first_light.ending import end_controller
from e2e.first_light.facts import Plan, ReleaseFacts
from e2e.first_light.judge_release import judge_release
from e2e.first_light.judge_rest import judge_errors, judge_idle
from e2e.first_light.releases import initialise, plan_of, release
from e2e.play.playbook import Story
from e2e.play.result import Result
from e2e.play.scene import Scene

IDLE_S = 60.0
KILL_AT_PERCENT = 30
_SOUND = {"ERROR_RATE": "0", "LATENCY_MS": "5", "LATENCY_P99_MS": "20"}


Tell = Callable[[Scene, "Book"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Book:
    """What has come of the stories so far; grows."""

    results: list[Result] = field(default_factory=list)
    releases: list[ReleaseFacts] = field(default_factory=list)


def stories_of(mode: str, scene: Scene, book: Book) -> dict[str, Story]:
    """The stories of a mode: quick, full, deletions (all need a lab of profile istio) or core."""
    return {name: partial(_noted, tell, scene, book) for name, tell in _STORIES[mode].items()}


async def _noted(tell: Tell, scene: Scene, book: Book) -> bool:
    await tell(scene, book)
    return not any(facts.overdue for facts in book.releases)


async def _start(scene: Scene, book: Book) -> None:
    took_s = await initialise(scene)
    detail = f"{took_s:.1f} s after apply"
    book.results.append(Result("start", "Initialized, and the canary scaled to 0", ok=True, detail=detail))


async def _good(scene: Scene, book: Book) -> None:
    await _released(scene, book, plan_of(scene, "good", "2", _SOUND))


async def _bad(scene: Scene, book: Book) -> None:
    env = {**_SOUND, "ERROR_RATE": "0.5"}
    await _released(scene, book, plan_of(scene, "bad", "3", env, failed_metric="request-success-rate"))


async def _slow(scene: Scene, book: Book) -> None:
    env = {**_SOUND, "LATENCY_MS": "20", "LATENCY_P99_MS": "2000"}
    await _released(scene, book, plan_of(scene, "slow", "4", env, failed_metric="request-duration"))


async def _restart(scene: Scene, book: Book) -> None:
    await _released(scene, book, plan_of(scene, "restart", "5", _SOUND), kill_at=KILL_AT_PERCENT)


async def _idle(scene: Scene, book: Book) -> None:
    began_s = time.time()
    await asyncio.sleep(IDLE_S)
    book.results.append(judge_idle(scene.requests(began_s, time.time()), IDLE_S))


async def _bad_input(scene: Scene, book: Book) -> None:
    for case in (bad_input.missing_target(), bad_input.missing_port()):
        await bad_input.prepare(case.namespace)
        book.results.extend(await bad_input.play_case(scene, case))
    book.results.extend(await obstacles.play_rivals(scene))
    book.results.extend(await bad_input.play_refused(scene))
    book.results.extend(await obstacles.play_prometheus_absent(scene))
    book.results.extend(await obstacles.play_right_missing(scene))


async def _deleted(act: Act, scene: Scene, book: Book) -> None:
    book.results.extend(await play_deletion(scene, act))


async def _in_a_bare_cluster(scene: Scene, book: Book) -> None:
    book.results.extend(await obstacles.play_kinds_absent(scene))
    book.results.extend(await end_controller(scene.controller))


async def _end(scene: Scene, book: Book) -> None:
    book.results.extend(await end_controller(scene.controller))
    book.results.append(judge_errors(scene.records(), book.releases))


async def _released(scene: Scene, book: Book, plan: Plan, *, kill_at: int | None = None) -> None:
    facts = await release(scene, plan, kill_at=kill_at)
    book.releases.append(facts)
    book.results.extend(judge_release(facts))


_QUICK: dict[str, Tell] = {"start": _start, "good": _good, "bad": _bad}
_FULL: dict[str, Tell] = {"slow": _slow, "restart": _restart, "idle": _idle, "bad input": _bad_input}
_DELETIONS: dict[str, Tell] = {act.story: partial(_deleted, act) for act in ACTS}
_STORIES: Mapping[str, Mapping[str, Tell]] = {
    "quick": {**_QUICK, "end": _end},
    "full": {**_QUICK, **_FULL, **_DELETIONS, "end": _end},
    "deletions": {"start": _start, **_DELETIONS, "end": _end},
    "core": {"bad input": _in_a_bare_cluster},
}
