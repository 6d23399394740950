"""Which stories are played in each scenario: releases there and back, a bad one, undo, the Canary's end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from e2e.first_light.ending import end_controller
from e2e.play.kubectl import kubectl
from e2e.play.playbook import Story
from e2e.play.result import Json, Result
from e2e.play.users_part import ours_in
from e2e.scenarios.facts import Fault, Plan, RunFacts, failures_of
from e2e.scenarios.faults import OWN, OWN_DELAY, SHARED, release_with_own_fault, release_with_shared_fault
from e2e.scenarios.judge import judge_bystander, judge_left, judge_run, judge_swap, judge_undo
from e2e.scenarios.judge_copies import judge_copies
from e2e.scenarios.judge_faults import judge_failed, judge_held
from e2e.scenarios.judge_picked import judge_picked
from e2e.scenarios.report import run_json
from e2e.scenarios.runs import Play, begin, release, release_until_promoted, release_until_weight, undo
from e2e.scenarios.stage import Stage
from e2e.scenarios.untouched import differences
from e2e.scenarios.witnesses import read_objects

INTERVAL_S = 5.0
_AFTERWARDS_S = 5.0
_UNDONE_WITHIN_S = 5.0
_UNDONE_FROM_ZERO_WITHIN_S = 15.0
"""Its pods have to start first."""

STAGES: Mapping[str, Stage] = {
    "scenario-1": Stage("scenario-1", "anything.example", "canary", "v1", INTERVAL_S),
    "scenario-2": Stage("scenario-2", "helloworld.default.svc.cluster.local", "helloworld", "v1", INTERVAL_S),
    "scenario-3": Stage("scenario-3", "reviews.default.svc.cluster.local", "reviews", "v2", INTERVAL_S),
    "scenario-4": Stage(
        "scenario-4", "reviews.default.svc.cluster.local", "reviews", "v1", INTERVAL_S, ("end-user", "jason")
    ),
    "scenario-5": Stage("scenario-5", "api.example.com", "api", "v1", INTERVAL_S, ("x-canary", "true")),
    "scenario-6": Stage("scenario-6", "shop.example.com", "shop", "v1", INTERVAL_S, ("x-preview", "true")),
    "scenario-7": Stage("scenario-7", "nginx.example.com", "nginx", "v1", INTERVAL_S),
    "scenario-10": Stage("scenario-10", "payments.example.com", "payments", "v1", INTERVAL_S),
    "scenario-9": Stage("scenario-9", "basket.example.com", "basket", "v1", INTERVAL_S, ("x-canary", "true")),
}


@dataclass(slots=True)
class Book:
    """What has come of the stories so far, and which version each subset has."""

    stage: Stage
    results: list[Result] = field(default_factory=list)
    figures: list[Json] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    overdue: bool = False

    def plan(self, story: str, canary: str, version: str, weights: tuple[int, ...], *, errs: bool = False) -> Plan:
        """A run that gives that subset a version; from then on it has it."""
        self.versions[canary] = version
        before = self.versions[self.stage.other(canary)]
        return Plan(story, self.stage, canary, version, before, weights, errs)

    def note(self, facts: RunFacts, results: list[Result]) -> None:
        """A run and what is made of it."""
        self.results += results
        self.figures.append(run_json(facts))
        self.overdue = self.overdue or bool(facts.overdue)


Tell = Callable[[Play, Book], Awaitable[None]]


def stories_of(play: Play, book: Book) -> dict[str, Story]:
    """All stories of the book's scenario."""
    told = TOLD[book.stage.name]
    return {name: partial(_noted, tell, play, book) for name, tell in told.items()}


async def _noted(tell: Tell, play: Play, book: Book) -> bool:
    await tell(play, book)
    return not book.overdue


async def _start(play: Play, book: Book) -> None:
    stage = book.stage
    book.versions = {stage.stable: _number(stage.stable), stage.other(stage.stable): "0"}
    took_s = await begin(play)
    expected = f"all requests are led to subset {stage.stable}, and the other one is at zero"
    book.results.append(Result(f"{stage.name}, start", expected, ok=True, detail=f"{took_s:.1f} s after apply"))


async def _release(canary: str, version: str, play: Play, book: Book) -> None:
    plan = book.plan(f"{canary} gets version {version}", canary, version, book.stage.weights)
    facts = await release(play, plan)
    book.note(facts, [*judge_run(facts), *judge_bystander(facts), *judge_picked(facts), *judge_copies(facts)])


async def _bad_release(canary: str, version: str, play: Play, book: Book) -> None:
    # A version that is tested before everybody gets it meets nobody but its testers.
    weights = (book.stage.weights[0], 0) if book.stage.weights[0] < 100 else ()
    plan = book.plan(f"{canary} gets the bad version {version}", canary, version, weights, errs=True)
    facts = await release(play, plan)
    book.note(facts, [*judge_run(facts), *judge_picked(facts), *judge_copies(facts)])


async def _shared_fault(canary: str, version: str, play: Play, book: Book) -> None:
    """Somebody rehearses on rule default, which leads to both: held until it is over, and then it goes on."""
    plan = book.plan(f"{canary} gets version {version}, a fault hits both", canary, version, book.stage.weights)
    held = await release_with_shared_fault(play, replace(plan, fault=SHARED), SHARED)
    book.note(held.facts, [*judge_run(held.facts), *judge_held(held)])


