"""What is judged is what is connected to: for aiohttp by its sockets, for requests by its connections."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

import pytest
import requests

from rollouts.api.provider import ProviderType
from rollouts.core.measurement import Outcome, Unreachable, Value
from rollouts.metrics.access import Access
from rollouts.metrics.prometheus import PrometheusSource
from rollouts.metrics.prometheus_options import PrometheusOptions
from rollouts.metrics.web import WebSource
from rollouts.metrics.web_query import WebQuery
from rollouts.reach.policy import ReachPolicy
from rollouts.reach.requests_adapter import BODY_MAX, ReachAdapter
from tests.adapters.prometheus_server import Canned, prometheus_server, vector
from tests.contract.metric_sources import AT
from tests.kube.rude_server import reply, rude_server

LOCAL = ReachPolicy(allow=("127.0.0.0/8",))


async def _ask_web(url: str, policy: ReachPolicy) -> Outcome:
    source = WebSource(Access(ProviderType.WEB, url), policy)
    try:
        return await source.measure(WebQuery("/", "$.value").text(), AT)
    finally:
        await source.aclose()


async def _ask_prometheus(url: str, policy: ReachPolicy) -> Outcome:
    tls = ssl.create_default_context()
    source = PrometheusSource(url, PrometheusOptions(workers=1, adapter=lambda: ReachAdapter(policy, tls)))
    try:
        return await source.measure("up", AT)
    finally:
        await source.aclose()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names that resolve to these addresses, the first one at first, the next one after that."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *args: object, **more: object) -> object:
        addresses = known.get(host)
        if addresses is None:
            return real(host, port, *args, **more)  # type: ignore[arg-type]
        address = addresses.pop(0) if len(addresses) > 1 else addresses[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


ASKERS = {"web": _ask_web, "prometheus": _ask_prometheus}
Ask = Callable[[str, ReachPolicy], "asyncio.Future[Outcome]"]


@pytest.fixture(params=[*ASKERS])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Each way to ask a server that a user names."""
    found: Ask = ASKERS[request.param]  # type: ignore[assignment]
    return found


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "metrics.test"])
async def test_loopback_is_refused_before_a_connection_is_made(
    ask: Ask, host: str, names: dict[str, list[str]]
) -> None:
    """By its address, by its own name and by any other; nobody is there to notice."""
    names["metrics.test"] = ["127.0.0.1"]
    async with prometheus_server(vector("1")) as server:
        outcome = await ask(server.url.replace("127.0.0.1", host), ReachPolicy())
        assert isinstance(outcome, Unreachable)
        assert "the address may not be called: it is loopback" in outcome.reason
        assert "ROLLOUTS_REACH_ALLOW" in outcome.reason
        assert server.connections == 0


async def test_a_name_that_resolves_anew_gains_nothing(ask: Ask, names: dict[str, list[str]]) -> None:
    """Rebinding: a harmless address for whoever judges, loopback for whoever connects. There is only one look."""
    names["rebinding.test"] = ["192.0.2.1", "127.0.0.1"]
    policy = ReachPolicy(allow=("192.0.2.1",), deny=("0.0.0.0/0",))
    async with prometheus_server(vector("1")) as server:
        url = server.url.replace("127.0.0.1", "rebinding.test")
        await asyncio.wait_for(asyncio.gather(ask(url, policy), return_exceptions=True), 30)
        await ask(url, policy)
        assert server.connections == 0


async def test_a_name_can_be_allowed(names: dict[str, list[str]]) -> None:
    """Where all else is denied."""
    names["metrics.test"] = ["127.0.0.1"]
    policy = ReachPolicy(allow=("metrics.test",), deny=("0.0.0.0/0", "::/0"))
    async with rude_server() as server:
        server.script.append(reply(200, {"value": 1}))
        assert await _ask_web(f"http://metrics.test:{server.port}", policy) == Value(1.0)
        assert isinstance(await _ask_web(server.url, policy), Unreachable)
        assert len(server.asked) == 1


async def test_prometheus_is_reached_where_the_policy_lets_it() -> None:
    """The adapter is a way, and not only a wall."""
    async with prometheus_server(vector("7")) as server:
        assert await _ask_prometheus(server.url, LOCAL) == Value(7.0)


async def test_a_redirect_of_prometheus_stays_what_it_is() -> None:
    """Elsewhere nobody hears of it."""
    async with prometheus_server(vector("7")) as elsewhere:
        redirect = Canned(302, headers=(("Location", f"{elsewhere.url}/api/v1/query"),))
        async with prometheus_server(redirect) as server:
            outcome = await _ask_prometheus(server.url, LOCAL)
            assert isinstance(outcome, Unreachable)
            assert outcome.reason.endswith("HTTP 302")
            assert elsewhere.connections == 0


async def test_an_answer_without_end_is_broken_off() -> None:
    """Whoever names a Prometheus can't fill our memory by it."""
    async with prometheus_server(Canned(200, b" " * (BODY_MAX + 1))) as server:
        outcome = await _ask_prometheus(server.url, LOCAL)
    assert isinstance(outcome, Unreachable)
    assert "connection failed" in outcome.reason


async def test_proxies_of_the_environment_play_no_part(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would be asked to reach for us what we may not."""
    async with prometheus_server(vector("7")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        outcome = await ask("http://127.0.0.1:9", ReachPolicy())
        assert isinstance(outcome, Unreachable)
        assert proxy.connections == 0


def test_the_session_has_no_say_in_the_tls() -> None:
    """A context that demands verification keeps demanding it."""
    context = ssl.create_default_context()
    with requests.Session() as session:
        session.mount("https://", adapter := ReachAdapter(LOCAL, context))
        session.verify = False
        request = session.prepare_request(requests.Request("GET", "https://127.0.0.1:1/"))
        _, pool = adapter.build_connection_pool_key_attributes(request, verify=False)
    assert pool == {"ssl_context": context, "cert_reqs": "CERT_REQUIRED"}
