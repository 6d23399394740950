"""Plays one mishap: a release under load, its middle spoilt, the condition waited for, the damage mended."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from e2e.mishaps.judge import MishapFacts
from e2e.mishaps.mishap import Mishap
from e2e.play.waiting import OverdueError, until
from e2e.play.witnesses import CANARIES
from e2e.scenarios.runs import Play, release_over, release_until_weight

_WITHIN_S = 30.0
_OVER_WITHIN_S = 150.0
_TAIL_S = 2.0


async def play_mishap(play: Play, mishap: Mishap, canary: str, version: str) -> MishapFacts:
    """Release that version of that subset, and let it happen at the first weight."""
    stage, journal, overdue = play.journal.stage, play.journal, ""
    began_at_s = time.time()
    await release_until_weight(play, canary, version)
    happened_at_s = time.time()
    await mishap.bring_about(stage, stage.other(canary))
    told_at_s, message = None, ""
    try:
        message = await until(lambda: _told(play, mishap), what=f"condition {mishap.reason}", within_s=_WITHIN_S)
        told_at_s = time.time()
        await asyncio.sleep(mishap.lasts_s)
    except OverdueError as error:
        overdue = str(error)
    mended_at_s = time.time()
    await mishap.mend(stage, stage.other(canary))
    try:
        await until(lambda: _whole(play, mishap), what=f"no more {mishap.reason}", within_s=_WITHIN_S)
    except OverdueError as error:
        overdue = overdue or str(error)
    safe_again_at_s = time.time()
    loser = stage.deployments[stage.other(canary)]
    try:
        await until(
            lambda: release_over(play, began_at_s, loser), what="the end of the release", within_s=_OVER_WITHIN_S
        )
        await asyncio.sleep(_TAIL_S)
    except OverdueError as error:
        overdue = overdue or f"{error}; phase {journal.phase}"
    return MishapFacts(
        mishap=mishap,
        stable=loser,
        canary=stage.deployments[canary],
        happened_at_s=happened_at_s,
        told_at_s=told_at_s,
        message=message,
        mended_at_s=mended_at_s,
        safe_again_at_s=safe_again_at_s,
        ended_at_s=time.time(),
        end=journal.phase,
        records=play.scene.records(began_at_s),
        overdue=overdue,
    )


async def _conditions(play: Play, mishap: Mishap) -> dict[str, dict[str, Any]]:
    """Of the Canary that tells it; none if it is gone."""
    found, _ = await play.scene.api.list_objects(CANARIES.format("default"))
    name = mishap.told_by or play.journal.stage.canary_name
    status: dict[str, Any] = next((one for one in found if one["metadata"]["name"] == name), {}).get("status") or {}
    return {item["type"]: item for item in status.get("conditions") or ()}


async def _told(play: Play, mishap: Mishap) -> str:
    """What a condition of that reason says; empty if there is none."""
    for condition in (await _conditions(play, mishap)).values():
        if condition.get("reason") == mishap.reason:
            return str(condition.get("message") or "")
    return ""


async def _whole(play: Play, mishap: Mishap) -> bool:
    told = (await _conditions(play, mishap)).values()
    return all(condition.get("reason") != mishap.reason for condition in told)
