"""Plays one release: the Canary as its plan has it, load, a new version, and all that is seen until it is over."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from e2e.analysis.counts import Scrape, pair, read_shown
from e2e.analysis.facts import ENDS, Held, ReleaseFacts
from e2e.analysis.liar import Liar
from e2e.analysis.plan import SOUND, Release
from e2e.analysis.seen import Journal, StatusSeen, read_evaluations, seconds
from e2e.analysis.totals import QUERY, Totals, count, of_clients
from e2e.lab.load import LoadClient
from e2e.play.application import deployment, scaled_down, version_of
from e2e.play.kubectl import apply, kubectl
from e2e.play.result import Json, Result
from e2e.play.scene import Scene
from e2e.play.seen import PRIMARY, TARGET
from e2e.play.waiting import OverdueError, until
from rollouts.core.counting import Series
from rollouts.metrics.prometheus_answer import read_rows

CANARY = f"canaries.rollouts.dev/{TARGET}"
_AT_REST_WITHIN_S = 60.0
_OVER_WITHIN_S = 200.0
_SCRAPES_S = 2.0
"""How far apart the lab's scrapes are."""
_STORED_S = 1.0
"""How long a scrape takes at most, until it can be read."""
_BEFORE_S = 60.0
_PATIENCE_S = 15.0
_HELD_S = 15.0


@dataclass(slots=True)
class Play:
    """What the stories play with, and what has come of them so far."""

    scene: Scene
    journal: Journal
    liar: Liar
    results: list[Result] = field(default_factory=list)
    figures: list[Json] = field(default_factory=list)
    version: int = 1
    held: Held | None = None
    down_s: tuple[float, float] | None = None

    @property
    def status(self) -> StatusSeen:
        """The newest."""
        return self.journal.last or StatusSeen(0.0, 0, "", 0, None, "", "")


Meanwhile = Callable[[Play], Awaitable[None]]


async def nothing_else(_: Play) -> None:
    """A release that is left to itself."""


async def play_release(play: Play, release: Release, meanwhile: Meanwhile = nothing_else) -> ReleaseFacts:
    """Release a version as planned; `meanwhile` is done beside it, from the time that it is applied."""
    await settle(play, release)
    play.version += 1
    play.held = play.down_s = None
    lies_before, overdue = play.liar.told, ""
    async with _loaded(play, release) as (load, quiet_s):
        began_at_s = time.time()
        words = [f"{name}={value}" for name, value in {**SOUND, **release.env}.items()]
        await kubectl("set", "env", f"deployment/{TARGET}", f"VERSION={play.version}", *words)
        beside = asyncio.ensure_future(meanwhile(play))
        try:
            await until(lambda: _over(play, began_at_s), what="the release's end", within_s=_OVER_WITHIN_S)
            await asyncio.wait_for(beside, timeout=_PATIENCE_S)
        except (OverdueError, TimeoutError) as error:
            overdue = f"{error}; phase {play.status.phase}"
        finally:
            beside.cancel()
        if load is not None:
            await load.stop()
    await _one_more_scrape(release)
    ended_at_s, records = time.time(), tuple(load.records) if load is not None else ()
    series, timestamps = await _scraped(play, ended_at_s - quiet_s + _BEFORE_S)
    primary = await deployment(play.scene, PRIMARY)
    log = play.scene.controller.log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    return ReleaseFacts(
        release=release,
        version=str(play.version),
        began_at_s=began_at_s,
        ended_at_s=ended_at_s,
        statuses=play.journal.since(began_at_s),
        records=records,
        events=tuple(await events_since(play, began_at_s)),
        evaluations=tuple(read_evaluations(log, began_at_s)),
        scrapes=_paired(play, timestamps),
        totals=Totals(count(series, quiet_s), of_clients(records)),
        serves=version_of({**primary, "kind": "Deployment"} if primary else None),
        held=play.held,
        down_s=play.down_s,
        lies_told=play.liar.told - lies_before,
        overdue=overdue,
    )


async def settle(play: Play, release: Release) -> None:
    """The Canary as the plan has it, at rest, and nothing left of the last version. Raises OverdueError."""
    await apply(release.canary)

    async def at_rest() -> bool:
        resting = play.status.phase in {"Initialized", *ENDS} and play.status.generation >= play.journal.generation
        return resting and await scaled_down(play.scene)

    await until(at_rest, what=f"rest before {release.title}", within_s=_AT_REST_WITHIN_S)


