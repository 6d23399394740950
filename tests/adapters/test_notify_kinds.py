"""What is special about one kind of service: threads, what resolves, what is never sent, what is cut out."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rollouts.api.alert import Severity
from rollouts.api.alert_provider import AlertProviderSpec
from rollouts.api.status import Phase
from rollouts.notify.kinds import Notifiers
from rollouts.notify.letter import Letter, cut
from rollouts.notify.posting import redacted, with_query
from rollouts.ports import Delivered, Destination, Undelivered
from rollouts.reach.policy import ReachPolicy
from tests.certificate import self_signed
from tests.contract import event_servers, slack_server
from tests.contract.hook_receivers import LeapingClock
from tests.contract.notifiers import HERE, destination, email, notification
from tests.contract.vendor import Reply, Request, Vendor, vendor
from tests.kube.rude_server import reply


@pytest.fixture
async def notifiers() -> AsyncIterator[Notifiers]:
    """All kinds."""
    made = Notifiers(LeapingClock(), HERE)
    yield made
    await made.aclose()


def bot(made: Vendor, **spec: Any) -> Destination:
    """A bot of Slack in the channel that the server has."""
    secret = {"address": f"{made.url}/api", "token": slack_server.TOKEN}
    return destination("slack", secret, **{"channel": slack_server.CHANNEL, **spec})


async def test_a_bot_makes_one_thread_and_keeps_its_head_up_to_date(notifiers: Notifiers) -> None:
    """The first message is the head; the second one is a reply, and the head says the same as it."""
    api = slack_server.WebApi()
    async with vendor(api) as made:
        first = await notifiers.notify(bot(made), notification(reason="NewRevision"), "")
        assert first == Delivered(f"{slack_server.CHANNEL_ID}/1503435956.000000")
        assert isinstance(first, Delivered)
        second = await notifiers.notify(bot(made), notification(id="5f0c-18"), first.thread)
    assert second == Delivered()
    assert api.threads == {"1503435956.000001": "1503435956.000000"}
    head, answer = api.messages.values()
    assert (head["text"], head["attachments"]) == (answer["text"], answer["attachments"])


async def test_a_thread_whose_head_was_deleted_is_begun_anew(notifiers: Notifiers) -> None:
    """Somebody cleared the channel."""
    api = slack_server.WebApi()
    async with vendor(api) as made:
        told = await notifiers.notify(bot(made), notification(), f"{slack_server.CHANNEL_ID}/1.2")
    assert isinstance(told, Delivered)
    assert told.thread.endswith("/1503435956.000000")


async def test_a_head_that_cant_be_updated_is_no_failure(notifiers: Notifiers) -> None:
    """The reply stands: said again it would be there twice."""
    api = slack_server.WebApi()
    async with vendor(api) as made:
        first = await notifiers.notify(bot(made), notification(), "")
        assert isinstance(first, Delivered)

        async def pass_on(asked: Any) -> None:
            request = Request(asked.path, asked.query, asked.headers, asked.body)
            await reply(200, api(request).body)(asked)

        made.trouble.extend([pass_on, reply(500, b"no")])
        assert await notifiers.notify(bot(made), notification(id="5f0c-18"), first.thread) == Delivered()


@pytest.mark.parametrize(
    ("answer", "lasting", "says"),
    [
        ({"ok": False, "error": "not_in_channel"}, True, "chat.postMessage: not_in_channel"),
        ({"ok": False, "error": "ratelimited"}, False, "ratelimited"),
        ({"ok": False, "error": "internal_error"}, False, "internal_error"),
        (b"<html>", True, "an answer that is none"),
        ([1], True, "an answer that is none"),
    ],
    ids=str,
)
async def test_what_slack_says_with_200_counts(notifiers: Notifiers, answer: Any, *, lasting: bool, says: str) -> None:
    """Its errors come with status 200."""
    async with vendor(lambda _: Reply(200, answer)) as made:
        told = await notifiers.notify(bot(made), notification(), "")
    assert isinstance(told, Undelivered)
    assert told.lasting == lasting
    assert says in told.reason


async def test_a_bot_needs_a_channel(notifiers: Notifiers) -> None:
    """The words say which field."""
    to = destination("slack", {"token": "xoxb"})
    told = await notifiers.notify(to, notification(), "")
    assert told == Undelivered("spec.channel is needed with a bot token", lasting=True)


async def test_pagerduty_resolves_what_it_opened(notifiers: Notifiers) -> None:
    """A failure opens the Canary's alert, its next success resolves it; other good news page nobody."""
    async with vendor(event_servers.pagerduty) as made:
        secret = {"routingKey": event_servers.ROUTING_KEY}
        to = destination("pagerduty", secret, address=f"{made.url}/v2/enqueue")
        info = {"severity": Severity.INFO, "phase": Phase.PROGRESSING, "reason": "NewRevision"}
        for one in (notification(), notification(**info), notification(**{**info, "phase": Phase.SUCCEEDED})):
            assert await notifiers.notify(to, one, "") == Delivered()
    assert made.posted == ["5f0c-17", "resolved rollouts-5f0c"]
    keys = [json.loads(request.body)["dedup_key"] for request in made.asked]
    assert keys == ["rollouts-5f0c"] * 2


async def test_a_webhook_may_have_a_body_of_the_users(notifiers: Notifiers) -> None:
    """A JSON document with the values escaped; it is signed like an event."""
    body = '{"text": "{{title}}", "details": {"message": "{{ message }}", "at": "{{at}}"}}'
    async with vendor(lambda _: Reply(204)) as made:
        to = destination("webhook", {"address": f"{made.url}/x"}, template={"body": body})
        assert await notifiers.notify(to, notification(message='say "no"\n'), "") == Delivered()
    assert made.payload["details"] == {"message": 'say "no"\n', "at": "2026-01-02T12:00:14+00:00"}
    assert made.asked[0].headers["webhook-signature"].startswith("v1,")
    assert made.asked[0].headers["idempotency-key"] == "5f0c-17"


