"""The kinds of notifiers that have to keep the contract, each against a service of its own, and the double."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from rollouts.api.alert import Severity
from rollouts.api.alert_provider import AlertProviderSpec
from rollouts.api.status import Phase
from rollouts.core.notification import Notification
from rollouts.notify.email import Mailer
from rollouts.notify.kinds import Notifiers
from rollouts.ports import Destination, Notifier, Undelivered
from rollouts.reach.policy import ReachPolicy
from rollouts.testing.notifiers import ScriptedNotifier
from rollouts.testing.virtual_time import START
from tests.contract import chat_servers, event_servers, slack_server, smtp_server
from tests.contract.hook_receivers import LeapingClock
from tests.contract.vendor import Request, Vendor, vendor
from tests.kube.rude_server import hang, reply

HERE = ReachPolicy(allow=("127.0.0.0/8",))
"""The services of the tests are on this machine."""
RELEASE = "5f0c-9f3a1b2c4d5e6f70"
LINKS = [{"title": "Dashboard", "url": "https://grafana.test/d/canary?var-ns={{namespace}}&var-app={{ name }}"}]


@dataclass(frozen=True, slots=True)
class Trouble:
    """How a service fails once."""

    status: int = 0
    """0 is silence."""
    retry_after_s: int | None = None
    body: bytes = b"trouble"


@dataclass(slots=True)
class Arranged:
    """A notifier, where it sends to, and what arrived there."""

    notifier: Notifier
    to: Destination
    posted: Callable[[], list[str]]
    """The ids of the messages that the service has."""
    fail: Callable[[Trouble], None]
    """Let the next attempt end so."""
    payload: Callable[[], Any] = field(default=lambda: None)
    """What the last message was, as the service got it."""
    says_when: bool = True
    """Whether the protocol has a way to ask for a pause."""
    secrets: tuple[str, ...] = ()
    vendor: Vendor | None = None


Factory = Callable[[ssl.SSLContext, Path], AbstractAsyncContextManager[Arranged]]


def notification(**changes: Any) -> Notification:
    """A release that failed, with all that a message can say."""
    told: dict[str, Any] = {
        "id": "5f0c-17", "release": RELEASE, "canary": "5f0c", "name": "checkout", "namespace": "shop",
        "target": "Deployment checkout", "reason": "Rollback", "severity": Severity.ERROR, "phase": Phase.FAILED,
        "message": "Revision 9f3a1b2c4d5e6f70 at 20 % failed: "
        "request-success-rate 47.90 % (limit at least 99 %), "
        "431 of 827 requests failed; failed check 1 of 1; all traffic is on the primary",
        "at": START + timedelta(seconds=14), "revision": "9f3a1b2c4d5e6f70",
        "version": "checkout:2.4.1", "since": START,
        "next": "It is not tried again by itself: apply another version, or ask for it (actions.rollouts.dev/retry).",
        "cluster": "eu-1",
    }  # fmt: skip
    return Notification(**{**told, **changes})


def destination(
    kind: str, secret: Mapping[str, str], headers: Mapping[str, str] | None = None, **spec: Any
) -> Destination:
    """An AlertProvider of that type."""
    fields = {"type": kind, "timeout": "1s", "secretRef": {"name": "provider"}, "links": LINKS, **spec}
    key = event_servers.SIGNING_KEY if kind == "webhook" else None
    return Destination(AlertProviderSpec.model_validate(fields), secret, headers or {}, key)


def _fail(made: Vendor) -> Callable[[Trouble], None]:
    def fail(trouble: Trouble) -> None:
        asked = {} if trouble.retry_after_s is None else {"Retry_After": str(trouble.retry_after_s)}
        step = hang if trouble.status == 0 else reply(trouble.status, trouble.body, **asked)
        made.trouble.append(step)

    return fail


def _over_http(
    kind: str, answer: Callable[[], Callable[[Request], Any]], secret_of: Callable[[str], dict[str, str]], **spec: Any
) -> Factory:
    @asynccontextmanager
    async def factory(_tls: ssl.SSLContext, _files: Path) -> AsyncIterator[Arranged]:
        headers = {"Authorization": f"Bearer {event_servers.HOOK_TOKEN}"} if kind == "webhook" else {}
        async with vendor(answer()) as made:
            secret = secret_of(made.url)
            to = destination(kind, secret, headers, **spec)
            parts = (part for url in secret.values() for part in url.split("/")[3:])
            hidden = tuple(one for one in (*secret.values(), *headers.values(), *parts) if len(one) >= 16)
            notifiers = Notifiers(LeapingClock(), HERE)
            try:
                yield Arranged(
                    notifiers, to, lambda: made.posted, _fail(made), lambda: made.payload, secrets=hidden, vendor=made
                )
            finally:
                await notifiers.aclose()

    return factory


@asynccontextmanager
async def email(server_tls: ssl.SSLContext, certificate: Path) -> AsyncIterator[Arranged]:
    """Over SMTP with STARTTLS and a password."""
    trust = ssl.create_default_context(cafile=str(certificate))
    notifiers = Notifiers(LeapingClock(), HERE, Mailer(HERE, trust))
    async with smtp_server.smtp_server(server_tls) as made:
        mailboxes = {"from": "rollouts@example.com", "to": ["team@example.com", "lead@example.com"]}
        secret = {"username": smtp_server.USER, "password": smtp_server.PASSWORD}
        address = f"smtp://127.0.0.1:{made.port}"
        to = destination("email", secret, address=address, email=mailboxes)

        def fail(trouble: Trouble) -> None:
            code = {429: "450 4.7.0", 404: "550 5.7.1"}.get(trouble.status, "451 4.3.0")
            made.trouble.append(f"{code} {trouble.body.decode()}" if trouble.status else None)

        def posted() -> list[str]:
            return [mail["Message-ID"].strip("<>").partition("@")[0] for mail in made.mails]

        def payload() -> Any:
            mail = made.mails[-1]
            headers = {name: str(value) for name, value in mail.items() if not name.startswith("Content")}
            return {"envelope": [made.envelopes[-1][0], *made.envelopes[-1][1]], **headers, "text": mail.get_content()}

        try:
            yield Arranged(notifiers, to, posted, fail, payload, says_when=False, secrets=(smtp_server.PASSWORD,))
        finally:
            await notifiers.aclose()


@asynccontextmanager
async def scripted(_tls: ssl.SSLContext, _files: Path) -> AsyncIterator[Arranged]:
    """The double."""
    double = ScriptedNotifier()

    def fail(trouble: Trouble) -> None:
        lasting = trouble.status not in {0, 429} and trouble.status < 500
        why = f"HTTP {trouble.status}: trouble" if trouble.status else "no answer within 1 s"
        double.trouble.append(Undelivered(why, trouble.retry_after_s, lasting=lasting))

    to = destination("slack", {"address": "https://hooks.test/scripted-secret-0123"})
    yield Arranged(double, to, lambda: [one.id for one in double.posted], fail)


def _teams(url: str) -> dict[str, str]:
    return {"address": f"{url}{chat_servers.TEAMS}?api-version=2016-06-01&sig={chat_servers.TEAMS_SIG}"}


def _google_chat(url: str) -> dict[str, str]:
    return {"address": f"{url}{chat_servers.SPACE}?key={chat_servers.CHAT_KEY}&token={chat_servers.CHAT_TOKEN}"}


def _pagerduty(url: str) -> dict[str, str]:
    return {"routingKey": event_servers.ROUTING_KEY, "address": f"{url}/v2/enqueue"}


def _slack_bot(url: str) -> dict[str, str]:
    return {"address": f"{url}/api/chat.postMessage", "token": slack_server.TOKEN}


def _at(path: str) -> Callable[[str], dict[str, str]]:
    return lambda url: {"address": f"{url}{path}"}


FACTORIES: dict[str, Factory] = {
    "slack webhook": _over_http("slack", lambda: slack_server.webhook, _at(f"{slack_server.HOOK}\n")),
    "slack bot": _over_http("slack", slack_server.WebApi, _slack_bot, channel=slack_server.CHANNEL),
    "msteams": _over_http("msteams", lambda: chat_servers.teams, _teams),
    "discord": _over_http("discord", lambda: chat_servers.discord, _at(chat_servers.DISCORD)),
    "googlechat": _over_http("googlechat", lambda: chat_servers.google_chat, _google_chat),
    "webhook": _over_http("webhook", lambda: event_servers.cloud_events, _at("/hooks/abc-def-0123456789")),
    "email": email,
    "pagerduty": _over_http("pagerduty", lambda: event_servers.pagerduty, _pagerduty),
    "scripted": scripted,
}
