"""Who asks: from a provider and its Secrets to what a server sees; and nothing of it is ever told."""

from __future__ import annotations

import base64
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rollouts.api.provider import Provider, ProviderType
from rollouts.core.measurement import Outcome, Rejected, Unreachable, Value
from rollouts.errors import SpecInvalid
from rollouts.metrics.credentials import access_of
from rollouts.metrics.sources import Sources
from rollouts.reach.policy import ReachPolicy
from tests.adapters.certificates import Authority, make_authority
from tests.contract.hook_receivers import LeapingClock
from tests.contract.metric_sources import AT
from tests.kube.rude_server import reply, rude_server

BEARER = {"token": b"hunter2\n"}
BASIC = {"username": b"me", "password": b"p\xc3\xa4ss:word"}
QUERIES = {"web": "$.data.result[0].value[1]", "prometheus": "up"}
ANSWER = reply(
    200, {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "5"]}]}}
)


def provider(kind: str, address: str, **more: Any) -> Provider:
    """As a template has it."""
    return Provider.model_validate({"type": kind, "address": address, **more})


@pytest.fixture(params=[*QUERIES])
def kind(request: pytest.FixtureRequest) -> str:
    """Each type of provider."""
    return str(request.param)


@asynccontextmanager
async def sources() -> AsyncIterator[Sources]:
    """That may reach loopback."""
    made = Sources(Nobody(), LeapingClock(), ReachPolicy(allow=("127.0.0.0/8",)))
    try:
        yield made
    finally:
        await made.aclose()


class Nobody:
    """Implements `ports.MetricSource` where none is to be asked."""

    async def measure(self, query: str, at: object) -> Outcome:  # noqa: ARG002 - as the port has it
        raise AssertionError(query)


async def _ask(made: Sources, wanted: Provider, secrets: Mapping[str, Mapping[str, bytes]]) -> Outcome:
    source = made.source(wanted, secrets)
    return source if isinstance(source, Rejected) else await source.measure(QUERIES[wanted.type], AT)


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        pytest.param(BEARER, "Bearer hunter2", id="bearer"),
        pytest.param(BASIC, f"Basic {base64.b64encode('me:päss:word'.encode()).decode()}", id="basic"),
        pytest.param({"username": b"me", "password": b""}, "Basic bWU6", id="no password"),
    ],
)
async def test_what_is_in_the_secret_is_what_the_server_sees(kind: str, data: dict[str, bytes], sent: str) -> None:
    """With the tenant's header, and others whose values are secret."""
    secrets = {"login": data, "more": {"k": b"s3cret"}}
    more = {
        "secretRef": {"name": "login"},
        "headers": {"X-Scope-OrgID": ["team-a"]},
        "headersFrom": [{"name": "X-Key", "secretKeyRef": {"name": "more", "key": "k"}}],
    }
    async with rude_server() as server, sources() as made:
        server.script.append(ANSWER)
        assert await _ask(made, provider(kind, server.url, **more), secrets) == Value(5.0)
        headers = server.asked[0].headers
    assert (headers["authorization"], headers["x-scope-orgid"], headers["x-key"]) == (sent, "team-a", "s3cret")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({}, "Secret login has none of the keys token, username"),
        ({"other": b"hunter2"}, "Secret login has none of the keys token, username"),
        ({"token": b"hunter2", "username": b"hunter2", "password": b"hunter2"}, "Secret login has both"),
        ({"username": b"hunter2"}, "Secret login has one of username and password"),
        ({"password": b"hunter2"}, "Secret login has one of username and password"),
        ({"username": b"hun:ter2", "password": b"hunter2"}, "username in Secret login has a colon"),
        ({"tls.crt": b"hunter2"}, "Secret login has one of tls.crt and tls.key"),
        ({"token": b"hunter2\r\nX: y"}, "token in Secret login is no single line"),
        ({"token": b"\xff\xfe"}, "token in Secret login is no single line"),
        ({"ca.crt": b"hunter2"}, "ca.crt holds no certificate in PEM"),
        ({"ca.crt": b"\xff"}, "ca.crt holds no certificate in PEM"),
        ({"tls.crt": b"hunter2", "tls.key": b"hunter2"}, "tls.crt and tls.key are no certificate and its key"),
    ],
)
async def test_a_secret_that_can_not_be_used_is_named_and_not_quoted(
    kind: str, data: dict[str, bytes], reason: str
) -> None:
    """What is wrong in it, and where; nothing is sent."""
    async with rude_server() as server, sources() as made:
        url = server.url.replace("http:", "https:")
        outcome = await _ask(made, provider(kind, url, secretRef={"name": "login"}), {"login": data})
        assert isinstance(outcome, Rejected)
        assert outcome.reason.startswith(reason)
        assert "hunter2" not in outcome.reason
        assert not server.asked


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (provider("web", "http://me:hunter2@host/"), "the address holds a user or password"),
        (provider("prometheus", "http://me:hunter2@host/"), "the address holds a user or password"),
        (provider("prometheus", "http://host/?token=hunter2"), "the address has a query or fragment"),
        (provider("web", "http://host/#hunter2"), "the address has a fragment"),
        (provider("web", "http://host:99999/"), "the address must be http://host"),
        (provider("web", "http://[::1/"), "the address must be http://host"),
        (provider("web", "http://host", secretRef={"name": "gone"}), "there is no Secret gone"),
        (
            provider("web", "http://h", headersFrom=[{"name": "X", "secretKeyRef": {"name": "login", "key": "no"}}]),
            "Secret login has no key no, for header X",
        ),
        (
            provider("web", "http://h", secretRef={"name": "login"}, headers={"authorization": ["hunter2"]}),
            "Authorization stands in the headers and is made from Secret login",
        ),
    ],
)
async def test_a_provider_that_contradicts_itself_is_rejected(wanted: Provider, reason: str) -> None:
    """In words that quote nothing that may be secret."""
    async with sources() as made:
        outcome = made.source(wanted, {"login": BEARER})
    assert isinstance(outcome, Rejected)
    assert outcome.reason.startswith(reason)
    assert "hunter2" not in outcome.reason


