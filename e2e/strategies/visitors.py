"""What people do while a run goes on: testers go their own way to the canary, and somebody breaks a release off."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp

from e2e.lab.load import LoadClient
from e2e.play.intents import ask
from e2e.play.kubectl import apply, kubectl
from e2e.play.manifests import example
from e2e.play.scene import Scene
from e2e.play.waiting import until
from e2e.strategies.browsers import Visit, browsing
from e2e.strategies.runs import Witnessed, reached, shown

_TESTS_PER_S = 20.0
_OPEN_WITHIN_S = 5.0
_BROWSED_S = 6.0
"""For how long browsers meet the canary, and for how long after that it is to be forgotten."""


async def ask_as_testers(scene: Scene, witnessed: Witnessed, applied_at_s: float) -> None:
    """Testers ask the canary by the example's preview host, from the first step until clients are switched."""
    preview = example("preview", "strategies")
    await apply(preview)
    await reached(scene, applied_at_s, "Progressing", 1)
    url, host = scene.lab["GATEWAY_URL"], {"host": str(preview["spec"]["hosts"][0])}
    # Envoy hears of a pod a moment after the Deployment calls it ready.
    await until(lambda: _answers(url, host), what="the preview's first answer", within_s=_OPEN_WITHIN_S, every_s=0.05)
    async with LoadClient(url, rate_per_s=_TESTS_PER_S, headers=host) as load:
        load.start()
        await shown(scene, applied_at_s, lambda seen: seen.shares.others_percent > 0, "the switch")
        await load.stop()
    witnessed.tests += load.records
    await kubectl("delete", "virtualservice", preview["metadata"]["name"], "--namespace=default")


async def browse_and_abort(scene: Scene, visits: list[Visit], applied_at_s: float) -> None:
    """Browsers meet the canary; then a person ends the release, and they come again."""
    cookie = example("session-affinity", "strategies")["spec"]["analysis"]["sessionAffinity"]["cookieName"]
    async with browsing(scene.lab["GATEWAY_URL"], cookie) as found:
        await shown(scene, applied_at_s, lambda seen: seen.shares.others_percent > 0, "the first weight")
        await asyncio.sleep(_BROWSED_S)
        await ask("abort", "browsers")
        await shown(scene, applied_at_s, lambda seen: seen.shares.others_percent == 0, "the rollback")
        await asyncio.sleep(_BROWSED_S)
    visits += found


async def _answers(url: str, host: Mapping[str, str]) -> bool:
    async with aiohttp.ClientSession() as session, session.get(url, headers=host) as answer:
        return answer.status == 200
