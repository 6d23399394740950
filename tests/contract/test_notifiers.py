"""What the courier relies on in `ports.Notifier`: the same cases for every kind, each against its vendor's contract."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from rollouts.api.alert import Severity
from rollouts.api.alert_provider import AlertProviderSpec
from rollouts.api.status import Phase
from rollouts.ports import Delivered, Destination, Undelivered
from tests.certificate import self_signed
from tests.contract.notifiers import FACTORIES, Arranged, Trouble, notification

GOLDEN = Path(__file__).with_name("golden")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """Of the mail server."""
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=[*FACTORIES.values()], ids=[*FACTORIES])
async def arranged(request: pytest.FixtureRequest, certificate: tuple[ssl.SSLContext, Path]) -> AsyncIterator[Arranged]:
    """Each kind in turn."""
    async with request.param(*certificate) as made:
        yield made


async def test_a_message_arrives_as_the_vendor_wants_it(arranged: Arranged, request: pytest.FixtureRequest) -> None:
    """The service takes it, and what it got is exactly what golden/notify-*.json has."""
    told = await arranged.notifier.notify(arranged.to, notification(), "")
    assert isinstance(told, Delivered)
    assert arranged.posted() == ["5f0c-17"]
    if (payload := arranged.payload()) is None:
        return
    name = request.node.callspec.id.replace(" ", "-")
    path = GOLDEN / f"notify-{name}.json"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(json.dumps(payload, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    assert payload == json.loads(path.read_text(encoding="utf-8"))


async def test_a_second_delivery_bears_the_same_id(arranged: Arranged) -> None:
    """Whoever gets a message twice can tell."""
    for _ in range(2):
        assert isinstance(await arranged.notifier.notify(arranged.to, notification(), ""), Delivered)
    assert arranged.posted() == ["5f0c-17"] * 2


async def test_who_is_asked_to_wait_says_how_long(arranged: Arranged) -> None:
    """429 with Retry-After; SMTP has no word for how long."""
    arranged.fail(Trouble(429, retry_after_s=37))
    told = await arranged.notifier.notify(arranged.to, notification(), "")
    assert isinstance(told, Undelivered)
    assert told.retry_after_s == (37.0 if arranged.says_when else None)
    assert not told.lasting
    assert arranged.posted() == []
    assert isinstance(await arranged.notifier.notify(arranged.to, notification(), ""), Delivered)


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_trouble_of_the_service_may_mend(arranged: Arranged, status: int) -> None:
    """It is said, and the next attempt is as good as the first."""
    arranged.fail(Trouble(status))
    told = await arranged.notifier.notify(arranged.to, notification(), "")
    assert isinstance(told, Undelivered)
    assert (told.lasting, "trouble" in told.reason) == (False, True)
    assert isinstance(await arranged.notifier.notify(arranged.to, notification(), ""), Delivered)


async def test_silence_ends(arranged: Arranged) -> None:
    """After the time-out of the provider."""
    arranged.fail(Trouble())
    told = await arranged.notifier.notify(arranged.to, notification(), "")
    assert isinstance(told, Undelivered)
    assert "no answer within 1 s" in told.reason
    assert not told.lasting


async def test_a_refusal_is_known_as_lasting(arranged: Arranged) -> None:
    """Somebody has to change something."""
    arranged.fail(Trouble(404))
    told = await arranged.notifier.notify(arranged.to, notification(), "")
    assert isinstance(told, Undelivered)
    assert told.lasting


@pytest.mark.parametrize("status", [400, 404, 429, 500])
async def test_no_secret_is_said(arranged: Arranged, status: int) -> None:
    """Whatever the service sends back: not in a reason, and not in a repr."""
    arranged.fail(Trouble(status, body="; ".join(arranged.secrets).replace("\n", "").encode()))
    told = await arranged.notifier.notify(arranged.to, notification(), "")
    said = repr(told) + repr(arranged.to)
    assert isinstance(told, Undelivered)
    assert len(told.reason) <= 256
    assert told.reason.isprintable()
    assert [secret for secret in arranged.secrets if secret.strip() in said] == []


HOSTILE = {
    "long": "x" * 5000,
    "wide": "😀" * 3000,
    "control": "a\x00b\x1b[31m\r\n.\r\nSubject: forged\r\n\r\n\u2028c",
    "markup": "<!channel> <b>&amp;</b> @everyone [x](http://evil.test) *_~`| {{ name }} \\",
    "surrogate": "a\ud800b",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_whatever_is_said_keeps_the_contract(arranged: Arranged, text: str) -> None:
    """Words come from metric sources, hooks and people: no service refuses a message because of them."""
    odd = notification(message=text, version=text[:256], next=text[:500])
    assert isinstance(await arranged.notifier.notify(arranged.to, odd, ""), Delivered)
    assert arranged.posted() == ["5f0c-17"]


@pytest.mark.parametrize("severity", list(Severity))
async def test_every_severity_and_a_bare_message_arrive(arranged: Arranged, severity: Severity) -> None:
    """A message without version, time of begin, cluster and links is one too."""
    bare = notification(
        severity=severity, version="", since=None, cluster="", next="", revision="", phase=Phase.PROMOTING
    )
    plain = replace(arranged.to, spec=arranged.to.spec.model_copy(update={"links": ()}))
    assert isinstance(await arranged.notifier.notify(plain, bare, ""), Delivered)


async def test_a_user_may_choose_the_words(arranged: Arranged) -> None:
    """A template's variables are filled in once: what a value says is not read as another variable."""
    words = {"title": "{{name}} {{ severity }}", "text": "{{message}} ({{phase}})"}
    spec = AlertProviderSpec.model_validate(arranged.to.spec.model_dump(by_alias=True) | {"template": words})
    told = notification(message="{{ id }} it is")
    assert isinstance(await arranged.notifier.notify(replace(arranged.to, spec=spec), told, ""), Delivered)
    payload = json.dumps(arranged.payload(), ensure_ascii=False)
    if arranged.payload() is not None:
        assert "checkout error" in payload
        assert "{{ id }} it is (Failed)" in payload


async def test_a_destination_without_its_secret_is_refused_in_words(arranged: Arranged) -> None:
    """Nothing is sent anywhere, and the reason says which key is missing."""
    if arranged.vendor is None:
        return
    told = await arranged.notifier.notify(Destination(arranged.to.spec), notification(), "")
    assert isinstance(told, Undelivered)
    assert told.lasting
    assert "address" in told.reason or "routingKey" in told.reason
    assert arranged.vendor.asked == []
