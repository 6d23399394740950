"""What is put into the texts of a template: its arguments, and stand-ins for what only a Canary can say. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from rollouts.api.template import AnalysisTemplateSpec, ArgumentType
from rollouts.core.templating import Word, Words, render_json, render_json_path, render_path, render_query, variables_of


@dataclass(frozen=True, slots=True)
class Texts:
    """What is asked, without a variable left: one query, two of raw counters, or a path, a body and a JSONPath."""

    query: str = ""
    bad: str = ""
    total: str = ""
    path: str = ""
    body: str = ""
    json_path: str = ""

    @property
    def asked(self) -> str:
        """What a source of single values is asked; a web source has its path already."""
        if not self.body:
            return self.json_path or self.query
        return json.dumps({"path": "", "method": "POST", "body": self.body, "jsonPath": self.json_path})


def argument_words(spec: AnalysisTemplateSpec, given: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, Word]:
    """Of the arguments: what is given, else what the template says. Flagger calls them `variables`."""
    defaults = {arg.name: arg.value for arg in spec.args if arg.value is not None}
    patterns = {arg.name for arg in spec.args if arg.type is ArgumentType.PATTERN}
    values = {**defaults, **given, **secrets}
    return {
        f"{kind}.{name}": Word(value, pattern=name in patterns, secret=name in secrets)
        for name, value in values.items()
        for kind in ("args", "variables")
    }


def stand_ins(spec: AnalysisTemplateSpec, secrets: Mapping[str, str]) -> Words:
    """Words for all that only a Canary can say, where a template is looked at without one."""
    names = ("namespace", "name", "target", "canary", "primary", "service", "ingress")
    words: dict[str, Word | None] = {name: Word("x") for name in names}
    words |= {"interval": Word("1m"), "pods": Word("x", pattern=True)}
    unsaid = {arg.name: "x" for arg in spec.args if arg.required} | dict.fromkeys(_used(spec, "variables"), "x")
    declared = {arg.name for arg in spec.args if not arg.required}
    given = {name: value for name, value in unsaid.items() if name not in declared}
    words.update(argument_words(spec, given, secrets))
    return words


def render(spec: AnalysisTemplateSpec, words: Words) -> Texts:
    """All texts of the question. Raises SpecInvalid, naming what is wrong."""
    if spec.counters is not None:
        return Texts(bad=render_query(spec.counters.bad, words), total=render_query(spec.counters.total, words))
    if spec.web is not None:
        path, body = render_path(spec.web.path, words), render_json(spec.web.body, words)
        return Texts(path=path, body=body, json_path=render_json_path(spec.web.json_path, words))
    return Texts(query=render_query(spec.query or "", words))


def needs_a_canary(spec: AnalysisTemplateSpec) -> bool:
    """Whether there are arguments that only a Canary can say."""
    declared = {arg.name for arg in spec.args if not arg.required}
    return any(arg.required for arg in spec.args) or not _used(spec, "variables") <= declared


def undeclared(spec: AnalysisTemplateSpec) -> str:
    """The first argument that the texts have and that is not declared; empty if there is none. Raises SpecInvalid."""
    return min(_used(spec, "args") - {arg.name for arg in spec.args}, default="")


def givable(spec: AnalysisTemplateSpec) -> set[str]:
    """What can be given: the arguments and, as in Flagger, any name that the text has as `variables.NAME`."""
    return {arg.name for arg in spec.args} | _used(spec, "variables")


def _used(spec: AnalysisTemplateSpec, kind: str) -> set[str]:
    parts = (name.partition(".") for text in spec.texts for name in variables_of(text))
    return {own for found, _, own in parts if found == kind}