def test_nothing_secret_is_in_a_repr() -> None:
    """Of what sources are made from and found by."""
    wanted = provider("web", "https://h", secretRef={"name": "login"}, headers={"X-Key": ["hunter2"]})
    for data in (BEARER, {"username": b"hunter2", "password": b"hunter2"}, {"ca.crt": b"hunter2"}):
        access = access_of(wanted, {"login": data})
        assert "hunter2" not in repr(access) + repr(access.credentials) + str(access)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One whom only those trust who are told to."""
    return make_authority(tmp_path_factory.mktemp("tls"))


def _of(secret: Mapping[str, bytes], *, insecure: bool = False) -> dict[str, Any]:
    ref = {"secretRef": {"name": "login"}} if secret else {}
    return {**ref, "insecureSkipVerify": insecure}


async def _over_tls(
    kind: str, context: ssl.SSLContext, secret: Mapping[str, bytes], *, insecure: bool = False
) -> tuple[Outcome, int]:
    async with rude_server(context) as server, sources() as made:
        server.script.append(ANSWER)
        url = server.url.replace("http:", "https:")
        outcome = await _ask(made, provider(kind, url, **_of(secret, insecure=insecure)), {"login": secret})
        return outcome, len(server.asked)


async def test_who_answers_has_to_prove_it(kind: str, authority: Authority) -> None:
    """By the usual authorities, or by that in the Secret alone; unless the user says that anybody will do."""
    context = authority.sign("server").server_side()
    trusting = {"ca.crt": authority.own.certificate.read_bytes()}
    stranger = await _over_tls(kind, context, {})
    assert isinstance(stranger[0], Unreachable)
    assert "TLS: " in stranger[0].reason
    assert stranger[1] == 0
    assert await _over_tls(kind, context, trusting) == (Value(5.0), 1)
    assert await _over_tls(kind, context, {}, insecure=True) == (Value(5.0), 1)


async def test_who_asks_can_prove_it_by_a_certificate(kind: str, authority: Authority) -> None:
    """Mutual TLS: the key goes from the Secret to OpenSSL, and touches no disk."""
    context = authority.sign("server").server_side(clients=authority.own.certificate)
    client, trusted = authority.sign("client"), {"ca.crt": authority.own.certificate.read_bytes()}
    proof = {"tls.crt": client.certificate.read_bytes(), "tls.key": client.key.read_bytes()}
    assert await _over_tls(kind, context, {**trusted, **proof}) == (Value(5.0), 1)
    without, asked = await _over_tls(kind, context, trusted)
    assert isinstance(without, Unreachable)
    assert asked == 0


def test_a_key_under_a_password_asks_no_terminal(authority: Authority) -> None:
    """OpenSSL would, and wait for ever."""
    command = ["openssl", "ec", "-in", str(authority.own.key), "-aes128", "-passout", "pass:hunter2"]
    locked = subprocess.run(command, check=True, capture_output=True).stdout
    data = {"tls.crt": authority.own.certificate.read_bytes(), "tls.key": locked}
    access = access_of(provider("web", "https://h", secretRef={"name": "login"}), {"login": data})
    with pytest.raises(SpecInvalid, match="unencrypted"):
        access.tls()


def test_equal_providers_with_equal_credentials_are_one_place() -> None:
    """From whatever Secret they come; another token is another place."""
    one, other = (provider("web", "https://h/", secretRef={"name": name}) for name in ("a", "b"))
    secrets = {"a": BEARER, "b": {"token": b"hunter2"}}
    assert access_of(one, secrets) == access_of(other, secrets)
    assert access_of(one, secrets) != access_of(one, {"a": {"token": b"hunter3"}})
    assert access_of(one, secrets).type is ProviderType.WEB
