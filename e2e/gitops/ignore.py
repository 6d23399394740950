"""What a GitOps tool is told not to look at, as `ignoreDifferences` of an Application says it, read from a file.

Pure. Of jq only such paths as that file has are known, and any other word of it fails: what is shipped and what is
played must not part ways. A path is `.a.b[]?.c`, and may end in a filter: `| select(.x | test("RE"))`, or
`| select((.x // "") | startswith("TEXT"))`, `| select(. == JSON)`.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]
SHIPPED = Path(__file__).resolve().parents[2] / "deploy" / "argocd" / "ignore-differences.yaml"
CONFIGURED = SHIPPED.with_name("argocd-cm.yaml")
_STEP = re.compile(r"\.([A-Za-z][A-Za-z0-9]*)|(\[\]\??)|\?")
_FILTER = re.compile(
    r'select\(\(?(?P<path>[.A-Za-z]+)(?: // "")?\)? \| (?P<how>test|startswith)\("(?P<text>[^"]+)"\)\)'
)
_EQUAL = re.compile(r"select\(\. == (?P<value>.+)\)")
_CUSTOM = re.compile(r"resource\.customizations\.ignoreDifferences\.(?P<group>.+)_(?P<kind>\w+)")
_FIELDS = frozenset({"group", "kind", "jsonPointers", "jqPathExpressions"})
Place = tuple[Any, Any]
"""What holds a value, and where in it."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """What is not looked at, and how it is synced then."""

    rules: tuple[Json, ...] = ()
    options: frozenset[str] = frozenset()
    """As `syncPolicy.syncOptions` has them."""

    @classmethod
    def of(cls, text: str) -> Ignored:
        """What a file says. Raises ValueError for words that are not played."""
        told = yaml.safe_load(text)
        for rule in told["ignoreDifferences"]:
            if unknown := rule.keys() - _FIELDS:
                raise ValueError(f"ignoreDifferences with {', '.join(sorted(unknown))} is not played")
            for expression in rule.get("jqPathExpressions", ()):
                _parsed(expression)
        return cls(tuple(told["ignoreDifferences"]), frozenset(told["syncPolicy"]["syncOptions"]))

    def configured(self, text: str) -> Ignored:
        """And what Argo CD's own ConfigMap says for whole kinds."""
        rules = []
        for name, told in yaml.safe_load(text)["data"].items():
            if found := _CUSTOM.fullmatch(name):
                rules.append({**found.groupdict(), **yaml.safe_load(told)})
        return Ignored((*self.rules, *rules), self.options)

    @property
    def respected(self) -> bool:
        """Whether a sync sends what stands there, in the place of what the file says."""
        return "RespectIgnoreDifferences=true" in self.options

    @property
    def partial(self) -> bool:
        """Whether a sync applies only the objects that differ."""
        return "ApplyOutOfSyncOnly=true" in self.options

    def without(self, manifest: Json) -> Json:
        """An object without what is not looked at."""
        bare = copy.deepcopy(manifest)
        for rule in self.rules:
            group = bare["apiVersion"].rpartition("/")[0]
            if (rule["group"], rule["kind"]) == (group, bare["kind"]):
                for pointer in rule.get("jsonPointers", ()):
                    _delete([*_pointed(bare, pointer)])
                for expression in rule.get("jqPathExpressions", ()):
                    _delete([*_selected(bare, expression)])
        return bare


def _delete(places: Sequence[Place]) -> None:
    """The last first, so that those before it stay where they are."""
    for holder, key in reversed(places):
        del holder[key]


def _pointed(value: Any, pointer: str) -> Iterator[Place]:
    *way, last = pointer.lstrip("/").split("/")
    for step in way:
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, dict) and last in value:
        yield value, last


def _selected(value: Any, expression: str) -> Iterator[Place]:
    steps, chosen = _parsed(expression)
    places: list[Place] = [([value], 0)]
    for step in steps:
        found = [holder[key] for holder, key in places]
        if step == "[]":
            places = [(one, index) for one in found if isinstance(one, list) for index in range(len(one))]
        else:
            places = [(one, step) for one in found if isinstance(one, dict) and step in one]
    yield from (place for place in places if chosen is None or _is_chosen(place[0][place[1]], chosen))


def _is_chosen(value: Any, chosen: re.Match[str]) -> bool:
    if chosen.re is _EQUAL:
        return bool(value == json.loads(chosen["value"]))
    for step in chosen["path"].strip(".").split("."):
        value = value.get(step) if isinstance(value, dict) else None
    text = str(value or "")
    return text.startswith(chosen["text"]) if chosen["how"] == "startswith" else bool(re.search(chosen["text"], text))


def _parsed(expression: str) -> tuple[list[str], re.Match[str] | None]:
    """The steps of a path and its filter. Raises ValueError."""
    path, piped, rest = expression.partition(" | ")
    chosen = (_FILTER.fullmatch(rest) or _EQUAL.fullmatch(rest)) if piped else None
    steps = ["[]" if found[2] else found[1] for found in _STEP.finditer(path) if found[1] or found[2]]
    if "".join(found[0] for found in _STEP.finditer(path)) != path or not steps or (piped and chosen is None):
        raise ValueError(f"jqPathExpressions {expression!r} is not played")
    return steps, chosen
