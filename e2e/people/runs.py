"""Plays one release: a pipeline releases it, people decide at its gate, and all that is seen until it is over."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from e2e.people.facts import Decision, ReleaseFacts
from e2e.people.message import Message
from e2e.people.people import Person
from e2e.people.plan import GATE, Release
from e2e.people.programs import pipeline
from e2e.people.slack import Slack
from e2e.people.ways import WAYS, Stand
from e2e.play.application import deployment, release_over, version_of
from e2e.play.controller import Controller
from e2e.play.kubectl import Answer
from e2e.play.result import Json, Result
from e2e.play.scene import Scene
from e2e.play.seen import PRIMARY, TARGET
from e2e.play.waiting import OverdueError, until
from e2e.strategies.runs import read_canary

_PIPELINE_S = 150.0
_WAITING_WITHIN_S = 90.0
_MESSAGE_WITHIN_S = 15.0
_OVER_WITHIN_S = 120.0
_TOLD_WITHIN_S = 30.0
_NOTHING_S = 3.0
"""For how long it is looked whether anything comes of what must do nothing."""
_HEADLINE = "waits to be promoted"


@dataclass(slots=True)
class Play:
    """What the stories play with, and what has come of them so far."""

    scene: Scene
    slack: Slack
    address: str
    """Of the webhook."""
    server: Controller | None = None
    server_url: str = ""
    people: dict[str, Person] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    figures: list[Json] = field(default_factory=list)
    releases: list[ReleaseFacts] = field(default_factory=list)
    loaded_at_s: float = 0.0
    """Since when clients send."""
    version: int = 1


async def play_release(play: Play, release: Release) -> ReleaseFacts:
    """Release a version, and decide at its gate if it comes so far."""
    play.version += 1
    began_at_s, overdue, decision = time.time(), "", None
    answer = Answer(-1, "", "it did not end")
    env = {"VERSION": str(play.version), **release.env}
    piped = asyncio.ensure_future(pipeline(TARGET, env, _PIPELINE_S))
    try:
        if release.is_good:
            decision = await _decided(play, release, began_at_s)
        await until(lambda: release_over(play.scene, began_at_s), what="the release's end", within_s=_OVER_WITHIN_S)
        await until(lambda: _all_told(play.scene), what="an empty outbox", within_s=_TOLD_WITHIN_S)
        answer = await asyncio.wait_for(piped, _TOLD_WITHIN_S)
    except (OverdueError, TimeoutError) as error:
        overdue = f"{str(error) or 'the pipeline did not end'}; phase {play.scene.journal.phase}"
    finally:
        piped.cancel()
        with contextlib.suppress(asyncio.CancelledError, TimeoutError):
            await piped
    return await _facts(play, release, (began_at_s, decision, answer, overdue))


async def _facts(play: Play, release: Release, seen: tuple[float, Decision | None, Answer, str]) -> ReleaseFacts:
    began_at_s, decision, answer, overdue = seen
    primary = await deployment(play.scene, PRIMARY)
    return ReleaseFacts(
        release=release,
        version=str(play.version),
        began_at_s=began_at_s,
        ended_at_s=time.time(),
        statuses=tuple(one for one in play.scene.journal.statuses if one.at_s >= began_at_s),
        messages=play.slack.since(began_at_s),
        records=play.scene.records(began_at_s),
        pipeline=answer,
        status=(await read_canary(play.scene))["status"],
        serves=version_of({**primary, "kind": "Deployment"} if primary else None),
        decision=decision,
        overdue=overdue,
    )


async def _decided(play: Play, release: Release, since_s: float) -> Decision:
    """Wait at the gate, try what opens nothing, and then open it. Raises OverdueError."""
    way = WAYS[release.name]
    waiting_at_s = await until(
        lambda: _waiting(play, since_s), what="a release at its gate", within_s=_WAITING_WITHIN_S
    )
    message = await until(
        lambda: _led(play, since_s), what="a message that leads to the gate", within_s=_MESSAGE_WITHIN_S
    )
    before = standing(await read_canary(play.scene))
    stand = Stand(
        play.server_url, play.people["approver"], play.people["developer"], message, before["revision"],
    )  # fmt: skip
    tries = await way.before(stand)
    await asyncio.sleep(_NOTHING_S)
    after, asked_at_s = standing(await read_canary(play.scene)), time.time()
    approval = await way.approve(stand)
    again = await way.after(stand)
    return Decision(way.who(stand), waiting_at_s, message, tries, before, after, asked_at_s, approval, again)


async def _waiting(play: Play, since_s: float) -> float | None:
    """Since when it is seen to wait at its gate."""
    seen = (one for one in play.scene.journal.statuses if one.at_s >= since_s)
    return next((one.at_s for one in seen if one.phase == "WaitingPromotion" and one.gate == GATE), None)


async def _led(play: Play, since_s: float) -> Message | None:
    """The message of this release that has links to its gate."""
    told = (one for one in play.slack.since(since_s) if _HEADLINE in one.headline)
    return next((one for one in told if "Approve" in one.links), None)


def standing(canary: Mapping[str, Any]) -> dict[str, Any]:
    """Of a Canary what people can change: what is asked of it, and where its release stands."""
    status, metadata = canary["status"], canary["metadata"]
    asked = {
        name: text for name, text in metadata.get("annotations", {}).items() if name.startswith("actions.rollouts.dev/")
    }
    return {
        "asked": asked, "generation": metadata.get("generation"), "revision": status.get("lastAppliedSpec", ""),
        "phase": status.get("phase"), "weight": status.get("desiredWeight"), "gate": status.get("gate"),
        "actions": status.get("actions") or [],
    }  # fmt: skip


async def _all_told(scene: Scene) -> bool:
    return not (await read_canary(scene))["status"].get("outbox")
