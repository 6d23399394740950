"""How we prove to Prometheus who asks, and how long a query may be."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rollouts.core.measurement import Rejected, Unreachable, Value
from rollouts.metrics.prometheus import PrometheusSource
from rollouts.metrics.prometheus_options import PrometheusOptions
from tests.adapters.prometheus_server import Canned, prometheus_server, vector

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OPTIONS = PrometheusOptions(connect_timeout_s=1, read_timeout_s=5, workers=1)


@asynccontextmanager
async def _source(url: str, options: PrometheusOptions) -> AsyncIterator[PrometheusSource]:
    source = PrometheusSource(url, options)
    try:
        yield source
    finally:
        await source.aclose()


async def test_a_token_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """That of a service account lives an hour; the file is replaced under our hands."""
    token = tmp_path / "token"
    token.write_text("first\n")
    options = replace(OPTIONS, bearer_token_file=str(token))
    async with prometheus_server(vector("1")) as server, _source(server.url, options) as source:
        await source.measure("a", AT)
        (tmp_path / "new").write_text("second\n")
        (tmp_path / "new").rename(token)
        await source.measure("b", AT)
    assert [request["authorization"] for request in server.requests] == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize(
    "content", [None, b"", b"two\nlines", b"\xff"], ids=["absent", "empty", "two lines", "no text"]
)
async def test_a_token_that_cannot_be_sent_is_told_by_its_file(tmp_path: Path, content: bytes | None) -> None:
    """Nothing is sent without it, and the reason holds nothing of it."""
    token = tmp_path / "token"
    if content is not None:
        token.write_bytes(content)
    options = replace(OPTIONS, bearer_token_file=str(token))
    async with prometheus_server(vector("1")) as server, _source(server.url, options) as source:
        outcome, rows = await source.measure("up", AT), await source.rows("up", AT)
    assert server.requests == []
    assert isinstance(outcome, Unreachable)
    assert f"the credentials in {token} " in outcome.reason
    assert "lines" not in outcome.reason.removesuffix("single line of text")
    assert rows.failure == outcome


async def test_a_password_a_tenant_and_headers_go_with_each_query(tmp_path: Path) -> None:
    """Basic authentication, Mimir's tenant, and what else a proxy on the way wants."""
    password = tmp_path / "password"
    password.write_text("p:w")
    options = replace(
        OPTIONS, username="ann", password_file=str(password), tenant="shop", headers={"X-Team": "checkout"}
    )
    async with prometheus_server(vector("1")) as server, _source(server.url, options) as source:
        assert await source.measure("up", AT) == Value(1.0)
    (request,) = server.requests
    assert request["authorization"] == "Basic YW5uOnA6dw=="
    assert (request["x-scope-orgid"], request["x-team"]) == ("shop", "checkout")


async def test_user_and_password_of_the_url_are_sent_unless_a_token_is() -> None:
    """As any client does."""
    for headers, expected in (({}, "Basic YW5uOnB3"), ({"Authorization": "Bearer t"}, "Bearer t")):
        async with prometheus_server(vector("1")) as server:
            url = server.url.replace("http://", "http://ann:pw@")
            async with _source(url, replace(OPTIONS, headers=headers)) as source:
                await source.measure("up", AT)
        assert server.requests[0]["authorization"] == expected


async def test_refused_credentials_are_said_to_be_that() -> None:
    """For one value and for many: no other query helps."""
    async with prometheus_server(Canned(401)) as server, _source(server.url, OPTIONS) as source:
        outcome, rows = await source.measure("up", AT), await source.rows("up", AT)
    assert isinstance(outcome, Rejected)
    assert (rows.failure, rows.of_query) == (outcome, False)


async def test_a_long_query_goes_in_the_body_and_a_short_one_in_the_url() -> None:
    """What passes any proxy's limit for URLs is asked as ever; what does not is posted as a form, whole."""
    long = 'sum(up{job=~"' + "|".join(f"job&{index}" for index in range(2000)) + '"})'
    async with prometheus_server(vector("1")) as server, _source(server.url, OPTIONS) as source:
        for query in ("up", long):
            assert await source.measure(query, AT) == Value(1.0)
    short, posted = server.requests
    assert (short["method"], posted["method"]) == ("GET", "POST")
    assert posted["target"] == "/api/v1/query"
    assert posted["content-type"] == "application/x-www-form-urlencoded"
    assert (posted["query"], posted["time"], posted["timeout"]) == (long, short["time"], "5s")


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, its own CA, and its key."""
    key, certificate = (tmp_path_factory.mktemp("tls") / name for name in ("key.pem", "certificate.pem"))
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", *kind, *name, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


async def test_both_sides_prove_themselves_by_certificates(pem: tuple[Path, Path]) -> None:
    """With the CA and a certificate there is an answer; without either there is none."""
    certificate, key = (str(path) for path in pem)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificate)
    tls.load_cert_chain(certificate, key)
    tls.verify_mode = ssl.CERT_REQUIRED
    trusting = replace(OPTIONS, ca_file=certificate)
    outcomes = []
    async with prometheus_server(vector("1"), tls) as server:
        for options in (replace(trusting, cert_file=certificate, key_file=key), trusting, OPTIONS):
            async with _source(server.url, options) as source:
                outcomes.append(await source.measure("up", AT))
    assert outcomes[0] == Value(1.0)
    assert [type(outcome) for outcome in outcomes[1:]] == [Unreachable] * 2
