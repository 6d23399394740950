"""Canaries that can't be acted on, each in a namespace of its own: what is said, and that nothing is touched."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from e2e.first_light import snapshot
from e2e.first_light.facts import BadInput
from e2e.first_light.judge_rest import judge_bad_input, judge_refused
from e2e.play.kubectl import apply, attempt, get_objects, kubectl, namespaced_kinds, to_yaml
from e2e.play.manifests import Json, example, inward, moved
from e2e.play.result import Result
from e2e.play.scene import Scene
from e2e.play.waiting import OverdueError, until
from e2e.play.witnesses import CANARIES

_TOLD_WITHIN_S = 30.0
_WATCHED_S = 3.0
"""For how long nothing may be touched after the condition and the Event are there."""


@dataclass(frozen=True, slots=True)
class Case:
    """A bad Canary: the file `canary.yaml` of the example with something wrong."""

    name: str
    namespace: str
    canary: Json
    words: tuple[str, ...]
    """What condition and Event must name."""


def missing_target() -> Case:
    """Its target does not exist."""
    canary = _canary("bad-target")
    canary["spec"]["targetRef"]["name"] = "nope"
    return Case("target missing", "bad-target", canary, ("nope", "spec.targetRef.name"))


def missing_port() -> Case:
    """No container has a port of that name."""
    canary = _canary("bad-port")
    canary["spec"]["service"]["targetPort"] = "web-typo"
    return Case("port missing", "bad-port", canary, ("web-typo", "targetPort"))


def plain(name: str, namespace: str, *words: str) -> Case:
    """Nothing is wrong with it; something else is."""
    return Case(name, namespace, _canary(namespace), words)


async def prepare(namespace: str, *, rolled_out: bool = True) -> None:
    """A namespace with the application in it."""
    await kubectl("create", "namespace", namespace)
    await apply(moved(example("deployment"), namespace))
    if rolled_out:
        await kubectl("rollout", "status", "deployment/app", f"--namespace={namespace}", "--timeout=30s")


async def play_case(scene: Scene, case: Case) -> list[Result]:
    """Apply it to a prepared namespace, and judge what is said and what is touched."""
    before = await _settled(case.namespace)
    began_s = time.time()
    await apply(case.canary)
    note = ""
    try:
        await until(lambda: _told(scene, case), what="condition and Event", within_s=_TOLD_WITHIN_S)
    except OverdueError as error:
        note = str(error)
    await asyncio.sleep(_WATCHED_S)
    condition = await ready_condition(scene, case.namespace, case.canary["metadata"]["name"])
    requests = scene.requests(began_s, time.time())
    seen = BadInput(
        case=case.name,
        words=case.words,
        ready=condition.get("status", ""),
        message=condition.get("message", "") or note,
        events=tuple(await _events(scene, case)),
        compared=len(before),
        differences=snapshot.differences(before, await _snapshot(case.namespace)),
        requests=tuple(request for request in requests if request.namespace == case.namespace),
    )
    return judge_bad_input(seen)


async def play_refused(scene: Scene) -> list[Result]:
    """Let the API server itself refuse stepWeights that do not ascend."""
    canary = _canary("default", "descending")
    analysis = canary["spec"]["analysis"]
    del analysis["stepWeight"], analysis["maxWeight"]
    analysis["stepWeights"] = [10, 30, 20]
    answer = await attempt("apply", "--filename=-", stdin=to_yaml([canary]))
    canaries, _ = await scene.api.list_objects(CANARIES.format("default"))
    found = sum(item["metadata"]["name"] == "descending" for item in canaries)
    words = ("stepWeights must ascend",)
    return [judge_refused("stepWeights not ascending", code=answer.code, said=answer.said, words=words, found=found)]


async def ready_condition(scene: Scene, namespace: str, name: str) -> dict[str, Any]:
    """Condition Ready of a Canary; empty while there is none."""
    canaries, _ = await scene.api.list_objects(CANARIES.format(namespace))
    conditions = [
        condition
        for canary in canaries
        if canary["metadata"]["name"] == name
        for condition in (canary.get("status") or {}).get("conditions") or ()
        if condition["type"] == "Ready"
    ]
    return conditions[0] if conditions else {}


def _canary(namespace: str, name: str = "") -> Json:
    return moved(inward(example("canary")), namespace, name)


async def _told(scene: Scene, case: Case) -> bool:
    condition = await ready_condition(scene, case.namespace, case.canary["metadata"]["name"])
    named = all(word in condition.get("message", "") for word in case.words)
    return condition.get("status") == "False" and named and bool(await _events(scene, case))


async def _events(scene: Scene, case: Case) -> list[str]:
    """What the Events on this Canary say."""
    found, _ = await scene.api.list_objects(f"/api/v1/namespaces/{case.namespace}/events")
    name = case.canary["metadata"]["name"]
    about = [item for item in found if item["involvedObject"].get("kind") == "Canary"]
    return [f"{item['reason']}: {item['message']}" for item in about if item["involvedObject"]["name"] == name]


async def _snapshot(namespace: str) -> snapshot.Snapshot:
    return snapshot.take(await get_objects(namespace, await namespaced_kinds()))


async def _settled(namespace: str) -> snapshot.Snapshot:
    """A snapshot once the cluster's own controllers have done with the namespace."""
    last = await _snapshot(namespace)

    async def stands() -> snapshot.Snapshot | None:
        nonlocal last
        earlier, last = last, await _snapshot(namespace)
        return last if last == earlier else None

    return await until(stands, what=f"namespace {namespace} at rest", within_s=30, every_s=1.0)
