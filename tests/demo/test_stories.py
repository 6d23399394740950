from __future__ import annotations

import asyncio
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from rollouts.api.actions import Verb
from rollouts.api.resources import CANARIES, DEPLOYMENTS, VIRTUAL_SERVICES, Manifest
from rollouts.api.status import Phase
from rollouts.demo import stories
from rollouts.demo.chronicle import About, Chronicle, Line
from rollouts.demo.cluster import make_cluster
from rollouts.demo.facts import Clients, Facts, judge_bad, judge_gated, judge_good
from rollouts.demo.live import watch
from rollouts.demo.picture import Picture, take_picture
from rollouts.demo.play import play
from rollouts.demo.recording import Recorder
from rollouts.demo.result import Result
from rollouts.demo.scene import APP, PRIMARY, Scene
from rollouts.demo.stories import Release
from rollouts.demo.user import User, shipped
from rollouts.demo.view import WIDTH, draw
from rollouts.testing.memory_server import Change
from rollouts.testing.virtual_time import VirtualClock, run_virtually
from tests.demo.played import ServerSender, staged_virtually

WEIGHTS = (10, 30, 60)


def played(deadline_s: float = 60.0, meddle: object = None) -> tuple[list[Result], list[Line], float]:
    """The results, all lines, and how long it took; `meddle` hears of every change."""
    clock, results, lines = VirtualClock(), [], []

    async def whole() -> None:
        async with staged_virtually(clock, deadline_s) as scene:
            if meddle is not None:
                scene.cluster.server.watchers.append(lambda change: meddle(scene, change))  # type: ignore[operator]
            results.extend(await play(scene, lambda _result: None))
            lines.extend(scene.chronicle.lines)

    run_virtually(clock, whole())
    return results, lines, clock.elapsed_s


def test_all_three_go_as_told_within_a_minute() -> None:
    """By the real engine on the shipped manifests; the view says which number broke."""
    results, lines, took_s = played()
    assert [(result.story, result.flaws) for result in results] == [("good", ()), ("bad", ()), ("gate", ())]
    assert all(result.ok for result in results)
    assert took_s < 55
    assert results[1].clients.errors > 0
    warnings = [line.text for line in lines if line.about is About.WARNING]
    assert [text.partition(":")[0] for text in warnings] == ["CheckFailed", "Rollback"]
    assert "limit at least 99 %" in warnings[1]
    assert any(line.text.startswith("Rolled back. What broke: request-success-rate ") for line in lines)


def test_the_view_shows_what_broke_and_what_clients_saw() -> None:
    """Of each state one picture; a canary's share is near its weight when the numbers have settled."""
    clock, recorder = VirtualClock(), Recorder()
    results: list[Result] = []

    async def whole() -> None:
        async with staged_virtually(clock) as scene, asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watch(lambda: take_picture(scene, stories.STORIES, results), recorder.see))
            await play(scene, results.append)
            watching.cancel()

    run_virtually(clock, whole())
    assert any("BROKEN  request-success-rate" in drawn(one) for one in recorder.pictures if one.phase == "Failed")
    assert any("waits at the gate confirm-promotion" in drawn(one) for one in recorder.pictures)
    settled = [one.sides[1] for one in recorder.pictures if one.phase == "Progressing" and one.step]
    assert {side.weight_percent for side in settled} == {10.0, 30.0, 60.0}
    assert all(abs(side.share_percent - side.weight_percent) < 8 for side in settled)
    assert [chapter.ok for chapter in recorder.pictures[-1].chapters] == [True, True, True]
    assert all(max(map(len, drawn(one).splitlines())) <= WIDTH for one in recorder.pictures)


def test_what_clients_get_afterwards_is_counted_once_the_routes_have_followed_the_status() -> None:
    """On a busy machine the phase is seen some requests before the routes are written: those are no fault."""
    clock = VirtualClock()

    async def end_of_a_release() -> float:
        cluster = make_cluster(0, clock)
        scene = Scene(cluster, User(ServerSender(cluster.server)), Chronicle(clock, cluster.traffic.ledger), 30.0)
        scene.begin()
        cluster.server.put(CANARIES, {**shipped("canary"), "status": {"phase": "Failed"}})
        cluster.server.put(VIRTUAL_SERVICES, routes(90, 10))
        async with asyncio.TaskGroup() as tasks:
            ending = tasks.create_task(stories._end(scene, stories.BAD, "2", clock.now()))
            await asyncio.sleep(0.5)
            cluster.server.put(VIRTUAL_SERVICES, routes(100, 0))
        assert ending.result().phase is Phase.FAILED
        return clock.elapsed_s

    assert run_virtually(clock, end_of_a_release()) >= 0.5 + stories.AFTERWARDS_S


