"""Plays a release in whose middle a person puts a fault into a rule of the VirtualService, as a rehearsal."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from e2e.lab.load import Record
from e2e.play.kubectl import kubectl
from e2e.play.waiting import until
from e2e.scenarios.facts import Fault, Plan, RunFacts
from e2e.scenarios.runs import Play, watched
from e2e.scenarios.stage import PICKED
from e2e.scenarios.weights import Shares, share_of

SHARED = Fault("default", MappingProxyType({"abort": {"percentage": {"value": 50}, "httpStatus": 555}}))
OWN = Fault("testers", MappingProxyType({"abort": {"percentage": {"value": 34}, "httpStatus": 555}}))
OWN_DELAY = Fault("testers", MappingProxyType({"delay": {"percentage": {"value": 10}, "fixedDelay": "2s"}}))
LOOKS = 8
_EVERY_S = 4.0
_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Look:
    """The Canary at one time, as a person sees it."""

    at_s: float
    weight: int
    failed_checks: int
    reason: str
    """Of Ready."""
    message: str


@dataclass(frozen=True, slots=True)
class Faulted:
    """The run, and what was seen while the fault was there."""

    facts: RunFacts
    fault: Fault
    promoted: str
    """What the condition Promoted said at the end."""
    testers: tuple[Record, ...]
    looks: tuple[Look, ...] = ()
    removed_at_s: float = 0.0


async def release_with_shared_fault(play: Play, plan: Plan, fault: Fault) -> Faulted:
    """Give the canary a version and, once it has its first share, the fault; take it out after a while."""
    looks: list[Look] = []
    removed_at_s = 0.0

    async def disturb() -> None:
        nonlocal removed_at_s
        await until(_has_first_share(play, plan), what="the first share", within_s=_WITHIN_S)
        await _set(plan, fault.rule, fault)
        await until(_is_held(plan), what="the reason SharedBreach", within_s=_WITHIN_S)
        for _ in range(LOOKS):
            looks.append(await _look(plan))
            await asyncio.sleep(_EVERY_S)
        await _set(plan, fault.rule, None)
        removed_at_s = time.time()

    disturbing = asyncio.create_task(disturb())
    try:
        seen = await _played(play, plan, fault)
        await asyncio.wait_for(disturbing, timeout=1.0)  # raises what went wrong with it
    finally:
        disturbing.cancel()
    return replace(seen, looks=tuple(looks), removed_at_s=removed_at_s)


async def release_with_own_fault(play: Play, plan: Plan, fault: Fault) -> Faulted:
    """The fault is there before, when testers get the stable side still, and until the run is over."""
    await _set(plan, fault.rule, fault)
    seen = await _played(play, plan, fault)
    await _set(plan, fault.rule, None)
    return seen


async def _played(play: Play, plan: Plan, fault: Fault) -> Faulted:
    began_at_s, name = time.time(), plan.stage.deployments[plan.canary]
    words = ("set", "env", f"deployment/{name}", f"VERSION={plan.version}", "ERROR_RATE=0")
    facts = await watched(play, plan, lambda: kubectl(*words))
    promoted = _condition(await _canary(plan), "Promoted").get("message", "")
    return Faulted(facts, fault, promoted, play.scene.records_of(PICKED, began_at_s))


def _has_first_share(play: Play, plan: Plan) -> Callable[[], Awaitable[bool]]:
    async def met() -> bool:
        return play.journal.phase == "Progressing" and share_of(_newest(play), plan.canary) == plan.weights[0]

    return met


def _newest(play: Play) -> Shares | None:
    return play.journal.in_force[-1].shares if play.journal.in_force else None


def _is_held(plan: Plan) -> Callable[[], Awaitable[bool]]:
    async def held() -> bool:
        return (await _look(plan)).reason == "SharedBreach"

    return held


async def _set(plan: Plan, rule_name: str, fault: Fault | None) -> None:
    """As a person would: by a patch of the one rule."""
    name = f"virtualservice/{plan.stage.route_name}"
    route = json.loads(await kubectl("get", name, "--output=json"))
    place = [rule.get("name") for rule in route["spec"]["http"]].index(rule_name)
    path = f"/spec/http/{place}/fault"
    operation = {"op": "remove", "path": path} if fault is None else {"op": "add", "path": path, "value": fault.says}
    await kubectl("patch", name, "--type=json", f"--patch={json.dumps([operation], default=dict)}")


async def _look(plan: Plan) -> Look:
    canary = await _canary(plan)
    ready, status = _condition(canary, "Ready"), canary.get("status") or {}
    return Look(
        at_s=time.time(),
        weight=status.get("desiredWeight", 0),
        failed_checks=status.get("failedChecks", 0),
        reason=ready.get("reason", ""),
        message=ready.get("message", ""),
    )


async def _canary(plan: Plan) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        await kubectl("get", f"canaries.rollouts.dev/{plan.stage.canary_name}", "--output=json")
    )
    return found


def _condition(canary: dict[str, Any], kind: str) -> dict[str, Any]:
    conditions: list[dict[str, Any]] = (canary.get("status") or {}).get("conditions") or []
    return next((one for one in conditions if one["type"] == kind), {})
