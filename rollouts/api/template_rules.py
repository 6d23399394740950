"""What the API server checks of an AnalysisTemplate beyond types: CEL that says what its models say, in their words."""

from __future__ import annotations

from rollouts.api import hooks, provider, template
from rollouts.api.rules import EXTRAS
from rollouts.api.schema import Extras, Rule

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
        ),
        # A map's keys have no bound that the server's estimate of costs knows: the rest of it is the models' to say.
        "Provider.headers": (Rule(f"self.all(k, size(k) <= {provider.HEADER_NAME_MAX})", provider.BAD_HEADER),),
        "Provider.headersFrom": (
            Rule("self.all(h, self.exists_one(n, n.name.lowerAscii() == h.name.lowerAscii()))", provider.HEADER_TWICE),
            Rule(f"!self.exists(h, h.name.lowerAscii().matches('^({_TAKEN})'))", provider.HEADER_TAKEN),
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