def routes(primary: int, canary: int) -> Manifest:
    """As the controller writes them."""
    parts = [{"destination": {"host": f"shop-{name}"}, "weight": weight}
             for name, weight in (("primary", primary), ("canary", canary))]  # fmt: skip
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": APP.name, "namespace": APP.namespace},
        "spec": {"hosts": ["shop"], "http": [{"route": parts}]},
    }


def drawn(picture: Picture) -> str:
    """A picture as text."""
    console = Console(file=StringIO(), width=WIDTH)
    with console.capture() as captured:
        console.print(draw(picture))
    return captured.get()


def test_every_change_of_phase_and_routes_is_one_line() -> None:
    """Each once, in the order in which it happened."""
    _, lines, _ = played()
    phases = [line.text.removeprefix("canary shop: ") for line in lines if line.about is About.PHASE]
    released = ["Progressing", "Promoting", "Finalising", "Succeeded"]
    gated = ["Progressing", "WaitingPromotion", "Promoting", "Finalising", "Succeeded"]
    assert phases == ["Initializing", "Initialized", *released, "Progressing", "Failed", *gated]
    weights = [line.text.rpartition(" shop-canary ")[2] for line in lines if line.about is About.ROUTES]
    up = ["10 %", "30 %", "60 %", "0 %"]
    assert weights == ["0 %", *up, "10 %", "0 %", *up]


def test_a_bad_release_that_is_sound_is_not_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is promoted, and the verdict says so."""
    monkeypatch.setattr(stories, "BAD", Release("3", {"ERROR_RATE": "0"}))
    results, _, _ = played()
    assert results[0].ok
    assert not results[1].ok
    assert "it ends Failed: Succeeded" in results[1].flaws
    assert "NOT as told" in results[1].in_words()


def test_a_good_release_that_fails_is_not_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is rolled back, and the verdict says so."""
    monkeypatch.setattr(stories, "GOOD", Release("2", {"ERROR_RATE": "0.5"}))
    results, _, _ = played()
    assert "it ends Succeeded: Failed" in results[0].flaws


def test_a_gate_that_somebody_opens_early_is_not_as_told() -> None:
    """Nobody has seen it wait."""
    opened: list[Change] = []

    def open_it(scene: Scene, change: Change) -> None:
        after = change.after or {}
        if change.place == (CANARIES, APP) and after.get("status", {}).get("gate") and not opened:
            opened.append(change)
            annotated = {"metadata": {"annotations": {f"actions.rollouts.dev/{Verb.APPROVE}": "early"}}}
            scene.cluster.server.edit(CANARIES, APP, annotated)

    results, _, _ = played(meddle=open_it)
    assert [result.ok for result in results] == [True, True, False]
    assert "the gate holds it: it waited 0.0 s" in results[2].flaws


def test_a_story_that_takes_too_long_is_not_as_told_and_the_next_is_told() -> None:
    """The others are not lost with it."""
    results, _, _ = played(deadline_s=12.0)
    assert [result.story for result in results] == ["good", "bad", "gate"]
    assert results[0].flaws == ("the story comes to its end: the release ends: not within 12 s",)


def test_what_can_not_be_prepared_is_the_only_result() -> None:
    """There is nothing to release."""
    results, _, _ = played(deadline_s=1.0)
    assert [result.story for result in results] == ["start"]
    assert not results[0].ok


def test_a_user_who_is_refused_is_not_as_told() -> None:
    """What the API server said is the verdict."""
    clock, results = VirtualClock(), []

    async def whole() -> None:
        async with staged_virtually(clock) as scene:

            def vanish(change: Change) -> None:
                if change.place == (VIRTUAL_SERVICES, APP) and change.before is None:
                    scene.cluster.server.delete(DEPLOYMENTS, APP)

            scene.cluster.server.watchers.append(vanish)
            results.extend(await play(scene, lambda _result: None, stories.STORIES[:1]))

    run_virtually(clock, whole())
    assert results[0].flaws == ("the API takes what a user does: get deployments.apps: default/shop does not exist",)


