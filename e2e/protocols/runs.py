"""The stories: the three Canaries are made, released well and badly side by side, and deleted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from e2e.first_light.ending import end_controller
from e2e.lab.load import LoadClient
from e2e.lab.workload.kube_api import KubeApi
from e2e.play.controller import Controller
from e2e.play.kubectl import apply, kubectl
from e2e.play.result import Json, Result
from e2e.play.waiting import OverdueError, until
from e2e.protocols.clients import BESIDE
from e2e.protocols.evidence import Evidence
from e2e.protocols.facts import ReleaseFacts
from e2e.protocols.held import holding
from e2e.protocols.journal import Journal
from e2e.protocols.judge import judge_beside, judge_held, judge_release, release_json
from e2e.protocols.kind import KINDS, SLOW_MS, Kind, Release, shared_objects
from e2e.protocols.untouched import differences, marks_in
from e2e.scenarios.witnesses import read_objects

INTERVAL_S = 8.0
_READY_WITHIN_S = 60.0
_OVER_WITHIN_S = 180.0
_TAIL_S = 2.0
"""For how long clients are watched after the last pod has gone: its end could hurt them too."""
_ENDS = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class Play:
    """What the stories play with, and what has come of them so far."""

    api: KubeApi
    controller: Controller
    loads: Mapping[str, LoadClient]
    evidence: Evidence
    hook_url: str
    journal: Journal
    results: list[Result] = field(default_factory=list)
    figures: list[Json] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What concerns all releases that went on side by side."""

    began_at_s: float
    differences: tuple[str, ...]
    overdue: str


async def begin(play: Play) -> bool:
    """The user's objects, then the controller and the Canaries; load once each is at rest."""
    await apply(*shared_objects(), *(document for kind in KINDS for document in kind.objects()))
    await kubectl("wait", "--for=condition=Available", "deployment", "--all", "--timeout=60s")
    await play.controller.start()
    await play.controller.become_ready()
    began_at_s = time.time()
    await apply(*(kind.manifest(INTERVAL_S, play.hook_url) for kind in KINDS))

    async def at_rest() -> bool:
        return all(
            play.journal.phase(kind.name) == "Initialized" and play.journal.share(kind.name) == 0 for kind in KINDS
        )

    what = "all Initialized, and Envoy leading to the first side"
    await until(at_rest, what=what, within_s=_READY_WITHIN_S)
    took_s = time.time() - began_at_s
    for load in play.loads.values():
        load.start()
    for kind in KINDS:
        await until(
            lambda kind=kind: _at_zero(play, kind.second.workload),  # type: ignore[misc]
            what=f"{kind.second.workload} at zero",
            within_s=_READY_WITHIN_S,
        )
    play.results.append(Result("start", "three Canaries are at rest", ok=True, detail=f"{took_s:.1f} s after apply"))
    await asyncio.sleep(_TAIL_S)
    return True


async def release_well(play: Play) -> bool:
    """A version that is as quick as the one before."""
    return await _released(play, {kind: kind.good for kind in KINDS}, latency_ms=5)


async def release_badly(play: Play) -> bool:
    """A version that is slow: the hook or, over HTTP, a metric finds that out. Some clients keep their connections."""
    async with holding() as held:
        played = await _released(play, {kind: kind.bad for kind in KINDS}, latency_ms=SLOW_MS)
    play.results.append(judge_held(held))
    return played


async def delete(play: Play) -> bool:
    """The Canaries go: nobody notices, and nothing of theirs is left in what is the user's."""
    before = play.journal.objects_seen(await read_objects(play.api)).kept
    began_at_s = time.time()
    await kubectl("delete", *(f"canaries.rollouts.dev/{kind.canary}" for kind in KINDS), "--timeout=60s")
    await asyncio.sleep(_TAIL_S)
    objects = await read_objects(play.api)
    changed = [*differences(before, play.journal.objects_seen(objects).kept), *marks_in(objects)]
    play.results.append(
        Result(
            "deletion", "the user's objects are what they were", ok=not changed, detail="; ".join(changed) or "equal"
        )
    )
    found = [one for load in play.loads.values() for one in load.records if one.sent_at_s >= began_at_s]
    failed = sum(record.failed for record in found)
    detail = f"{failed} of {len(found)} failed"
    play.results.append(Result("deletion", "no client's connection fails", bool(found) and not failed, detail))
    play.results.extend(judge_beside({name: play.loads[name].records for name in BESIDE}))
    return True


async def end(play: Play) -> bool:
    """The controller goes."""
    play.results.extend(await end_controller(play.controller))
    return True


async def _released(play: Play, releases: Mapping[Kind, Release], *, latency_ms: int) -> bool:
    began_at_s = time.time()
    for release in releases.values():
        words = (f"VERSION={release.version}", f"LATENCY_MS={latency_ms}")
        await kubectl("set", "env", f"deployment/{release.deployment}", *words)
    asked = play.journal.objects_seen(await read_objects(play.api))
    overdue = ""
    try:
        for kind, release in releases.items():
            await until(
                lambda kind=kind, release=release: _over(play, kind, release, began_at_s),  # type: ignore[misc]
                what=f"the end of {kind.name}, {release.name}",
                within_s=began_at_s + _OVER_WITHIN_S - time.time(),
            )
        await asyncio.sleep(_TAIL_S)
    except OverdueError as error:
        overdue = str(error)
    last = play.journal.objects_seen(await read_objects(play.api))
    seen = [one for one in (*play.journal.objects, last) if one.at_s > asked.at_s]
    changed = tuple(sorted({words for one in seen for words in differences(asked.kept, one.kept)}))
    for kind, release in releases.items():
        facts = _facts(play, kind, release, _Seen(began_at_s, changed, overdue))
        play.results.extend(judge_release(facts))
        play.figures.append(release_json(facts))
    return not overdue


def _facts(play: Play, kind: Kind, release: Release, seen: _Seen) -> ReleaseFacts:
    journal, began_at_s = play.journal, seen.began_at_s
    shares = journal.shares[kind.name]
    before = max((place for place, one in enumerate(shares) if one.at_s < began_at_s), default=0)
    return ReleaseFacts(
        kind=kind,
        release=release,
        began_at_s=began_at_s,
        ended_at_s=time.time(),
        phases=tuple(one for one in journal.phases[kind.name] if one.at_s >= began_at_s),
        shares=tuple(shares[before:]),
        records=tuple(one for one in play.loads[kind.name].records if one.sent_at_s >= began_at_s),
        calls=tuple(call for call in play.evidence.calls if call.kind == kind.name and call.at_s >= began_at_s),
        differences=seen.differences,
        overdue=seen.overdue,
    )


async def _over(play: Play, kind: Kind, release: Release, since_s: float) -> bool:
    phases = [seen.phase for seen in play.journal.phases[kind.name] if seen.at_s >= since_s]
    if "Progressing" not in phases or phases[-1] not in _ENDS:
        return False
    return phases[-1] != release.end or await _at_zero(play, release.loser)


async def _at_zero(play: Play, name: str) -> bool:
    """Whether a Deployment wants no pods, and the last of them has gone."""
    found = await read_objects(play.api)
    wanted = next(item for item in found if item["kind"] == "Deployment" and item["metadata"]["name"] == name)
    return wanted["spec"]["replicas"] == 0 and not wanted.get("status", {}).get("replicas")
