"""What the dashboard and the rules ask, read from their files as Grafana and Prometheus do. Pure but for the files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

MONITORING = Path(__file__).resolve().parents[2] / "deploy" / "monitoring"
_LABEL_VALUES = re.compile(r"label_values\((?P<series>.+), *(?P<label>[a-z_]+)\)")
_VARIABLE = re.compile(r"\$\{?([a-z_]+)\}?")


@dataclass(frozen=True, slots=True)
class Query:
    """One of a panel's, or an alert's expression."""

    owner: str
    """The panel's title, or the alert's name."""
    text: str
    alert: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable whose values are those that a label has."""

    name: str
    series: str
    label: str


def read_dashboard(text: str) -> tuple[tuple[Variable, ...], tuple[Query, ...]]:
    """Its variables that come from series, in their order, and the queries of all panels."""
    dashboard: dict[str, Any] = json.loads(text)
    found = [one for one in dashboard["templating"]["list"] if one["type"] == "query"]
    variables = tuple(_variable(one["name"], one["query"]["query"]) for one in found)
    return variables, tuple(_queries(dashboard["panels"]))


def read_rules(text: str) -> tuple[Query, ...]:
    """The expressions of all alerts of a PrometheusRule."""
    groups = yaml.safe_load(text)["spec"]["groups"]
    return tuple(Query(rule["alert"], rule["expr"], alert=True) for group in groups for rule in group["rules"])


def filled(text: str, values: Mapping[str, Sequence[str]]) -> str:
    """The query with its variables, as Grafana writes several values; none at all is its "All". KeyError if unknown."""

    def value(found: re.Match[str]) -> str:
        chosen = values[found[1]]
        return "|".join(map(re.escape, chosen)).replace("\\", "\\\\") if chosen else ".*"

    return _VARIABLE.sub(value, text)


def _variable(name: str, query: str) -> Variable:
    found = _LABEL_VALUES.fullmatch(query)
    if found is None:
        raise ValueError(f"variable {name} is not made of label_values: {query}")
    return Variable(name, found["series"], found["label"])


def _queries(panels: Sequence[Mapping[str, Any]]) -> Iterator[Query]:
    for panel in panels:
        for target in panel["targets"]:
            yield Query(panel["title"], target["expr"])
