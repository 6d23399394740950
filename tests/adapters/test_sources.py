from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

import pytest

from rollouts.api.provider import Provider, ProviderType
from rollouts.core.measurement import NoData, Rejected, Unreachable, Value
from rollouts.metrics import sources as sources_module
from rollouts.metrics.access import Access
from rollouts.metrics.asked import Asked, Came, OnAsked, nobody
from rollouts.metrics.pooled import PooledSource
from rollouts.metrics.prometheus_answer import Rows
from rollouts.metrics.sources import BUILDERS, IDLE, SOURCES_MAX, Sources
from rollouts.metrics.web_query import WebQuery
from rollouts.ports import MetricSource
from rollouts.reach.policy import ReachPolicy
from tests.adapters.prometheus_server import Canned, failure, prometheus_server, vector
from tests.adapters.source_doubles import HandClock, Played
from tests.contract.metric_sources import AT
from tests.kube.rude_server import reply, rude_server

NO_SECRETS: Mapping[str, Mapping[str, bytes]] = {}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Played]:
    """The sources that were made, by whatever type."""
    found: list[Played] = []

    def build(access: Access, reach: ReachPolicy, _on_asked: OnAsked) -> Played:
        found.append(Played(access, reach))
        return found[-1]

    monkeypatch.setattr(sources_module, "BUILDERS", dict.fromkeys(ProviderType, build))
    return found


@pytest.fixture
def clock() -> HandClock:
    """One that stands still."""
    return HandClock()


@pytest.fixture
def sources(clock: HandClock) -> Sources:
    """Over one that is the controller's own."""
    return Sources(Played(Access(ProviderType.PROMETHEUS, "own"), ReachPolicy()), clock, ReachPolicy())


def prometheus(address: str = "http://prometheus:9090", token: str = "") -> Provider:
    """One that a template names; with `token`, by a Secret."""
    ref = {"secretRef": {"name": "login"}} if token else {}
    return Provider.model_validate({"type": "prometheus", "address": address, **ref})


def web(address: str) -> Provider:
    """One that a template names."""
    return Provider.model_validate({"type": "web", "address": address})


def source(sources: Sources, provider: Provider, token: str = "") -> MetricSource:
    """What the provider means, which is one."""
    found = sources.source(provider, {"login": {"token": token.encode()}})
    assert not isinstance(found, Rejected)
    return found


def test_each_type_has_its_line() -> None:
    """What an AnalysisTemplate can name can be made."""
    assert BUILDERS.keys() == set(ProviderType)


async def test_equal_providers_share_one_source(sources: Sources, made: list[Played]) -> None:
    """Whoever wrote them, and however they wrote the address; another address or token is another source."""
    one = source(sources, prometheus())
    assert source(sources, prometheus("http://prometheus:9090/")) is one
    assert source(sources, prometheus(token="a"), "a") is not one
    assert source(sources, prometheus("http://other:9090")) is not one
    assert len(made) == 3


async def test_without_an_address_it_is_the_controller_s_own(sources: Sources, made: list[Played]) -> None:
    """Nothing is made, and it outlives us."""
    own = sources.source(Provider.model_validate({}), NO_SECRETS)
    await sources.aclose()
    assert isinstance(own, Played)
    assert not made
    assert not own.closed


async def test_paths_of_a_web_server_share_its_source(sources: Sources, made: list[Played]) -> None:
    """Each asks its own path; a query is a JSONPath, or with a body the text of a whole question."""
    first, second = source(sources, web("http://h//a?x=1")), source(sources, web("http://h/b"))
    await first.measure("$.v", AT)
    await second.measure(WebQuery("/c", "$.w", "POST", "{}").text(), AT)
    assert len(made) == 1
    assert made[0].asked == [WebQuery("/a?x=1", "$.v").text(), WebQuery("/b/c", "$.w", "POST", "{}").text()]
    for nonsense in ("up", '{"path": 1}'):
        assert isinstance(await first.measure(nonsense, AT), Rejected)


async def test_another_content_of_the_secret_is_another_source(
    sources: Sources, made: list[Played], clock: HandClock
) -> None:
    """Whoever asks next asks with the new one; who is asking goes on; the old one is closed when it is idle."""
    old = source(sources, prometheus(token="x"), "old")
    made[0].gate.clear()
    asking = asyncio.ensure_future(old.measure("slow", AT))
    await asyncio.sleep(0)
    new = source(sources, prometheus(token="x"), "new")
    assert new is not old
    assert [one.access.credentials.token for one in made] == ["old", "new"]
    clock.at += IDLE + timedelta(seconds=1)
    await new.measure("up", AT)
    assert [one.closed for one in made] == [False, False]
    made[0].gate.set()
    assert await asking == Value(1.0)
    clock.at += IDLE + timedelta(seconds=1)
    await new.measure("up", AT)
    assert [one.closed for one in made] == [True, False]


