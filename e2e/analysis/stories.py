"""The stories, by their names: what is released in each, and what happens to it meanwhile."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType

from e2e.analysis import plan
from e2e.analysis.judge import judge_release
from e2e.analysis.judge_counts import judge_counts, judge_decision, judge_totals
from e2e.analysis.liar import URL as LIAR_URL
from e2e.analysis.lies import Lie
from e2e.analysis.plan import Release
from e2e.analysis.report import release_json
from e2e.analysis.runs import (
    Meanwhile,
    Play,
    evaluated,
    hold,
    in_force,
    nothing_else,
    patch_analysis,
    patch_metric,
    play_release,
)
from e2e.analysis.templates import templates
from e2e.first_light.ending import end_controller
from e2e.play.kubectl import apply
from e2e.play.manifests import example
from e2e.play.parts import Parts
from e2e.play.result import Result
from e2e.play.waiting import until

Story = Callable[[Play], Awaitable[bool]]
"""Plays, notes its results, and says whether the next story finds the scene as it needs it."""
_INITIALIZED_WITHIN_S = 60.0
_AWAY_S = 12.0
_DECIDED_WITHIN_S = 120.0


async def start(play: Play) -> bool:
    """Everything applied, and at rest."""
    began_at_s = time.time()
    await _start_controller(play)
    await apply(example("deployment"), example("gateway"), plan.GOOD.canary)

    async def initialized() -> bool:
        return play.status.phase == "Initialized"

    await until(initialized, what="Initialized", within_s=_INITIALIZED_WITHIN_S)
    play.results.append(Result("start", "Initialized", ok=True, detail=f"after {time.time() - began_at_s:.1f} s"))
    return True


async def end(play: Play) -> bool:
    """The controller goes."""
    play.results.extend(await end_controller(play.scene.controller))
    return True


async def _zero_traffic(play: Play) -> bool:
    async def change_its_mind(play: Play) -> None:
        await hold(play, "NoData")
        await patch_metric(play, plan.HELD_THEN_FAILED, onNoData="fail")

    return await _released(play, plan.HELD_THEN_FAILED, change_its_mind) and await _released(play, plan.ADVANCED)


async def _trickle(play: Play) -> bool:
    async def let_it_go_on(play: Play) -> None:
        await in_force(play)
        # Not only undecided, as it is from the first evaluation on, but for longer than maxHold.
        await until(lambda: _is_stuck(play), what="reason Inconclusive", within_s=90)
        await hold(play, "Inconclusive", for_s=5)
        await patch_analysis(play, onInconclusive="advance")

    return await _released(play, plan.UNDECIDED, let_it_go_on) and await _released(play, plan.TOO_FEW)


async def _is_stuck(play: Play) -> bool:
    return play.status.ready.startswith("Inconclusive:")


async def _restart(play: Play) -> bool:
    async def outlast(play: Play) -> None:
        await evaluated(play, 1)
        await _without_prometheus(play, lambda: hold(play, "Error", for_s=_AWAY_S))

    async def outlive(play: Play) -> None:
        await evaluated(play, 1)
        await _without_prometheus(play, lambda: until(lambda: _has_failed(play), what="Failed", within_s=60))

    outlasted = await _released(play, plan.OUTLASTED, outlast)
    return outlasted and await _released(play, plan.GIVEN_UP, outlive)


async def _has_failed(play: Play) -> bool:
    return play.status.phase == "Failed"


async def _without_prometheus(play: Play, waiting: Callable[[], Awaitable[object]]) -> None:
    since_s = time.time()
    async with Parts(play.scene.lab).without("prometheus"):
        await waiting()
    play.down_s = since_s, time.time()


async def _lying(play: Play) -> bool:
    """The controller asks a Prometheus that lies about the canary."""
    await play.scene.controller.stop()
    await _start_controller(play, LIAR_URL)
    told = (
        (plan.NAN_MEASURED, Lie.NAN), (plan.INF_MEASURED, Lie.INF), (plan.TWICE_MEASURED, Lie.DUPLICATE),
        (plan.STALE_MEASURED, Lie.STALE), (plan.NAN_COUNTED, Lie.NAN), (plan.TWICE_COUNTED, Lie.REPLICAS),
        (plan.SILENCED, Lie.STALE),
    )  # fmt: skip
    for release, lie in told:
        if not await _released(play, release, partial(_lied_to, lie)):
            return False

    async def stop_scraping(play: Play) -> None:
        await evaluated(play, 1)
        await _lied_to(Lie.STALE, play)

    played = await _released(play, plan.STALE_COUNTED, stop_scraping)
    await play.scene.controller.stop()
    await _start_controller(play)
    return played


async def _lied_to(lie: Lie, play: Play) -> None:
    """Until the release is decided: by the truth it is known at once when its last request is over."""
    since_s = time.time()
    play.liar.lies(lie)

    async def decided() -> bool:
        return any(seen.phase in {"Failed", "Promoting"} for seen in play.journal.since(since_s))

    try:
        await until(decided, what="a decision", within_s=_DECIDED_WITHIN_S)
    finally:
        play.liar.lies(Lie.NONE)


async def _alone(release: Release, play: Play) -> bool:
    return await _released(play, release)


async def _start_controller(play: Play, metrics_url: str = "") -> None:
    await play.scene.controller.start(metrics_url=metrics_url, log_level="debug")
    await play.scene.controller.become_ready()


async def _released(play: Play, release: Release, meanwhile: Meanwhile = nothing_else) -> bool:
    """Play it and judge it; whether it came to its end."""
    facts = await play_release(play, release, meanwhile)
    results = list(judge_release(facts))
    if release.exact:
        results += [*judge_counts(facts), *judge_decision(facts), *judge_totals(facts)]
    play.results.extend(results)
    play.figures.append(release_json(facts))
    print(f"   {release.title}: {facts.end}: {facts.reason}", flush=True)
    for result in results:
        if not result.ok:
            print(f"   FAILED {result.expected} [{result.detail}]", flush=True)
    return not facts.overdue


STORIES: Mapping[str, Story] = MappingProxyType({
    "templates": templates,
    "errors": partial(_alone, plan.ERRORS),
    "good": partial(_alone, plan.GOOD),
    "zero-traffic": _zero_traffic,
    "trickle": _trickle,
    "refusing": partial(_alone, plan.REFUSING),
    "restart": _restart,
    "lying": _lying,
})  # fmt: skip
