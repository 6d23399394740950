"""Which stories are played in which order: each strategy with a good version, and with a bad one where that differs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from e2e.first_light.ending import end_controller
from e2e.first_light.facts import Plan
from e2e.first_light.judge_release import judge_release
from e2e.first_light.releases import initialise, release
from e2e.first_light.report import release_json
from e2e.play.manifests import example, longest_ms, paced, planned_weights
from e2e.play.playbook import Story
from e2e.play.result import Json, Result
from e2e.play.scene import Scene
from e2e.strategies.browsers import Visit
from e2e.strategies.daemon_set import exchange, leave
from e2e.strategies.facts import RunFacts, RunPlan
from e2e.strategies.gates import play_gates
from e2e.strategies.judge_browsers import judge_browsers
from e2e.strategies.judge_copies import judge_copies, judge_tests
from e2e.strategies.judge_gates import judge_gates
from e2e.strategies.judge_kills import judge_kills, lasted_s
from e2e.strategies.judge_run import judge_run
from e2e.strategies.kills import moments, release_under_kills
from e2e.strategies.plans import SCRIPTS, SOUND
from e2e.strategies.report import run_json
from e2e.strategies.runs import Meanwhile, Witnessed, nothing_else, play_run, settle
from e2e.strategies.visitors import ask_as_testers, browse_and_abort

KILLS_INTERVAL_S = 10.0


@dataclass(slots=True)
class Book:
    """What has come of the stories so far."""

    seed: int
    results: list[Result] = field(default_factory=list)
    figures: list[Json] = field(default_factory=list)
    witnessed: Witnessed = field(default_factory=Witnessed)
    version: int = 1
    """The newest there is."""
    serving: str = "1"
    """The one that was promoted last."""
    overdue: bool = False
    """Whether a run did not come to its end."""

    def plan(self, story: str, interval_s: float) -> RunPlan:
        """The run of a story, with the next version."""
        self.version += 1
        return SCRIPTS[story].plan(story, version=str(self.version), before=self.serving, interval_s=interval_s)

    def add(self, facts: RunFacts, more: list[Result]) -> None:
        """Note a run and what is made of it."""
        self.results += [*judge_run(facts), *more]
        self.figures.append(run_json(facts))
        self.overdue = self.overdue or bool(facts.overdue)
        if facts.plan.promotes:
            self.serving = facts.plan.version


Tell = Callable[[Scene, Book], Awaitable[None]]


def stories_of(chosen: str, scene: Scene, book: Book) -> dict[str, Story]:
    """All stories, or one with the start and the end."""
    told = {name: tell for name, tell in STORIES.items() if chosen in {"all", name}}
    return {name: partial(_noted, tell, scene, book) for name, tell in {"start": _start, **told, "end": _end}.items()}


async def _noted(tell: Tell, scene: Scene, book: Book) -> bool:
    await tell(scene, book)
    return not book.overdue


async def _start(scene: Scene, book: Book) -> None:
    took_s = await initialise(scene)
    detail = f"{took_s:.1f} s after apply"
    book.results.append(Result("start", "Initialized, and the canary scaled to 0", ok=True, detail=detail))


async def _end(scene: Scene, book: Book) -> None:
    book.results += await end_controller(scene.controller)


async def _run(story: str, scene: Scene, book: Book, meanwhile: Meanwhile = nothing_else) -> RunFacts:
    """The run of a story by its example, paced as the scene is."""
    plan = book.plan(story, scene.interval_s)
    script = SCRIPTS[story]
    await settle(scene, paced(example(script.example, "strategies"), script.pace * scene.interval_s))
    return await play_run(scene, plan, book.witnessed, meanwhile)


async def _by_script(story: str, scene: Scene, book: Book) -> None:
    facts = await _run(story, scene, book)
    book.add(facts, list(judge_copies(facts)))


async def _blue_green(scene: Scene, book: Book) -> None:
    facts = await _run("blue-green", scene, book, partial(ask_as_testers, scene, book.witnessed))
    book.add(facts, list(judge_tests(facts)))


async def _gates(scene: Scene, book: Book) -> None:
    facts = await play_gates(scene, book.plan("gates", scene.interval_s), book.witnessed)
    book.add(facts.run, judge_gates(facts))


async def _session_affinity(scene: Scene, book: Book) -> None:
    visits: list[Visit] = []
    facts = await _run("session affinity", scene, book, partial(browse_and_abort, scene, visits))
    book.add(facts, list(judge_browsers(facts, visits)))


async def _ten_kills(scene: Scene, book: Book) -> None:
    """The first light's own example, once as it is and once under kills."""
    await settle(scene, paced(example("canary"), KILLS_INTERVAL_S))
    steady = await release(scene, _weighted_plan(book, "no kill"))
    lasts_s = lasted_s(steady)
    book.results += judge_release(steady)
    book.figures.append(release_json(steady))
    book.overdue = lasts_s is None
    if lasts_s is None:
        return
    plan = _weighted_plan(book, "ten kills")
    killed, kills = await release_under_kills(scene, plan, moments(book.seed, lasts_s))
    book.results += [*judge_release(killed), *judge_kills(steady, killed, kills, book.seed)]
    book.figures.append(release_json(killed))
    book.overdue = bool(killed.overdue)


async def _daemon_set(scene: Scene, book: Book) -> None:
    """A person exchanges the Deployment for a DaemonSet on the one node there is, releases twice, deletes the Canary.

    Nothing can be released after it.
    """
    book.results.append(await exchange(scene, book.serving, scene.interval_s))
    await _by_script("DaemonSet", scene, book)
    if not book.overdue:
        await _by_script("DaemonSet, bad", scene, book)
    if not book.overdue:
        book.results += await leave(scene, book.serving)


def _weighted_plan(book: Book, story: str) -> Plan:
    canary = example("canary")
    book.version += 1
    book.serving = str(book.version)
    weights = planned_weights(canary)
    return Plan(story, book.serving, dict(SOUND), weights, KILLS_INTERVAL_S, longest_ms(canary))


STORIES: Mapping[str, Tell] = {
    **{story: partial(_by_script, story) for story in ("A/B", "A/B, bad", "matched weights")},
    "blue-green": _blue_green,
    **{story: partial(_by_script, story) for story in ("blue-green, copies", "copies, weights", "copies, bad")},
    "gates": _gates,
    "session affinity": _session_affinity,
    "ten kills": _ten_kills,
    "DaemonSet": _daemon_set,
}