async def _own_fault(canary: str, version: str, fault: Fault, play: Play, book: Book) -> None:
    """The same on rule testers, which leads to the canary alone: it fails, whatever its pods answer."""
    weights = (book.stage.weights[0], 0)
    kind = "aborts" if fault.status else "delays"
    plan = book.plan(f"{canary} gets version {version}, a fault {kind} its own", canary, version, weights, errs=True)
    failed = await release_with_own_fault(play, replace(plan, fault=fault), fault)
    book.note(failed.facts, [*judge_run(failed.facts), *judge_failed(failed)])


async def _undo_at_once(play: Play, book: Book) -> None:
    """Within scaleDownDelay: the old pods are still there."""
    canary, version = "v2", "5"
    facts = await release_until_promoted(
        play, book.plan(f"{canary} gets version {version}, and is regretted", canary, version, book.stage.weights)
    )
    book.note(facts, [judge_swap(facts)])
    stable = book.stage.other(canary)
    facts = await undo(play, book.plan("undo at once", stable, book.versions[stable], (100,)), 1)
    book.note(facts, [*judge_run(facts), judge_undo(facts, _UNDONE_WITHIN_S)])


async def _undo_later(play: Play, book: Book) -> None:
    """The other version is at zero: its pods come first."""
    facts = await undo(play, book.plan("undo later", "v2", book.versions["v2"], (100,)), 2)
    book.note(facts, [*judge_run(facts), judge_undo(facts, _UNDONE_FROM_ZERO_WITHIN_S)])


async def _end(play: Play, book: Book, *, version: str = "", canary: str = "", cascade: str = "background") -> None:
    """The Canary goes, at rest or in mid-run, and the user's objects are the user's again."""
    stage, story = book.stage, f"{book.stage.name}, deletion in the {cascade}"
    if cascade == "orphan":
        story = f"{stage.name}, deletion that orphans"
    if canary:
        story += f" while {canary} has {stage.weights[0]} %"
        await release_until_weight(play, canary, version)
    before = play.journal.objects_seen(await read_objects(play.scene.api))
    began_at_s = before.at_s
    how = (f"--cascade={cascade}", "--timeout=60s")
    await kubectl("delete", f"canaries.rollouts.dev/{stage.canary_name}", *how)
    await asyncio.sleep(_AFTERWARDS_S)
    objects = await read_objects(play.scene.api)
    after = play.journal.objects_seen(objects)
    marks = [f"{item['kind']} {item['metadata']['name']}: {mark}" for item in objects for mark in ours_in(item)]
    book.results.append(judge_left(story, list(differences(before.kept, after.kept)), marks))
    records = play.scene.records(began_at_s)
    failed = len(failures_of(records))
    detail = f"{failed} of {len(records)}"
    book.results.append(Result(story, "no client error", ok=bool(records) and not failed, detail=detail))
    book.results += await end_controller(play.scene.controller)


def _number(subset: str) -> str:
    """The version that the examples give a subset at first."""
    return subset.removeprefix("v")


TOLD: Mapping[str, Mapping[str, Tell]] = {
    "scenario-1": {
        "start": _start,
        "release": partial(_release, "v2", "2"),
        "the other way round": partial(_release, "v1", "3"),
        "bad": partial(_bad_release, "v2", "4"),
        "undo at once": _undo_at_once,
        "undo later": _undo_later,
        "deletion": _end,
    },
    "scenario-2": {
        "start": _start,
        "release": partial(_release, "v2", "2"),
        "bad": partial(_bad_release, "v1", "3"),
        "deletion": partial(_end, canary="v1", version="4", cascade="orphan"),
    },
    "scenario-4": {
        "start": _start,
        "release": partial(_release, "v2", "2"),
        "bad": partial(_bad_release, "v1", "3"),
        "deletion": _end,
    },
    "scenario-5": {
        "start": _start,
        "release": partial(_release, "v2", "2"),
        "bad": partial(_bad_release, "v1", "3"),
        "deletion": partial(_end, canary="v1", version="4"),
    },
    "scenario-6": {
        "start": _start,
        "bad": partial(_bad_release, "v2", "2"),
        "undo at once": _undo_at_once,
        "release": partial(_release, "v2", "6"),
        "deletion": _end,
    },
    "scenario-7": {
        "start": _start,
        "bad": partial(_bad_release, "v2", "2"),
        "release": partial(_release, "v2", "3"),
        "deletion": _end,
    },
    "scenario-10": {
        "start": _start,
        "release": partial(_release, "v2", "2"),
        "bad": partial(_bad_release, "v1", "3"),
        "deletion": partial(_end, canary="v1", version="4"),
    },
    "scenario-3": {
        "start": _start,
        "release": partial(_release, "v3", "4"),
        "the other way round": partial(_release, "v2", "5"),
        "bad": partial(_bad_release, "v3", "6"),
        "deletion": partial(_end, canary="v3", version="7", cascade="foreground"),
    },
    "scenario-9": {
        "start": _start,
        "release": partial(_release, "v2", "2"),
        "a fault for both": partial(_shared_fault, "v1", "3"),
        "the canary's own fault": partial(_own_fault, "v2", "4", OWN),
        "the canary's own delay": partial(_own_fault, "v2", "5", OWN_DELAY),
        "deletion": _end,
    },
}
