"""One good AnalysisTemplate, and the table of bad ones that both the models and the API server must refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rollouts.api import provider, template

QUERY = 'sum(rate(errors_total{app="{{ target }}"}[{{ interval }}]))'


@dataclass(frozen=True, slots=True)
class BadTemplate:
    """A spec, and the words with which each side refuses it."""

    name: str
    spec: dict[str, Any]
    at: str
    """Where the API server says it is: a path below `spec`; empty for the spec itself."""
    says: str
    model_says: str = ""
    """Words of the model's message, where they differ."""
    by_model_alone: bool = False
    """The API server takes it: the controller says it in the condition."""


def manifest(spec: dict[str, Any], name: str = "errors", namespace: str = "shop") -> dict[str, Any]:
    """An AnalysisTemplate."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "rollouts.dev/v1beta1", "kind": "AnalysisTemplate", "metadata": metadata, "spec": spec}


def _provider(**fields: Any) -> dict[str, Any]:
    return {"query": QUERY, "provider": {"address": "https://prometheus:9090"} | fields}


_KEY = {"name": "key", "key": "value"}
_SECRET = {"name": "X-Key", "secretKeyRef": _KEY}
_WEB = {"jsonPath": "$.errors"}


def _without_address(**fields: Any) -> dict[str, Any]:
    return {"query": QUERY, "provider": fields}


BAD = (
    BadTemplate("no question", {}, "", template.ONE_QUESTION),
    BadTemplate(
        "two questions", {"query": QUERY, "counters": {"bad": "a", "total": "b"}}, "", template.ONE_QUESTION,
    ),
    BadTemplate(
        "PromQL for a web source", _provider(type="web"), "", template.WEB_BY_WEB,
    ),
    BadTemplate("JSONPath for Prometheus", {"web": _WEB}, "", template.WEB_BY_WEB),
    BadTemplate("a web source nowhere", {"web": _WEB, "provider": {"type": "web"}}, "provider", provider.NO_ADDRESS),
    BadTemplate(
        "a type that nobody knows", _provider(type="graphite"), "provider.type",
        'supported values: "prometheus", "web"',
        "Input should be 'prometheus' or 'web'",
    ),
    *(
        BadTemplate(f"{name} for the controller's own Prometheus", _without_address(**fields), "provider",
                    provider.OURS_AS_IT_IS)
        for name, fields in (
            ("a header", {"headers": {"X-Scope-OrgID": ["other"]}}),
            ("a secret header", {"headersFrom": [_SECRET]}),
            ("credentials", {"secretRef": {"name": "login"}}),
            ("no certificate", {"insecureSkipVerify": True}),
        )
    ),
    BadTemplate("an address that is none", _provider(address="prometheus:9090"), "provider.address",
                "write a URL such as https://host/path", "should match pattern"),
    BadTemplate("a header twice", _provider(headersFrom=[_SECRET, _SECRET | {"name": "x-key"}]), "provider.headersFrom",
                provider.HEADER_TWICE),
    BadTemplate("a secret header of ours", _provider(headersFrom=[_SECRET | {"name": "Content-Type"}]),
                "provider.headersFrom", provider.HEADER_TAKEN),
    BadTemplate("a header's name of no bound", _provider(headers={"X" * 129: ["1"]}), "provider.headers",
                provider.BAD_HEADER),
    *(
        BadTemplate(f"a header {name}", _provider(headers={header: ["1"]}, headersFrom=[_SECRET]), "provider", says,
                    by_model_alone=True)
        for name, header, says in (
            ("in both ways", "x-key", provider.HEADER_TWICE),
            ("of ours", "Content-Type", provider.HEADER_TAKEN),
            ("whose name is none", "X Key", provider.BAD_HEADER),
        )
    ),
    BadTemplate("an argument twice", {"query": QUERY, "args": [{"name": "a"}, {"name": "a"}]}, "args",
                template.ARGUMENT_TWICE, template.ARGUMENT_TWICE),
    BadTemplate(
        "an argument with two values",
        {"query": QUERY, "args": [{"name": "a", "value": "1", "valueFrom": {"secretKeyRef": _KEY}}]},
        "args[0]", template.ONE_VALUE,
    ),
    BadTemplate("an argument's name that is none", {"query": QUERY, "args": [{"name": "a b"}]}, "args[0].name",
                template.ARGUMENT_NAME, "should match pattern"),
    BadTemplate("a namespace by a pattern", {"query": QUERY, "allowedNamespaces": ["shop-*"]}, "allowedNamespaces[0]",
                template.ALLOWED, "should match pattern"),
)  # fmt: skip