FACTS = Facts(
    version="2",
    before="1",
    phase=Phase.SUCCEEDED,
    weights=WEIGHTS,
    served_by=("2", "2"),
    clients=Clients({"1": 500, "2": 200}),
    afterwards=Clients({"2": 100}),
    waited_s=3.0,
    served_while_waiting=("1", "1"),
    approved=True,
)
ROLLED_BACK = replace(
    FACTS,
    phase=Phase.FAILED,
    weights=(10,),
    served_by=("1", "1"),
    clients=Clients({"1": 500, "2": 50}, {"2": 9}),
    afterwards=Clients({"1": 100}),
    broken="request-success-rate 82.00 % (limit at least 99 %)",
)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, set()),
        ({"phase": Phase.FAILED}, {"it ends Succeeded"}),
        ({"phase": None}, {"it ends Succeeded"}),
        ({"weights": (10, 60)}, {"the canary gets 10, 30, 60 %"}),
        ({"weights": ()}, {"the canary gets 10, 30, 60 %"}),
        ({"served_by": ("1", "2")}, {"the primary runs version 2"}),
        ({"served_by": ()}, {"the primary runs version 2"}),
        ({"afterwards": Clients({"1": 1, "2": 99})}, {"after its end version 2 answers everybody"}),
        ({"afterwards": Clients()}, {"after its end version 2 answers everybody"}),
        ({"clients": Clients({"1": 9}, {"nobody": 1})}, {"no request fails"}),
        ({"clients": Clients()}, {"no request fails"}),
    ],
)
def test_a_good_release(changed: dict[str, object], told: set[str]) -> None:
    """Each fact for itself decides."""
    checks = judge_good(replace(FACTS, **changed), WEIGHTS)  # type: ignore[arg-type]
    assert {check.told for check in checks if not check.ok} == told


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, set()),
        ({"phase": Phase.SUCCEEDED}, {"it ends Failed"}),
        ({"broken": ""}, {"request-success-rate is what broke"}),
        ({"broken": "request-duration 900.00 ms (limit at most 500 ms)"}, {"request-success-rate is what broke"}),
        ({"weights": (10, 30)}, {"it never gets more than 10 %"}),
        ({"clients": Clients({"1": 5, "2": 5}, {"1": 1, "2": 2})}, {"only its own requests fail"}),
        ({"clients": Clients({"1": 5, "2": 5})}, {"only its own requests fail"}),
        ({"afterwards": Clients({"1": 99, "2": 1})}, {"after its end version 1 answers everybody"}),
    ],
)
def test_a_bad_release(changed: dict[str, object], told: set[str]) -> None:
    """Each fact for itself decides."""
    checks = judge_bad(replace(ROLLED_BACK, **changed), "request-success-rate", WEIGHTS)  # type: ignore[arg-type]
    assert {check.told for check in checks if not check.ok} == told


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, set()),
        ({"waited_s": 1.0}, {"the gate holds it"}),
        ({"served_while_waiting": ("2",)}, {"the primary runs version 1 while it waits"}),
        ({"approved": False}, {"the approval is carried out"}),
        ({"phase": Phase.FAILED}, {"it ends Succeeded"}),
    ],
)
def test_a_gated_release(changed: dict[str, object], told: set[str]) -> None:
    """Each fact for itself decides."""
    checks = judge_gated(replace(FACTS, **changed), WEIGHTS, 2.5)  # type: ignore[arg-type]
    assert {check.told for check in checks if not check.ok} == told


def test_the_shipped_manifests_are_what_the_stories_speak_of() -> None:
    """The gate is the only difference between the two Canaries."""
    deployment, canary, gated = map(shipped, ("deployment", "canary", "canary-with-gate"))
    assert deployment["metadata"]["name"] == APP.name
    assert PRIMARY.name == f"{APP.name}-primary"
    assert stories.planned_weights() == WEIGHTS
    gate = gated["spec"]["analysis"].pop("webhooks")
    assert [hook["type"] for hook in gate] == ["confirm-promotion"]
    assert gated == canary
