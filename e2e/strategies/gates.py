"""The story of the gates: somebody else decides when it starts and when it ends, and is away when it matters."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from e2e.play.application import deployment
from e2e.play.journal import Json
from e2e.play.manifests import example, paced
from e2e.play.scene import Scene
from e2e.play.seen import TARGET
from e2e.play.waiting import until
from e2e.strategies.facts import RunFacts, RunPlan
from e2e.strategies.receiver import HookCall, Receiver, receiving
from e2e.strategies.runs import Witnessed, play_run, reached, read_canary, settle, shown

CLOSED_S = 10.0
"""For how long the gate before the start stays closed."""
_PROMOTION_CLOSED_S = 6.0
_DOWN_S = 1.0
_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What the receivers saw of a run."""

    run: RunFacts
    calls: tuple[HookCall, ...]
    opened: Mapping[str, float]
    killed_at_s: float
    restarted_at_s: float
    replicas_while_closed: int
    """Of the canary, just before the first gate was opened."""
    first_notice: int
    """The number of the first notice that was for these receivers."""
    status: Mapping[str, Any]
    """The Canary's, at the end."""


@dataclass(slots=True)
class _Course:
    """What happened while the run went on."""

    killed_at_s: float = 0.0
    restarted_at_s: float = 0.0
    replicas: int = -1


async def play_gates(scene: Scene, plan: RunPlan, witnessed: Witnessed) -> GateFacts:
    """Play it: closed gates, and a receiver of events that is away while the controller is killed."""
    async with receiving() as (receiver, url):
        first_notice = (await read_canary(scene))["status"]["notices"] + 1
        receiver.closed |= {"confirm-rollout", "confirm-promotion"}
        await settle(scene, _called_at(url, paced(example("gates", "strategies"), scene.interval_s)))
        course = _Course()
        run = await play_run(scene, plan, witnessed, lambda at_s: _gatekeeping(scene, receiver, at_s, course))
        await until(lambda: _all_told(scene), what="an empty outbox", within_s=_WITHIN_S)
        status = (await read_canary(scene))["status"]
        # No longer called once nobody answers.
        await settle(scene, paced(example("canary"), scene.interval_s))
    return GateFacts(
        run=run, calls=tuple(receiver.calls), opened=dict(receiver.opened),
        killed_at_s=course.killed_at_s, restarted_at_s=course.restarted_at_s,
        replicas_while_closed=course.replicas, first_notice=first_notice, status=status,
    )  # fmt: skip


async def _gatekeeping(scene: Scene, receiver: Receiver, applied_at_s: float, course: _Course) -> None:
    await until(lambda: _called(receiver, "confirm-rollout"), what="the first question", within_s=_WITHIN_S)
    await asyncio.sleep(CLOSED_S)
    target = await deployment(scene, TARGET)
    course.replicas = target["spec"]["replicas"] if target else -1
    receiver.away.add("event")
    receiver.open("confirm-rollout")
    await shown(scene, applied_at_s, lambda seen: seen.shares.others_percent > 0, "the first weight")
    await until(lambda: _refused(receiver, "event"), what="an event that is not taken", within_s=_WITHIN_S)
    course.killed_at_s = await scene.controller.kill()
    await asyncio.sleep(_DOWN_S)
    receiver.away.clear()
    course.restarted_at_s = await scene.controller.start()
    await reached(scene, applied_at_s, "WaitingPromotion")
    await asyncio.sleep(_PROMOTION_CLOSED_S)
    receiver.open("confirm-promotion")


def _called_at(url: str, canary: Json) -> dict[str, Any]:
    """The Canary with its receivers elsewhere."""
    changed = copy.deepcopy(dict(canary))
    for hook in changed["spec"]["analysis"]["webhooks"]:
        hook["url"] = url + urlsplit(hook["url"]).path
    return changed


async def _called(receiver: Receiver, hook: str) -> bool:
    return bool(receiver.of(hook))


async def _refused(receiver: Receiver, hook: str) -> bool:
    return any(not call.accepted for call in receiver.of(hook))


async def _all_told(scene: Scene) -> bool:
    return not (await read_canary(scene))["status"]["outbox"]
