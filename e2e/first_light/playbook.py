"""Which stories are played in which order, and what is made of them. A story that can't be played ends the run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp

from e2e.first_light import bad_input, obstacles
from e2e.first_light.facts import Plan, ReleaseFacts, Result
from e2e.first_light.judge_release import judge_release
from e2e.first_light.judge_rest import judge_controller, judge_errors, judge_idle
from e2e.first_light.kubectl import KubectlError
from e2e.first_light.manifests import example, longest_ms, planned_weights
from e2e.first_light.releases import initialise, release
from e2e.first_light.scene import Scene
from e2e.first_light.waiting import OverdueError
from e2e.lab.workload.kube_api import ApiError

IDLE_S = 60.0
KILL_AT_PERCENT = 30
_SOUND = {"ERROR_RATE": "0", "LATENCY_MS": "5", "LATENCY_P99_MS": "20"}
_UNPLAYABLE = (OverdueError, KubectlError, ApiError, aiohttp.ClientError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Book:
    """What has come of the stories so far; grows."""

    results: list[Result] = field(default_factory=list)
    releases: list[ReleaseFacts] = field(default_factory=list)


Story = Callable[[Scene, Book], Awaitable[None]]


async def play(scene: Scene, book: Book, stories: dict[str, Story], *, announce: Callable[[str], None]) -> None:
    """Play them in order; after one that can't be played the others fail as not played."""
    broken = ""
    for name, story in stories.items():
        if broken:
            book.results.append(Result(name, "is played", ok=False, detail=f"not played: {broken} went wrong"))
            continue
        announce(name)
        try:
            await story(scene, book)
        except _UNPLAYABLE as error:
            broken = name
            book.results.append(Result(name, "is played to its end", ok=False, detail=f"{error}"))
        else:
            if any(facts.overdue for facts in book.releases):
                broken = name


def stories_of(mode: str) -> dict[str, Story]:
    """The stories of a mode: quick, full (both need a lab of profile istio) or core."""
    if mode == "core":
        return {"bad input": _in_a_bare_cluster}
    quick: dict[str, Story] = {"start": _start, "good": _good, "bad": _bad}
    if mode == "quick":
        return {**quick, "end": _end}
    return {**quick, "slow": _slow, "restart": _restart, "idle": _idle, "bad input": _bad_input, "end": _end}


async def _start(scene: Scene, book: Book) -> None:
    took_s = await initialise(scene)
    detail = f"{took_s:.1f} s after apply"
    book.results.append(Result("start", "Initialized, and the canary scaled to 0", ok=True, detail=detail))


async def _good(scene: Scene, book: Book) -> None:
    await _released(scene, book, _plan(scene, "good", "2", _SOUND))


async def _bad(scene: Scene, book: Book) -> None:
    env = {**_SOUND, "ERROR_RATE": "0.5"}
    await _released(scene, book, _plan(scene, "bad", "3", env, failed_metric="request-success-rate"))


async def _slow(scene: Scene, book: Book) -> None:
    env = {**_SOUND, "LATENCY_MS": "20", "LATENCY_P99_MS": "2000"}
    await _released(scene, book, _plan(scene, "slow", "4", env, failed_metric="request-duration"))


async def _restart(scene: Scene, book: Book) -> None:
    await _released(scene, book, _plan(scene, "restart", "5", _SOUND), kill_at=KILL_AT_PERCENT)


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


async def _in_a_bare_cluster(scene: Scene, book: Book) -> None:
    book.results.extend(await obstacles.play_kinds_absent(scene))
    await _controller_ends(scene, book)


async def _end(scene: Scene, book: Book) -> None:
    await _controller_ends(scene, book)
    book.results.append(judge_errors(scene.load.records, book.releases))


async def _controller_ends(scene: Scene, book: Book) -> None:
    ended_cleanly = await scene.controller.stop()
    log = scene.controller.log.read_text(encoding="utf-8", errors="replace")
    book.results.extend(judge_controller(log, unasked_ends=scene.controller.unasked_ends, ended_cleanly=ended_cleanly))


async def _released(scene: Scene, book: Book, plan: Plan, *, kill_at: int | None = None) -> None:
    facts = await release(scene, plan, kill_at=kill_at)
    book.releases.append(facts)
    book.results.extend(judge_release(facts))


def _plan(scene: Scene, story: str, version: str, env: dict[str, str], *, failed_metric: str = "") -> Plan:
    canary = example("canary")
    return Plan(
        story=story,
        version=version,
        env=env,
        weights=planned_weights(canary),
        interval_s=scene.interval_s,
        slow_ms=longest_ms(canary),
        failed_metric=failed_metric,
    )
