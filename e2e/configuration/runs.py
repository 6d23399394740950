"""The stories: a person applies other configuration, and what is seen until the release is over."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import aiohttp

from e2e.configuration.judge import RunFacts, judge_promoted, judge_replaced, judge_rolled_back, run_json
from e2e.configuration.stage import OTHER, SETTINGS, TUNING, canary, config_map, deployment, secret
from e2e.first_light.ending import end_controller
from e2e.play.application import release_over, scaled_down
from e2e.play.journal import since
from e2e.play.kubectl import apply, get_objects, kubectl
from e2e.play.manifests import example
from e2e.play.playbook import Story
from e2e.play.result import Json, Result
from e2e.play.scene import Scene
from e2e.play.waiting import OverdueError, until

_READY_WITHIN_S = 60.0
_OVER_WITHIN_S = 150.0
_TAIL_S = 2.0
_KINDS = ("configmaps", "secrets")


@dataclass(slots=True)
class Book:
    """What has come of the stories so far."""

    results: list[Result] = field(default_factory=list)
    figures: list[Json] = field(default_factory=list)
    overdue: bool = False

    def note(self, facts: RunFacts, results: list[Result]) -> None:
        """A run and what is made of it."""
        self.results += results
        self.figures.append(run_json(facts))
        self.overdue = self.overdue or bool(facts.overdue)


Tell = Callable[[Scene, Book], Awaitable[None]]


def stories_of(scene: Scene, book: Book) -> dict[str, Story]:
    """All stories, in their order."""
    return {name: partial(_noted, tell, scene, book) for name, tell in TOLD.items()}


async def _noted(tell: Tell, scene: Scene, book: Book) -> bool:
    await tell(scene, book)
    return not book.overdue


async def _start(scene: Scene, book: Book) -> None:
    """Both applications and their Canaries, and load on the first."""
    await scene.controller.start()
    await scene.controller.become_ready()
    await apply(config_map("1"), secret("0"), example("gateway"))
    for name in ("app", OTHER):
        await apply(deployment(name), canary(scene.interval_s, name))

    async def initialized() -> bool:
        shown = scene.journal.envoy
        routed = bool(shown) and shown[-1].weight_percent == 0
        return scene.journal.phase == "Initialized" and routed and await _phase(OTHER) == "Initialized"

    await until(initialized, what="both Initialized", within_s=_READY_WITHIN_S)
    scene.start_load()
    await until(lambda: scaled_down(scene), what="the canary's scale-down", within_s=_READY_WITHIN_S)
    copies = [*await _copies("app"), *await _copies(OTHER)]
    ok = len(copies) == len(set(copies)) == 4
    book.results.append(Result("start", "each Canary has copies of its own", ok=ok, detail=", ".join(copies)))


async def _config_map(scene: Scene, book: Book) -> None:
    facts = await _run(scene, "a ConfigMap alone", ("1", "2"), lambda: apply(config_map("2")))
    book.note(facts, judge_promoted(facts))
    await _judge_other(book, facts.story)


async def _binary(scene: Scene, book: Book) -> None:
    facts = await _run(scene, "binaryData alone", ("2", "2"), lambda: apply(config_map("2", b"\x00\x02")))
    book.note(facts, judge_promoted(facts))


async def _secret(scene: Scene, book: Book) -> None:
    facts = await _run(scene, "a bad Secret alone", ("2", "2"), lambda: apply(secret("0.5")))
    book.note(facts, judge_rolled_back(facts))


async def _mended(scene: Scene, book: Book) -> None:
    """The Secret as it was, and a new version: in mid-run there is another one."""
    changed_at_s = 0.0

    async def change() -> None:
        nonlocal changed_at_s
        begun_at_s = time.time()
        await apply(secret("0"), config_map("3"))

        async def with_weight() -> bool:
            return any(seen.weight_percent >= 20 for seen in since(scene.journal.envoy, begun_at_s))

        await until(with_weight, what="20 %", within_s=_READY_WITHIN_S)
        changed_at_s = time.time()
        await apply(config_map("4"))

    facts = await _run(scene, "changed once more in mid-run", ("2", "4"), change)
    book.note(facts, judge_replaced(facts, changed_at_s))
    await _judge_other(book, facts.story)


async def _end(scene: Scene, book: Book) -> None:
    """The Canary goes with its copies; the user's objects and the other's copies stay."""
    before = await _configs()
    await kubectl("delete", "canaries.rollouts.dev/app", "--timeout=60s")
    after, users = await _configs(), (f"ConfigMap/{SETTINGS}", f"Secret/{TUNING}")
    same = all(before[name] == after[name] for name in users)
    book.results.append(Result("deletion", "the user's objects are what they were", ok=same, detail=", ".join(users)))
    left, others = await _copies("app"), await _copies(OTHER)
    detail = f"{len(left)} left, the other has {len(others)}"
    book.results.append(Result("deletion", "the copies are gone", ok=not left and len(others) == 2, detail=detail))
    book.results += await end_controller(scene.controller)


TOLD: dict[str, Tell] = {
    "start": _start,
    "ConfigMap": _config_map,
    "binaryData": _binary,
    "Secret": _secret,
    "in mid-run": _mended,
    "deletion": _end,
}


async def _run(scene: Scene, story: str, versions: tuple[str, str], change: Callable[[], Awaitable[None]]) -> RunFacts:
    applied_at_s, overdue = time.time(), ""
    try:
        await change()
        await until(lambda: release_over(scene, applied_at_s), what="the release's end", within_s=_OVER_WITHIN_S)
        await asyncio.sleep(_TAIL_S)
    except OverdueError as error:
        overdue = f"{error}; phase {scene.journal.phase}"
    ended_at_s = time.time()
    statuses, records = since(scene.journal.statuses, applied_at_s), scene.records(applied_at_s)
    copies = tuple(await _copies("app"))
    return RunFacts(story, *versions, applied_at_s, ended_at_s, statuses, records, copies, overdue)


async def _judge_other(book: Book, story: str) -> None:
    """The application that shares the configuration waits, and its primary still reads what it had."""
    phase, answers = await _phase(OTHER), await _answers(f"{OTHER}-primary")
    ok = phase == "Waiting" and set(answers) == {"1"}
    detail = f"phase {phase}; its pods answer with {', '.join(answers) or 'nothing'}"
    book.results.append(Result(story, "the other application keeps its own copy", ok=ok, detail=detail))


async def _phase(name: str) -> str:
    found: Json = json.loads(await kubectl("get", f"canaries.rollouts.dev/{name}", "--output=json"))
    return str((found.get("status") or {}).get("phase", ""))


async def _answers(workload: str) -> list[str]:
    """The version that each pod of a workload answers with, asked by its address."""
    pods = [pod for pod in await get_objects("default", ["pods"]) if pod["metadata"]["labels"].get("app") == workload]
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        versions = []
        for pod in pods:
            async with session.get(f"http://{pod['status']['podIP']}:8080/") as answer:
                versions.append(answer.headers.get("x-version", "?"))
    return versions


async def _configs() -> dict[str, Json]:
    """All ConfigMaps and Secrets by kind and name."""
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in await get_objects("default", _KINDS)}


async def _copies(canary_name: str) -> list[str]:
    label = "rollouts.dev/canary"
    configs = await _configs()
    return sorted(key for key, one in configs.items() if one["metadata"].get("labels", {}).get(label) == canary_name)