async def patch_metric(play: Play, release: Release, **changed: str) -> None:
    """A person changes the metric in mid-run."""
    await patch_analysis(play, metrics=[{**release.metric, **changed}])


async def patch_analysis(_: Play, **changed: object) -> None:
    """A person changes the analysis in mid-run."""
    patch = json.dumps({"spec": {"analysis": changed}})
    await kubectl("patch", CANARY, "--type=merge", f"--patch={patch}")


async def hold(play: Play, verdict: str, *, within_s: float = 90.0, for_s: float = _HELD_S) -> None:
    """Wait until its metric says so, and then leave it alone for a while. Raises OverdueError."""

    async def told() -> bool:
        return any(metric.verdict == verdict for metric in play.status.metrics)

    await until(told, what=f"verdict {verdict}", within_s=within_s)
    since_s = time.time()
    await asyncio.sleep(for_s)
    play.held = Held(since_s, time.time(), play.status.metrics[0], play.status.ready)


async def evaluated(play: Play, requests: float, *, within_s: float = 60.0) -> None:
    """Wait until the controller has counted so many of the canary's requests at a weight that is in force."""
    began_at_s = time.time()

    async def enough() -> bool:
        log = play.scene.controller.log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        return any(one.requests >= requests for one in read_evaluations(log, began_at_s))

    await until(enough, what=f"{requests:g} requests counted", within_s=within_s)


async def in_force(play: Play) -> None:
    """Wait until the canary's weight is seen in force. Raises OverdueError."""
    began_at_s = time.time()

    async def seen() -> bool:
        return play.status.dwell_began_s is not None and play.status.dwell_began_s >= began_at_s - 1

    await until(seen, what="the weight in force", within_s=_AT_REST_WITHIN_S)


async def events_since(play: Play, since_s: float) -> list[str]:
    """What the Events on the Canary have said from that time on."""
    found, _ = await play.scene.api.list_objects("/api/v1/namespaces/default/events")
    about = [item for item in found if item["involvedObject"].get("kind") == "Canary"]
    return [f"{item['reason']}: {item['message']}" for item in about if _told_at_s(item) >= since_s - 1]


def _told_at_s(event: Mapping[str, Any]) -> float:
    return seconds(event.get("lastTimestamp") or event.get("eventTime") or "1970-01-01T00:00:00Z")


@asynccontextmanager
async def _loaded(play: Play, release: Release) -> AsyncIterator[tuple[LoadClient | None, float]]:
    """Clients that send within the block, and a time by which all that was before them is scraped."""
    await _one_more_scrape(release)
    quiet_s = time.time()
    if release.rate_per_s <= 0:
        yield None, quiet_s
        return
    url = play.scene.lab["GATEWAY_URL"]
    async with LoadClient(url, rate_per_s=release.rate_per_s, timeout_s=_PATIENCE_S) as load:
        load.start()
        yield load, quiet_s


async def _one_more_scrape(release: Release) -> None:
    """All requests up to now are counted then, where that matters."""
    if release.exact:
        await asyncio.sleep(_SCRAPES_S + _STORED_S)


async def _over(play: Play, since_s: float) -> bool:
    phases = [seen.phase for seen in play.journal.since(since_s)]
    return "Progressing" in phases and phases[-1] in ENDS and await scaled_down(play.scene)


async def _scraped(play: Play, back_s: float) -> tuple[tuple[Series, ...], list[float]]:
    """All raw counters of the run, and when the workload server was scraped."""
    counters = await _ask(play, f"{QUERY}[{back_s:.0f}s]")
    alive = await _ask(play, f'up{{job="workload"}}[{back_s:.0f}s]')
    return counters, [sample.at for one in alive for sample in one.samples if sample.value == 1]


async def _ask(play: Play, query: str) -> tuple[Series, ...]:
    url = f"{play.scene.lab['PROMETHEUS_URL']}/api/v1/query"
    async with aiohttp.ClientSession() as session, session.post(url, data={"query": query}) as answer:
        return read_rows(answer.status, await answer.read()).series


def _paired(play: Play, timestamps: list[float]) -> tuple[Scrape, ...]:
    with Path(play.scene.lab["SCRAPE_LOG"]).open(encoding="utf-8") as log:
        return tuple(pair(timestamps, read_shown(log)))