async def test_a_body_that_is_no_json_is_refused(notifiers: Notifiers) -> None:
    """Before it is sent."""
    to = destination("webhook", {"address": "http://127.0.0.1:1/"}, template={"body": "{{title}}"})
    told = await notifiers.notify(to, notification(), "")
    assert told == Undelivered("spec.template.body is no JSON document", lasting=True)


async def test_a_redirect_is_not_followed(notifiers: Notifiers) -> None:
    """A message goes where the user sends it."""
    async with vendor(lambda _: Reply(204)) as made:
        made.trouble.append(reply(302, b"", Location="http://evil.test/"))
        told = await notifiers.notify(destination("webhook", {"address": f"{made.url}/x"}), notification(), "")
    assert isinstance(told, Undelivered)
    assert told.lasting


async def test_a_proxy_is_gone_through(notifiers: Notifiers) -> None:
    """The proxy gets the request for the service."""
    async with vendor(lambda _: Reply(200, b"ok")) as made:
        to = destination("msteams", {"address": "http://teams.test/hook"}, proxy=made.url)
        assert await notifiers.notify(to, notification(), "") == Delivered()
    assert made.asked[0].headers["host"] == "teams.test"


async def test_a_password_is_never_sent_in_the_clear(tmp_path: Path) -> None:
    """Neither where the spec wants no TLS, nor to a server that nobody trusts."""
    server_tls, certificate = self_signed(tmp_path)
    async with email(server_tls, certificate) as arranged:
        spec = arranged.to.spec.model_dump(by_alias=True)
        spec["email"] |= {"tls": "none"}
        to = replace(arranged.to, spec=AlertProviderSpec.model_validate(spec))
        told = await arranged.notifier.notify(to, notification(), "")
        assert isinstance(told, Undelivered)
        assert "a password is not sent unencrypted" in told.reason
        suspicious = Notifiers(LeapingClock(), HERE)
        told = await suspicious.notify(arranged.to, notification(), "")
        await suspicious.aclose()
        assert isinstance(told, Undelivered)
        assert "TLS: " in told.reason
        assert arranged.posted() == []


async def test_a_refused_login_quotes_no_password(tmp_path: Path) -> None:
    """Though the server does."""
    tls: tuple[ssl.SSLContext, Path] = self_signed(tmp_path)
    async with email(*tls) as arranged:
        wrong = replace(arranged.to, secret={"username": "mailer", "password": "wrong-password-77"})
        told = await arranged.notifier.notify(wrong, notification(), "")
    assert isinstance(told, Undelivered)
    assert told.lasting
    assert "wrong-password-77" not in told.reason
    assert told.reason.startswith("SMTP 535")


def test_parts_of_a_url_are_secret_and_words_are_not() -> None:
    """A service that quotes the path is not quoted; `services` is no secret."""
    to = destination("slack", {"address": "https://hooks.test/services/T000AAA/B000BBB/abcDEF123456?sig=s1g-n4ture"})
    said = redacted("no such services: /services/T000AAA/B000BBB/abcDEF123456, T000AAA s1g-n4ture", to)
    assert said == "no such services: [redacted], [redacted] [redacted]"


def test_a_template_is_filled_once() -> None:
    """What a value says is text."""
    to = destination("webhook", {}, links=[{"title": "x", "url": "https://h.test/{{name}}?q={{ message }}"}])
    letter = Letter(to, notification(message="{{ name }} & co"))
    assert letter.links[0].url == "https://h.test/checkout?q=%7B%7B%20name%20%7D%7D%20%26%20co"


def test_texts_are_cut_as_services_count() -> None:
    """In units of UTF-16, and never in the middle of a pair."""
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"
    assert cut("😀😀", 4) == "😀😀"
    assert cut("😀😀x", 4) == "😀…"


def test_a_query_is_added_to() -> None:
    """The URL's own parameters stay."""
    assert with_query("https://h.test/p?key=a%3D&wait=false", wait="true") == "https://h.test/p?key=a%3D&wait=true"


@pytest.mark.parametrize("proxied", [False, True], ids=["direct", "proxy"])
async def test_nothing_is_sent_where_the_policy_does_not_let_us(*, proxied: bool) -> None:
    """Loopback is the controller's own: said at once, tried no more, and no connection is made."""
    strict = Notifiers(LeapingClock(), ReachPolicy())
    async with vendor(lambda _: Reply(204)) as made:
        spec: dict[str, Any] = {"proxy": made.url} if proxied else {}
        address = "http://service.test/x" if proxied else f"{made.url}/x"
        told = await strict.notify(destination("webhook", {"address": address}, **spec), notification(), "")
    await strict.aclose()
    assert isinstance(told, Undelivered)
    assert told.lasting
    assert "the address may not be called: it is loopback" in told.reason
    assert made.asked == []


async def test_no_mail_goes_where_the_policy_does_not_let_us(tmp_path: Path) -> None:
    """The same policy, for SMTP."""
    async with email(*self_signed(tmp_path)) as arranged:
        strict = Notifiers(LeapingClock(), ReachPolicy())
        told = await strict.notify(arranged.to, notification(), "")
        await strict.aclose()
        assert arranged.posted() == []
    assert isinstance(told, Undelivered)
    assert told.lasting
    assert "the address may not be called: it is loopback" in told.reason