async def test_their_number_is_bounded(sources: Sources, made: list[Played], clock: HandClock) -> None:
    """The one that was idle longest goes; those in use stay, and where all are in use, the next one has to wait."""
    for number in range(SOURCES_MAX + 1):
        clock.at += timedelta(seconds=1)
        await source(sources, prometheus(f"http://p{number}")).measure("up", AT)
    assert [one.closed for one in made] == [True] + [False] * SOURCES_MAX
    asking = []
    for one in made[1:]:
        one.gate.clear()
        asking.append(asyncio.ensure_future(source(sources, prometheus(one.access.address)).measure("slow", AT)))
    await asyncio.sleep(0)
    late = source(sources, prometheus("http://late"))
    assert await late.measure("up", AT) == Unreachable(f"{SOURCES_MAX} metric sources are being asked already")
    assert len(made) == SOURCES_MAX + 1
    for one in made:
        one.gate.set()
    assert all(isinstance(outcome, Value) for outcome in await asyncio.gather(*asking))
    assert isinstance(await source(sources, prometheus("http://late")).measure("up", AT), Value)


async def test_all_are_closed_together(sources: Sources, made: list[Played]) -> None:
    """At the end of the process."""
    for number in range(3):
        source(sources, prometheus(f"http://p{number}"))
    await sources.aclose()
    assert [one.closed for one in made] == [True] * 3


async def test_a_rejection_makes_somebody_look_again(clock: HandClock, made: list[Played]) -> None:
    """The credentials may have changed; nothing else does."""
    refusals: list[int] = []
    sources = Sources(
        Played(Access(ProviderType.WEB, ""), ReachPolicy()), clock, ReachPolicy(), refused=lambda: refusals.append(1)
    )
    found = source(sources, prometheus())
    for answer in (Value(1.0), NoData(), Unreachable("gone"), Rejected("the credentials are refused")):
        made[0].answer = answer
        await found.measure("up", AT)
    assert len(refusals) == 1


async def test_series_are_read_from_a_prometheus_alone(sources: Sources, made: list[Played], clock: HandClock) -> None:
    """Of what has none, that is said; the real thing is asked through the pool as it would be without."""
    found = source(sources, prometheus())
    assert isinstance(found, PooledSource)
    assert await found.rows("up[1m]", AT) == Rows(failure=Rejected("counters can be read from a Prometheus alone"))
    async with prometheus_server(vector("3")) as server:
        access = Access(ProviderType.PROMETHEUS, server.url)
        real = BUILDERS[ProviderType.PROMETHEUS](access, ReachPolicy(allow=("127.0.0.0/8",)), nobody)
        pooled = PooledSource(real, clock, partial(asyncio.sleep, 0), lambda: None)
        rows = await pooled.rows("up[1m]", AT)
        await real.aclose()
    assert [series.samples[0].value for series in rows.series] == [3.0]


async def test_canaries_that_ask_the_same_at_a_time_ask_once(clock: HandClock) -> None:
    """Through the real thing: twenty handles, one request."""
    own = Played(Access(ProviderType.WEB, ""), ReachPolicy())
    counted: list[Asked] = []
    sources = Sources(own, clock, ReachPolicy(allow=("127.0.0.0/8",)), on_asked=counted.append)
    async with rude_server() as server:
        server.script.append(reply(200, {"v": 3}))
        handles = [source(sources, web(f"{server.url}/a")) for _ in range(20)]
        outcomes = await asyncio.gather(*(handle.measure("$.v", AT) for handle in handles))
        assert outcomes == [Value(3.0)] * 20
        assert len(server.asked) == 1
    await sources.aclose()
    assert [(asked.source, asked.came) for asked in counted] == [(ProviderType.WEB, Came.ANSWERED)]


async def test_what_was_sent_is_told_with_what_came_of_it(clock: HandClock) -> None:
    """Of each kind of source: an answer, a refusal, silence. What is not sent during a pause is not told."""
    own = Played(Access(ProviderType.WEB, ""), ReachPolicy())
    counted: list[Asked] = []
    sources = Sources(own, clock, ReachPolicy(allow=("127.0.0.0/8",)), on_asked=counted.append)
    async with prometheus_server(vector("3")) as server:
        found = source(sources, prometheus(server.url))
        for answer in (vector("3"), failure(400, "bad_data", "parse error"), Canned(503, b"")):
            server.answer = answer
            await found.measure("up", AT)
    async with rude_server() as rude:
        rude.script.extend([reply(200, {"v": 3}), reply(503, {}, Retry_After="600")])
        found = source(sources, web(f"{rude.url}/a"))
        for path in ("$.v", "$.w", "$.x"):
            await found.measure(path, AT)
    await sources.aclose()
    expected = [(ProviderType.PROMETHEUS, came) for came in (Came.ANSWERED, Came.REJECTED, Came.UNREACHABLE)]
    expected += [(ProviderType.WEB, Came.ANSWERED), (ProviderType.WEB, Came.UNREACHABLE)]
    assert [(asked.source, asked.came) for asked in counted] == expected
    assert all(0 < asked.seconds < 5 for asked in counted)
