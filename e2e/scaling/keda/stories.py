"""Which stories are played beside a ScaledObject: a rollback at half of the load, a promotion, the Canary's end."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from e2e.first_light.ending import end_controller
from e2e.play.application import rest_under_load
from e2e.play.given_back import canary_is_gone
from e2e.play.kubectl import apply, kubectl
from e2e.play.manifests import Json, example
from e2e.play.playbook import Story
from e2e.play.result import Result
from e2e.play.scene import Scene
from e2e.play.seen import PRIMARY, TARGET
from e2e.play.waiting import OverdueError, until
from e2e.scaling.facts import OWN_LEAST
from e2e.scaling.keda.facts import SIZE, KedaRun
from e2e.scaling.keda.judge import judge_begin, judge_left, judge_run
from e2e.scaling.keda.report import run_json
from e2e.scaling.keda.witness import Witness
from e2e.scaling.runs import Plan, abort, play_run, sized
from e2e.scaling.witnesses import Sizes

KIND = Path(__file__).with_name("kind.yaml")
_NAME = "scaledobjects.keda.sh"
_SPEC = ("get", _NAME, "app", "--namespace=default", "--output=jsonpath={.spec}")
_WITHIN_S = 90.0
_TAIL_S = 2.0
"""What the watches may still bring after an end."""


@dataclass(slots=True)
class Book:
    """What is played with, and what has come of it so far."""

    scene: Scene
    sizes: Sizes
    witness: Witness
    results: list[Result] = field(default_factory=list)
    figures: list[Json] = field(default_factory=list)
    spec: str = ""
    """Of the user's ScaledObject as it was at first."""


async def install_kind() -> None:
    """Have the API server keep ScaledObjects. Raises KubectlError."""
    await kubectl("apply", "--server-side", f"--filename={KIND}")
    await kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/{_NAME}")


def stories_of(book: Book) -> dict[str, Story]:
    """All of them, in order."""
    return {
        "start": partial(_start, book),
        "rollback at 50 %": partial(_run, book, Plan("rollback at 50 %", "2", abort)),
        "promotion": partial(_run, book, Plan("promotion", "3")),
        "deleted": partial(_deleted, book),
        "end": partial(_end, book),
    }


def canary() -> Json:
    """That of the example, which names KEDA's object in the place of an autoscaler."""
    manifest = example("canary", "scaling")
    known = example("scaled-object", "scaling")
    manifest["spec"]["autoscalerRef"] |= {"apiVersion": known["apiVersion"], "kind": known["kind"]}
    return manifest


async def _start(book: Book) -> bool:
    scene = book.scene
    await scene.controller.start()
    await scene.controller.become_ready()
    began_s = time.time()
    await apply(example("deployment", "scaling"), example("scaled-object", "scaling"), canary(), example("gateway"))
    book.spec = await kubectl(*_SPEC)
    await rest_under_load(scene, _WITHIN_S)
    book.results.append(Result("start", "Initialized", ok=True, detail=f"{time.time() - began_s:.1f} s"))
    book.results += judge_begin(book.witness.since(began_s))
    await kubectl("scale", f"deployment/{PRIMARY}", f"--replicas={SIZE}")
    await sized(book.sizes, PRIMARY, SIZE)
    return True


async def _run(book: Book, plan: Plan) -> bool:
    began_s = time.time()
    run = await play_run(book.scene, book.sizes, plan)
    with suppress(OverdueError):  # the judge says what is missing
        await until(partial(_is_let, book), what="the copy's own least", within_s=_WITHIN_S)
    facts = KedaRun(run, book.witness.since(began_s), await _spec_kept(book))
    book.results += judge_run(facts)
    book.figures.append(run_json(facts))
    return not run.overdue


async def _is_let(book: Book) -> bool:
    seen = book.witness.last(PRIMARY)
    return seen is not None and seen.least == OWN_LEAST


async def _deleted(book: Book) -> bool:
    began_s = time.time()
    await kubectl("delete", "canaries.rollouts.dev", TARGET, "--wait=false")
    await until(canary_is_gone, what="the end of the Canary", within_s=_WITHIN_S)
    await asyncio.sleep(_TAIL_S)
    book.results += judge_left(book.witness.since(began_s), spec_kept=await _spec_kept(book))
    return True


async def _spec_kept(book: Book) -> bool:
    return bool(json.loads(await kubectl(*_SPEC)) == json.loads(book.spec))


async def _end(book: Book) -> bool:
    book.results += await end_controller(book.scene.controller)
    return True
