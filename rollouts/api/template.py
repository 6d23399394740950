"""The AnalysisTemplate as a user writes it: a check that many Canaries use, with arguments of theirs.

Frozen wire types, like canary.py; what several fields must fulfil together is said again as CEL in template_rules.py.
Knows neither how a text is rendered nor who asks it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from rollouts.api.hooks import SecretKeyRef
from rollouts.api.metric import ARGUMENT_MAX, ARGUMENTS_MAX, QUERY_MAX, Counters
from rollouts.api.provider import Provider, ProviderType
from rollouts.api.status import Condition
from rollouts.api.wire import WIRE

ARGUMENT_NAME_PATTERN = r"^[a-zA-Z][-_a-zA-Z0-9]*$"
ALLOWED_PATTERN = r"^(\*|[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)$"
EVERYWHERE = "*"

ONE_QUESTION = "set exactly one of query, counters and web"
WEB_BY_WEB = "web goes with provider.type: web, query and counters with provider.type: prometheus"
ONE_VALUE = "set value or valueFrom, not both"
ARGUMENT_TWICE = "args: each name may stand once"
ARGUMENT_NAME = "write letters, digits, - and _, a letter first"
ALLOWED = "write the name of a namespace, or *"


class ArgumentType(StrEnum):
    """How an argument's value is meant."""

    TEXT = "text"
    """As it is: between quotes every character stands for itself, also in a regular expression."""
    PATTERN = "pattern"
    """A regular expression, which can only stand after =~ or !~."""


class ArgumentFrom(BaseModel):
    """Where a value is."""

    model_config = WIRE

    secret_key_ref: SecretKeyRef = Field(description="A key of a Secret in the template's namespace.")


class Argument(BaseModel):
    """What a Canary may, or must, say by its templateVariables."""

    model_config = WIRE

    name: Annotated[str, Field(min_length=1, max_length=63, pattern=ARGUMENT_NAME_PATTERN)] = Field(
        description="The query has its value as {{ args.NAME }}."
    )
    value: Annotated[str, Field(max_length=ARGUMENT_MAX)] | None = Field(
        None, description="What it is where a Canary says nothing. Without value and valueFrom a Canary has to say it."
    )
    value_from: ArgumentFrom | None = Field(None, description="The same from a Secret. A Canary can't replace it.")
    type: ArgumentType = Field(ArgumentType.TEXT, description="text, or pattern for a regular expression.")
    description: Annotated[str, Field(max_length=256)] = Field("", description="For people.")

    @model_validator(mode="after")
    def _has_one_value(self) -> Self:
        if self.value is not None and self.value_from is not None:
            raise ValueError(ONE_VALUE)
        return self

    @property
    def required(self) -> bool:
        """Whether each Canary has to say it."""
        return self.value is None and self.value_from is None


class Web(BaseModel):
    """A number in a JSON document."""

    model_config = WIRE

    path: Annotated[str, Field(max_length=1024)] = Field(
        "", description="What follows provider.address, with variables: /api/orders?app={{ name }}."
    )
    body: Annotated[str, Field(max_length=4096)] = Field(
        "", description="JSON with variables, sent by POST. Without it: GET."
    )
    json_path: Annotated[str, Field(min_length=1, max_length=512)] = Field(
        description="JSONPath of the one number in the answer: $.data.errors."
    )


class AnalysisTemplateSpec(BaseModel):
    """What is measured, where, and by whom it may be used."""

    model_config = WIRE

    description: Annotated[str, Field(max_length=1024)] = Field("", description="What it measures, for people.")
    unit: Annotated[str, Field(max_length=16)] = Field("", description="Of the value, as people read it: %, ms.")
    provider: Provider = Field(Provider(), description="Where the question is asked.")
    args: tuple[Argument, ...] = Field((), max_length=ARGUMENTS_MAX, description="What Canaries may say.")
    query: Annotated[str, Field(min_length=1, max_length=QUERY_MAX)] | None = Field(
        None, description="PromQL with {{ variables }}, for one number at one instant."
    )
    counters: Counters | None = Field(
        None, description="Raw counters with {{ variables }}, for evaluation: sequential."
    )
    web: Web | None = Field(None, description="A number in a JSON document, of a web provider.")
    allowed_namespaces: Annotated[
        tuple[Annotated[str, Field(max_length=63, pattern=ALLOWED_PATTERN)], ...], Field(max_length=64)
    ] = Field((), description="Whose Canaries may use it, beside those of its own namespace; * is everybody's.")

    @model_validator(mode="after")
    def _asks_one_question(self) -> Self:
        if sum(part is not None for part in (self.query, self.counters, self.web)) != 1:
            raise ValueError(ONE_QUESTION)
        if (self.web is not None) != (self.provider.type is ProviderType.WEB):
            raise ValueError(WEB_BY_WEB)
        if len({arg.name for arg in self.args}) < len(self.args):
            raise ValueError(ARGUMENT_TWICE)
        return self

    @property
    def texts(self) -> tuple[str, ...]:
        """All that has variables in it."""
        if self.counters is not None:
            return self.counters.bad, self.counters.total
        return (self.web.path, self.web.body, self.web.json_path) if self.web is not None else (self.query or "",)

    def allows(self, own_namespace: str, namespace: str) -> bool:
        """Whether a Canary of `namespace` may use it, where it is itself in `own_namespace`."""
        return namespace == own_namespace or not {namespace, EVERYWHERE}.isdisjoint(self.allowed_namespaces)


class AnalysisTemplateStatus(BaseModel):
    """What the controller found out about a template."""

    model_config = WIRE

    observed_generation: int = Field(0, description="Which generation of the spec the conditions speak of.")
    conditions: Annotated[tuple[Condition, ...], Field(max_length=4)] = Field(
        (), description="Ready: whether the source it is meant for takes the question."
    )
