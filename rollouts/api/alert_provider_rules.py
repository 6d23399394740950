"""What the API server checks of an AlertProvider beyond types, in the words of its model (alert_provider.py)."""

from __future__ import annotations

from rollouts.api import alert, alert_provider, durations, hooks
from rollouts.api.rules import EXTRAS, HEADER_RULES, matched_by
from rollouts.api.schema import Extras, Rule


def _one_of(types: tuple[alert_provider.ProviderType, ...]) -> str:
    return f"self.type in {sorted(map(str, types))}"


_SMTP = "self.address.startsWith('smtp')"
_TEMPLATE = Rule(matched_by(alert_provider.TEMPLATE_PATTERN), alert_provider.NO_VARIABLE)

PROVIDER_EXTRAS = Extras(
    rules={
        "AlertProviderSpec": (
            Rule(
                f"has(self.secretRef) || !({_one_of(alert_provider.SECRET_TYPES)})",
                alert_provider.NEEDS_SECRET,
            ),
            Rule(
                f"!has(self.address) || {_one_of(alert_provider.ADDRESSED_TYPES)}",
                alert_provider.PUBLIC_ADDRESS,
            ),
            Rule("has(self.address) || has(self.secretRef)", alert_provider.NO_ADDRESS),
            Rule("has(self.email) == (self.type == 'email')", alert_provider.EMAIL),
            Rule(
                "self.type == 'webhook' || size(self.headersFrom) == 0 && !has(self.signing) && "
                "!(has(self.template) && has(self.template.body))",
                alert_provider.WEBHOOK_ONLY,
            ),
            Rule(f"!has(self.address) || {_SMTP} == (self.type == 'email')", alert_provider.SCHEME),
        ),
        "AlertProviderSpec.headersFrom": HEADER_RULES,
    },
    map_keys={"AlertProviderStatus.conditions": "type"},
    pattern_rules={
        alert_provider.ADDRESS_PATTERN: (
            Rule(
                matched_by(alert_provider.ADDRESS_PATTERN),
                "write a URL such as https://host/path or smtp://host:587, in plain ASCII and without user or password",
            ),
        ),
        alert_provider.PROXY_PATTERN: (
            Rule(
                matched_by(alert_provider.PROXY_PATTERN),
                "write a URL such as http://proxy:3128, in plain ASCII and without user or password",
            ),
        ),
        alert_provider.LINK_PATTERN: (
            Rule(
                matched_by(alert_provider.LINK_PATTERN),
                "write a URL such as https://host/{{name}}, in plain ASCII; other variables are those of templates",
            ),
        ),
        alert_provider.NAMESPACES_PATTERN: (
            Rule(
                matched_by(alert_provider.NAMESPACES_PATTERN),
                "write the name of a namespace, a beginning such as team-*, or *",
            ),
        ),
        alert_provider.MAILBOX_PATTERN: (
            Rule(matched_by(alert_provider.MAILBOX_PATTERN), "write an address such as team@example.com"),
        ),
        alert_provider.TEMPLATE_PATTERN: (_TEMPLATE,),
        alert.OBJECT_NAME_PATTERN: EXTRAS.pattern_rules[hooks.SECRET_NAME_PATTERN],
        hooks.SECRET_KEY_PATTERN: EXTRAS.pattern_rules[hooks.SECRET_KEY_PATTERN],
        hooks.HEADER_PATTERN: EXTRAS.pattern_rules[hooks.HEADER_PATTERN],
        durations.PATTERN: EXTRAS.pattern_rules[durations.PATTERN],
    },
)
