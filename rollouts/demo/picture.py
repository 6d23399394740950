"""All that the view shows at one moment, as plain values: taken from the scene, drawn elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from rollouts.api.resources import CANARIES, DEPLOYMENTS, VIRTUAL_SERVICES, Manifest, ObjectKey
from rollouts.api.status import MetricResult
from rollouts.core.measurement import Signal
from rollouts.demo.chronicle import Line
from rollouts.demo.ledger import Answer, Tally
from rollouts.demo.result import Result
from rollouts.demo.routes import percent_of
from rollouts.demo.scene import APP, PRIMARY, Scene
from rollouts.demo.stories import Story
from rollouts.traffic.metadata import canary_service, primary_service

LOOK_BACK = timedelta(seconds=2)
LINES = 9


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two copies."""

    name: str
    versions: tuple[str, ...]
    """Of its ready pods."""
    ready: int
    wanted: int
    weight_percent: float
    """What the routes say."""
    share_percent: float
    """What clients saw in the last seconds."""
    tally: Tally


@dataclass(frozen=True, slots=True)
class Chapter:
    """A story, and how far it is: None while it is to come or under way."""

    expected: str
    ok: bool | None
    now: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """One moment."""

    at_s: float
    phase: str
    step: int
    steps: int
    failed_checks: int
    threshold: int
    least_success_percent: float
    """The limit of the Canary's request-success-rate; 0 without one."""
    gate: str
    """What the release waits for; empty without a gate."""
    metrics: tuple[MetricResult, ...]
    sides: tuple[Side, ...]
    clients: Tally
    chapters: tuple[Chapter, ...]
    lines: tuple[Line, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """What makes a moment another than the one before."""
        done = tuple(chapter.ok for chapter in self.chapters)
        return (self.phase, self.step, *(side.weight_percent for side in self.sides), self.failed_checks, done)


def take_picture(scene: Scene, stories: Sequence[Story], results: Sequence[Result]) -> Picture:
    """The present."""
    status, now = scene.status, scene.cluster.clock.now()
    recent = [one for one in scene.cluster.traffic.ledger.between(now - LOOK_BACK, now) if not one.copied]
    analysis = (scene.cluster.server.stored(CANARIES, APP) or {}).get("spec", {}).get("analysis", {})
    return Picture(
        at_s=scene.cluster.clock.elapsed_s,
        phase=str(status.phase or "-"),
        step=status.step_index,
        steps=status.step_count,
        failed_checks=status.failed_checks,
        threshold=analysis.get("threshold", 1),
        least_success_percent=_least_success(analysis),
        gate=str(status.gate.type) if status.gate is not None else "",
        metrics=status.metrics,
        sides=(
            _side(scene, PRIMARY, primary_service(APP.name), recent),
            _side(scene, APP, canary_service(APP.name), recent),
        ),
        clients=Tally.of(recent),
        chapters=_chapters(stories, results),
        lines=tuple(scene.chronicle.lines[-LINES:]),
    )


def _side(scene: Scene, workload: ObjectKey, host: str, recent: Sequence[Answer]) -> Side:
    server = scene.cluster.server
    deployment = server.stored(DEPLOYMENTS, workload) or {}
    versions = scene.versions(workload)
    mine = [answer for answer in recent if answer.workload == workload]
    return Side(
        name=workload.name,
        versions=tuple(sorted(set(versions))),
        ready=len(versions),
        wanted=deployment.get("spec", {}).get("replicas", 0),
        weight_percent=percent_of(server.stored(VIRTUAL_SERVICES, APP), host),
        share_percent=100 * len(mine) / len(recent) if recent else 0.0,
        tally=Tally.of(mine),
    )


def _least_success(analysis: Manifest) -> float:
    named = {one["name"]: one["thresholdRange"] for one in analysis.get("metrics") or ()}
    return float(named.get(Signal.SUCCESS_RATE, {}).get("min") or 0.0)


def _chapters(stories: Sequence[Story], results: Sequence[Result]) -> tuple[Chapter, ...]:
    ended = {result.story: result.ok for result in results}
    current = next((story.name for story in stories if story.name not in ended), "")
    return tuple(Chapter(one.expected, ended.get(one.name), one.name == current) for one in stories)
