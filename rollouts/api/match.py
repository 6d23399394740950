"""Which requests are meant: the conditions of an A/B test, in Istio's words.

All conditions of one match must hold; of several matches one is enough.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from rollouts.api.wire import WIRE

CONDITIONS_MAX = 16
Name = Annotated[str, Field(min_length=1, max_length=253)]
Pattern = Annotated[str, Field(min_length=1, max_length=1024)]


class StringMatch(BaseModel):
    """How a text is compared: exactly one way."""

    model_config = WIRE

    exact: Pattern | None = Field(None, description="The whole text.")
    prefix: Pattern | None = Field(None, description="How the text begins.")
    regex: Pattern | None = Field(None, description="An RE2 expression that the whole text matches.")

    @model_validator(mode="after")
    def _compares_in_one_way(self) -> Self:
        if [self.exact, self.prefix, self.regex].count(None) != 2:
            raise ValueError("set exactly one of exact, prefix and regex")
        return self


class RequestMatch(BaseModel):
    """Conditions on one request."""

    model_config = WIRE

    headers: Annotated[dict[Name, StringMatch], Field(max_length=CONDITIONS_MAX)] = Field(
        {}, description="By the name of a header, in lower case. A cookie is the header `cookie`."
    )
    query_params: Annotated[dict[Name, StringMatch], Field(max_length=CONDITIONS_MAX)] = Field(
        {}, description="By the name of a query parameter."
    )
    uri: StringMatch | None = Field(None, description="The path of the request.")
    source_labels: Annotated[dict[Name, Annotated[str, Field(max_length=63)]], Field(max_length=CONDITIONS_MAX)] = (
        Field({}, description="Labels of the calling pod; only for callers inside the mesh.")
    )

    @model_validator(mode="after")
    def _has_a_condition(self) -> Self:
        if not (self.headers or self.query_params or self.uri or self.source_labels):
            raise ValueError("a match needs headers, queryParams, uri or sourceLabels: without any it takes everything")
        return self
