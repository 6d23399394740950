"""What the API server checks of an AnalysisTemplate beyond types: CEL that says what its models say, in their words."""

from __future__ import annotations

from rollouts.api import hooks, provider, template
from rollouts.api.rules import EXTRAS
from rollouts.api.schema import Extras, Rule

_NAMES = "self.headers.map(k, k.lowerAscii()) + self.headersFrom.map(h, h.name.lowerAscii())"
_TAKEN = "|".join([*(f"{name}$" for name in provider.TAKEN_HEADERS), provider.TAKEN_PREFIX])

TEMPLATE_EXTRAS = Extras(
    rules={
        "AnalysisTemplateSpec": (
            Rule(
                " + ".join(f"(has(self.{name}) ? 1 : 0)" for name in ("query", "counters", "web")) + " == 1",
                template.ONE_QUESTION,
            ),
            Rule("has(self.web) == (self.provider.type == 'web')", template.WEB_BY_WEB),
        ),
        "AnalysisTemplateSpec.args": (
            Rule("self.all(a, self.exists_one(n, n.name == a.name))", template.ARGUMENT_TWICE),
        ),
        "Argument": (Rule("!has(self.value) || !has(self.valueFrom)", template.ONE_VALUE),),
        "Provider": (
            Rule("has(self.address) || self.type == 'prometheus'", provider.NO_ADDRESS),
            Rule(
                "has(self.address) || size(self.headers) == 0 && size(self.headersFrom) == 0 && "
                "!has(self.secretRef) && !self.insecureSkipVerify",
                provider.OURS_AS_IT_IS,
            ),
            Rule(f"({_NAMES}).all(n, ({_NAMES}).exists_one(m, m == n))", provider.HEADER_TWICE),
            Rule(f"!({_NAMES}).exists(n, n.matches('^({_TAKEN})'))", provider.HEADER_TAKEN),
        ),
        "Provider.headers": (
            Rule(f"self.all(k, size(k) <= 128 && k.matches('{hooks.HEADER_PATTERN}'))", provider.BAD_HEADER),
        ),
    },
    map_keys={"AnalysisTemplateStatus.conditions": "type"},
    pattern_rules={
        **{
            pattern: EXTRAS.pattern_rules[pattern]
            for pattern in (
                hooks.URL_PATTERN, hooks.SECRET_NAME_PATTERN, hooks.SECRET_KEY_PATTERN, hooks.HEADER_PATTERN,
            )
        },
        template.ARGUMENT_NAME_PATTERN: (
            Rule(f"self.matches('{template.ARGUMENT_NAME_PATTERN}')", template.ARGUMENT_NAME),
        ),
        template.ALLOWED_PATTERN: (
            Rule(f"self.matches('{template.ALLOWED_PATTERN.replace(chr(92), chr(92) * 2)}')", template.ALLOWED),
        ),
    },
)  # fmt: skip
