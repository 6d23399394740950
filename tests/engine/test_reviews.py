"""Rights are asked for once for a namespace, whoever wants to know; nothing is called missing by an old answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from rollouts.api.resources import DEPLOYMENTS, RULES_REVIEWS, SERVICES, Manifest
from rollouts.core.measurement import Outcome, Rejected, Unreachable, Value
from rollouts.engine.reviews import BELIEVED, Reviews
from rollouts.engine.rights import Right
from rollouts.errors import Forbidden, KubeError, Unavailable
from rollouts.ports import Create, Write
from rollouts.testing.memory_cluster import MemoryCluster
from rollouts.testing.virtual_time import VirtualClock, run_virtually

ANSWER_TAKES_S = 1.0
DEPLOYMENT, SERVICE = Right("create", DEPLOYMENTS), Right("create", SERVICES)
GRANTED = Value(1.0)
HALF: list[Manifest] = [{"verbs": ["create"], "apiGroups": ["apps"], "resources": ["deployments"]}]
ALL: list[Manifest] = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]


class SlowServer:
    """Implements `ports.Cluster`: answers after a while, by what was granted when it was asked."""

    def __init__(self, clock: VirtualClock) -> None:
        self.rules, self.failure = ALL, None
        self.asked: list[tuple[float, str]] = []
        """When, and of which namespace."""
        memory = MemoryCluster(clock.now)
        self.read, self.list_all, self.trouble = memory.read, memory.list_all, memory.trouble
        self._clock = clock

    rules: list[Manifest]
    failure: KubeError | None

    async def write(self, write: Write) -> Manifest:
        """As the port says."""
        assert isinstance(write, Create)
        self.asked.append((self._clock.elapsed_s, write.manifest["spec"]["namespace"]))
        rules, failure = self.rules, self.failure
        await asyncio.sleep(ANSWER_TAKES_S)
        if failure is not None:
            raise failure
        return {"status": {"resourceRules": rules, "incomplete": False}}


class Scene:
    """Many who want to know, each at its time."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.server = SlowServer(self.clock)
        self.reviews = Reviews(self.server, self.clock)

    async def ask(self, at_s: float, namespace: str = "shop", needed: Sequence[Right] = (DEPLOYMENT,)) -> Outcome:
        """One of them."""
        await asyncio.sleep(at_s - self.clock.elapsed_s)
        return await self.reviews.judge(namespace, needed)

    def run(self, *asks: Coroutine[Any, Any, Outcome]) -> list[Outcome]:
        """All of them."""

        async def together() -> list[Outcome]:
            return await asyncio.gather(*asks)

        return run_virtually(self.clock, together())


def test_one_request_answers_all_who_ask_of_a_namespace() -> None:
    """Those that come while it is on its way, and those that come soon after; another namespace has its own."""
    scene = Scene()

    found = scene.run(*(scene.ask(0.02 * place) for place in range(50)), scene.ask(5), scene.ask(0, "other"))

    assert found == [GRANTED] * 52
    assert sorted(scene.server.asked) == [(0.0, "other"), (0.0, "shop")]


def test_what_is_granted_is_believed_for_as_long_as_one_canary_would() -> None:
    """From when it was asked on; then it is asked anew."""
    scene = Scene()
    last_s = BELIEVED.total_seconds()

    scene.run(*(scene.ask(at_s) for at_s in (0, last_s - 0.5, last_s, last_s + 20)))

    assert scene.server.asked == [(0.0, "shop"), (last_s, "shop")]


def test_each_is_judged_by_what_it_needs() -> None:
    """One answer grants all to one Canary, and not to another; that one asks for itself before it says so."""
    scene = Scene()
    scene.server.rules = HALF

    able, unable = scene.run(scene.ask(0), scene.ask(3, needed=(DEPLOYMENT, SERVICE)))

    assert able == GRANTED
    assert isinstance(unable, Rejected)
    assert "create services in namespace shop" in unable.reason
    assert [at_s for at_s, _ in scene.server.asked] == [0.0, 3.0]


def test_a_right_that_was_just_given_is_seen_at_once() -> None:
    """Who asks after that does not hear the answer of before, however new it is."""
    scene = Scene()
    scene.server.rules = HALF

    async def given() -> Outcome:
        await asyncio.sleep(2)
        scene.server.rules = ALL
        return GRANTED

    before, beside, _, after = scene.run(
        scene.ask(0, needed=(SERVICE,)), scene.ask(0.5, needed=(SERVICE,)), given(), scene.ask(3, needed=(SERVICE,))
    )

    assert [type(outcome) for outcome in (before, beside)] == [Rejected, Rejected]
    assert after == GRANTED
    assert [at_s for at_s, _ in scene.server.asked] == [0.0, 3.0]


def test_a_failure_is_that_of_all_who_waited_for_it_and_of_nobody_else() -> None:
    """Nobody asks again and again a server that does not answer; who comes later tries for itself."""
    scene = Scene()
    scene.server.failure = Unavailable("no answer within 10 s", verb="create", resource=str(RULES_REVIEWS))

    *waited, later = scene.run(*(scene.ask(0.01 * place) for place in range(20)), scene.ask(5))

    assert all(isinstance(outcome, Unreachable) for outcome in (*waited, later))
    assert [at_s for at_s, _ in scene.server.asked] == [0.0, 5.0]


def test_a_refusal_names_itself() -> None:
    """The review itself may be what is not allowed."""
    scene = Scene()
    scene.server.failure = Forbidden(
        "may not create selfsubjectrulesreviews", verb="create", resource=str(RULES_REVIEWS)
    )

    (found,) = scene.run(scene.ask(0))

    assert isinstance(found, Rejected)
    assert "selfsubjectrulesreviews" in found.reason


def test_one_that_goes_away_leaves_no_other_without_an_answer() -> None:
    """The first of them asked for all, and its Canary is deleted meanwhile: the next one asks."""
    scene = Scene()

    async def gone() -> Outcome:
        task = asyncio.ensure_future(scene.ask(0))
        await asyncio.sleep(0.5)
        task.cancel()
        return GRANTED

    _, other = scene.run(gone(), scene.ask(0.1))

    assert other == GRANTED
    assert [at_s for at_s, _ in scene.server.asked] == [0.0, 0.5]
