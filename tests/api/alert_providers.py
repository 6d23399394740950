"""Good AlertProviders of each type, and the table of bad ones that both the models and the API server must refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rollouts.api import alert_provider, hooks

SECRET = {"secretRef": {"name": "provider"}}
SLACK = {"type": "slack", **SECRET}
MAIL = {"from": "rollouts@example.com", "to": ["team@example.com"]}
_REF = {"secretKeyRef": {"name": "key", "key": "value"}}

GOOD: tuple[dict[str, Any], ...] = (
    SLACK,
    SLACK | {"channel": "#releases", "username": "rollouts", "proxy": "http://proxy:3128", "severity": "warn"},
    {"type": "msteams", **SECRET, "phases": ["Failed"], "mute": ["Advance"], "muteUntil": "2026-12-24T00:00:00Z"},
    {"type": "discord", **SECRET, "namespaces": ["*", "team-*", "shop"], "everyCanary": True},
    {"type": "googlechat", **SECRET, "detail": "all", "suspend": True, "timeout": "3s"},
    {"type": "webhook", "address": "https://receiver.test/path?x=1"},
    {
        "type": "webhook", **SECRET, "headersFrom": [{"name": "Authorization", **_REF}], "signing": _REF,
        "template": {"body": '{"text": "{{title}}: {{ message }}", "open": {"nested": {"ok": 1}}}'},
    },
    {"type": "email", "address": "smtps://mail.test:465", **SECRET, "email": MAIL},
    {"type": "email", "address": "smtp://mail.test", "email": MAIL | {"tls": "none"}},
    {"type": "pagerduty", **SECRET, "address": "https://events.eu.pagerduty.com/v2/enqueue"},
    SLACK | {"links": [{"title": "Grafana", "url": "https://g.test/d?var-ns={{namespace}}&var-app={{ name }}"}]},
    SLACK | {"template": {"title": "{ {{name}} }", "text": "100 % {of} {{ message }}"}},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BadProvider:
    """A spec, where it is wrong, and the words that say so."""

    name: str
    spec: dict[str, Any]
    says: str
    model_says: str = ""
    """Words of the model's message, where they differ."""


_PATTERN = "should match pattern"
BAD = (
    BadProvider("type unknown", {"type": "pigeon", **SECRET}, 'supported values: "slack"', "Input should be 'slack'"),
    BadProvider("chat without secret", {"type": "msteams"}, alert_provider.NEEDS_SECRET),
    BadProvider("chat with its URL", SLACK | {"address": "https://hooks.test/x"}, alert_provider.PUBLIC_ADDRESS),
    BadProvider("webhook nowhere", {"type": "webhook"}, alert_provider.NO_ADDRESS),
    BadProvider("mail without mailboxes", {"type": "email", "address": "smtp://m"}, alert_provider.EMAIL),
    BadProvider("mailboxes without mail", SLACK | {"email": MAIL}, alert_provider.EMAIL),
    BadProvider("signed chat", SLACK | {"signing": _REF}, alert_provider.WEBHOOK_ONLY),
    BadProvider("chat with headers", SLACK | {"headersFrom": [{"name": "X", **_REF}]}, alert_provider.WEBHOOK_ONLY),
    BadProvider("chat with a body", SLACK | {"template": {"body": "{}"}}, alert_provider.WEBHOOK_ONLY),
    BadProvider(
        "mail over http", {"type": "email", "address": "http://mail.test", "email": MAIL}, alert_provider.SCHEME
    ),
    BadProvider("hook over smtp", {"type": "webhook", "address": "smtp://mail.test"}, alert_provider.SCHEME),
    BadProvider(
        "password in the address", {"type": "webhook", "address": "https://me:secret@host/"},
        "without user or password", _PATTERN,
    ),
    BadProvider("password of the proxy", SLACK | {"proxy": "http://me:x@proxy"}, "without user or password", _PATTERN),
    BadProvider("template unknown", SLACK | {"template": {"text": "{{ nmae }}"}}, alert_provider.NO_VARIABLE, _PATTERN),
    BadProvider(
        "link unknown", SLACK | {"links": [{"title": "x", "url": "https://h/{{x}}"}]}, "those of templates", _PATTERN
    ),
    BadProvider("namespaces odd", SLACK | {"namespaces": ["*-team"]}, "a beginning such as team-*", _PATTERN),
    BadProvider(
        "mailbox odd", {"type": "email", "address": "smtp://m", "email": MAIL | {"to": ["Team <team@x>"]}},
        "write an address such as", _PATTERN,
    ),
    BadProvider(
        "header twice",
        {"type": "webhook", **SECRET, "headersFrom": [{"name": "X-Key", **_REF}, {"name": "x-key", **_REF}]},
        hooks.HEADER_TWICE,
    ),
    BadProvider(
        "header taken", {"type": "webhook", **SECRET, "headersFrom": [{"name": "Content-Type", **_REF}]},
        hooks.HEADER_TAKEN,
    ),
    BadProvider("phase unknown", SLACK | {"phases": ["Done"]}, "supported values", "Input should be"),
)  # fmt: skip
