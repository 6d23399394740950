"""The three stories: what somebody does to the cluster, what is to come of it, and what did.

Each acts through the API alone, waits for the end that the controller gives the release, and hands back facts and the
verdict on them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from rollouts.api.actions import Verb
from rollouts.api.hooks import HookType
from rollouts.api.resources import CANARIES, DEPLOYMENTS
from rollouts.api.status import Phase
from rollouts.core.phases import ENDS
from rollouts.demo.facts import Check, Facts, judge_bad, judge_gated, judge_good
from rollouts.demo.scene import APP, PRIMARY, Scene
from rollouts.demo.user import shipped

METRIC = "request-success-rate"
READ_S = 1.0
"""How long a sentence stands before the next thing happens."""
WAIT_S = 3.0
"""How long people see a gate closed."""
WAIT_LEAST_S = 2.5
"""How long it has to be, to count as waiting."""
AFTERWARDS_S = 1.0
"""How long is looked at what clients get when all is over."""
FIRST = "1"


@dataclass(frozen=True, slots=True)
class Release:
    """A version, and what is different in its environment."""

    version: str
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Story:
    """One of them. `tell` plays it and says what came of it; it raises NotAsTold where it does not go on."""

    name: str
    expected: str
    tell: Callable[[Scene], Awaitable[tuple[Check, ...]]]


GOOD = Release("2", {"ERROR_RATE": "0"})
BAD = Release("3", {"ERROR_RATE": "0.15"})
GATED = Release("4", {"ERROR_RATE": "0"})


async def prepare(scene: Scene) -> tuple[Check, ...]:
    """The application as it is before: version 1, and a Canary."""
    scene.say("kubectl apply -f deployment.yaml -f canary.yaml: version 1 of the shop, and how it is to be released")
    await scene.user.apply(DEPLOYMENTS, shipped("deployment"))
    await scene.user.apply(CANARIES, shipped("canary"))
    await scene.until("the Canary is Initialized", lambda: scene.status.phase is Phase.INITIALIZED)
    return (Check("version 1 serves", scene.versions(PRIMARY) == [FIRST] * 2, str(scene.versions(PRIMARY))),)


async def good(scene: Scene) -> tuple[Check, ...]:
    """A version without faults."""
    scene.say("kubectl set env deployment/shop VERSION=2: a good version")
    since = await _release(scene, GOOD)
    return judge_good(await _end(scene, GOOD, FIRST, since), planned_weights())


async def bad(scene: Scene) -> tuple[Check, ...]:
    """A version of which every seventh answer is an error."""
    scene.say("kubectl set env deployment/shop VERSION=3 ERROR_RATE=0.15: a bad version")
    since = await _release(scene, BAD)
    facts = await _end(scene, BAD, GOOD.version, since)
    scene.say(f"Rolled back. What broke: {facts.broken}")
    await scene.pause(READ_S)
    return judge_bad(facts, METRIC, planned_weights())


async def gated(scene: Scene) -> tuple[Check, ...]:
    """A good version again, and a person who has the last word."""
    scene.say("kubectl apply -f canary-with-gate.yaml, set env VERSION=4: nothing is promoted before it is approved")
    await scene.user.apply(CANARIES, shipped("canary-with-gate"))
    since = await _release(scene, GATED)
    await scene.until("the release waits at its gate", lambda: _waits(scene) or scene.status.phase in ENDS)
    waited_s, meanwhile = await _see_it_wait(scene)
    facts = await _end(scene, GATED, GOOD.version, since)
    return judge_gated(
        replace(facts, waited_s=waited_s, served_while_waiting=meanwhile), planned_weights(), WAIT_LEAST_S
    )


STORIES = (
    Story("good", "a good release is promoted", good),
    Story("bad", f"a bad release is rolled back, for its {METRIC}", bad),
    Story("gate", "a release waits at its gate, is approved, and promoted", gated),
)


def planned_weights() -> tuple[int, ...]:
    """What the Canary gives the canary, step by step."""
    return tuple(shipped("canary")["spec"]["analysis"]["stepWeights"])


async def _release(scene: Scene, release: Release) -> datetime:
    """Change the target, and return when."""
    await scene.pause(READ_S)
    since = scene.cluster.clock.now()
    env = {"VERSION": release.version, **release.env}
    await scene.user.release(APP, f"example.test/shop:{release.version}", env)
    await scene.until(
        "the controller sees the new version", lambda: scene.status.phase not in ENDS | {Phase.INITIALIZED}
    )
    return since


async def _end(scene: Scene, release: Release, before: str, since: datetime) -> Facts:
    """Wait for the end of the release, and look at what came of it. The status says it before the routes follow."""
    await scene.until("the release ends", lambda: scene.status.phase in ENDS)
    await scene.until("the routes give the canary nothing", lambda: not scene.canary_percent)
    clients, ended_at = scene.clients(since), scene.cluster.clock.now()
    await scene.pause(AFTERWARDS_S)
    return Facts(
        version=release.version,
        before=before,
        phase=scene.status.phase,
        weights=tuple(scene.weights),
        served_by=scene.versions(PRIMARY),
        clients=clients,
        afterwards=scene.clients(ended_at),
        broken=scene.broken(),
        approved=any(one.verb == Verb.APPROVE and one.outcome == "Done" for one in scene.status.actions),
    )


async def _see_it_wait(scene: Scene) -> tuple[float, list[str]]:
    """How long the gate was seen closed, and what the primary ran then. Approves what waits."""
    closed_at_s = scene.cluster.clock.elapsed_s
    if _waits(scene):
        scene.say("All steps are passed, and nobody has approved: it waits, and is judged on")
        await scene.pause(WAIT_S)
    if not _waits(scene):
        return 0.0, []
    waited_s, meanwhile = scene.cluster.clock.elapsed_s - closed_at_s, scene.versions(PRIMARY)
    scene.say(f"kubectl annotate canaries.rollouts.dev/shop actions.rollouts.dev/approve=demo, after {waited_s:.0f} s")
    await scene.user.ask(APP, Verb.APPROVE, '{"id": "demo", "user": "you", "reason": "looks good"}')
    return waited_s, meanwhile


def _waits(scene: Scene) -> bool:
    status = scene.status
    gate = status.gate
    return status.phase is Phase.WAITING_PROMOTION and gate is not None and gate.type is HookType.CONFIRM_PROMOTION
