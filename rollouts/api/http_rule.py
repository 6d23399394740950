"""What a user may say of requests in Istio's words, to stand on every rule that we make for them.

Wire types with Istio's names, each a part of its `HTTPRoute`. Weights, destinations, mirrors and cookies are not here:
they are the release's own.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from rollouts.api.durations import PATTERN, duration_s
from rollouts.api.match import CONDITIONS_MAX, Name, Pattern, StringMatch
from rollouts.api.wire import WIRE

WAIT_PATTERN = f"{PATTERN[:-1]}()$"
"""A duration that may be shorter than a second; not the same text as PATTERN, which has a least of its own."""
TOO_BRIEF = "too short: the least is 1ms"
ENTRIES_MAX = 32
ONE_WAY_AT_MOST = "set at most one of exact, prefix and regex; none of them means that it is there"
NO_CONDITION = "a match needs a condition: without any it takes everything"
ONE_ABORT = "set exactly one of httpStatus and grpcStatus"
NO_FAULT = "a fault needs delay, abort or both"
NO_REWRITE = "a rewrite needs uri, authority or uriRegexRewrite, and only one of uri and uriRegexRewrite"
Text = Annotated[str, Field(max_length=1024)]


def _checked(text: str) -> str:
    if re.fullmatch(WAIT_PATTERN, text) is None:
        raise ValueError(f"write a duration such as 10s or 1m30s, not {text!r}")
    if duration_s(text) < 0.001:
        raise ValueError(f"{text} is {TOO_BRIEF}")
    return text


Wait = Annotated[str, Field(max_length=32, json_schema_extra={"pattern": WAIT_PATTERN}), AfterValidator(_checked)]
Percent = Annotated[float, Field(ge=0, le=100)]


class PresenceMatch(BaseModel):
    """How a text is compared; with nothing set, that it is there at all."""

    model_config = WIRE

    exact: Pattern | None = Field(None, description="The whole text.")
    prefix: Pattern | None = Field(None, description="How the text begins.")
    regex: Pattern | None = Field(None, description="An RE2 expression that the whole text matches.")

    @model_validator(mode="after")
    def _compares_in_one_way(self) -> Self:
        if [self.exact, self.prefix, self.regex].count(None) < 2:
            raise ValueError(ONE_WAY_AT_MOST)
        return self


Conditions = Annotated[dict[Name, PresenceMatch], Field(max_length=CONDITIONS_MAX)]


class ServiceMatch(BaseModel):
    """One of Istio's HTTPMatchRequests: all its conditions must hold."""

    model_config = WIRE

    name: Annotated[str, Field(min_length=1, max_length=63)] | None = Field(None, description="Name in access logs.")
    uri: StringMatch | None = Field(None, description="The path of the request.")
    ignore_uri_case: bool | None = Field(None, description="Whether case makes no difference to the path.")
    scheme: StringMatch | None = Field(None, description="http or https.")
    method: StringMatch | None = Field(None, description="The method.")
    authority: StringMatch | None = Field(None, description="The host that the client asked for.")
    headers: Conditions = Field({}, description="By the name of a header, in lower case.")
    without_headers: Conditions = Field({}, description="What must not hold, by the name of a header.")
    query_params: Conditions = Field({}, description="By the name of a query parameter.")
    source_labels: Annotated[dict[Name, Annotated[str, Field(max_length=63)]], Field(max_length=CONDITIONS_MAX)] = (
        Field({}, description="Labels of the calling pod; only for callers inside the mesh.")
    )
    source_namespace: Annotated[str, Field(min_length=1, max_length=63)] | None = Field(
        None, description="Namespace of the calling pod."
    )
    gateways: tuple[Name, ...] = Field((), max_length=16, description="Of the service's gateways, those meant.")
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(None, description="The port that was called.")
    stat_prefix: Annotated[str, Field(min_length=1, max_length=63)] | None = Field(
        None, description="Prefix of Envoy's statistics of the rule."
    )

    @model_validator(mode="after")
    def _has_a_condition(self) -> Self:
        texts = (self.uri, self.scheme, self.method, self.authority, self.source_namespace, self.port)
        maps = (self.headers, self.without_headers, self.query_params, self.source_labels, self.gateways)
        if not any(maps) and all(text is None for text in texts):
            raise ValueError(NO_CONDITION)
        return self


class RegexRewrite(BaseModel):
    """A path rewritten by a regular expression."""

    model_config = WIRE

    match: Pattern = Field(description="RE2 expression; what it matches is replaced.")
    rewrite: Text = Field(description="What takes its place; \\1 is the first group.")


class Rewrite(BaseModel):
    """What is changed in a request on its way."""

    model_config = WIRE

    uri: Pattern | None = Field(None, description="Takes the place of the path, or of the prefix that was matched.")
    authority: Pattern | None = Field(None, description="Takes the place of the host.")
    uri_regex_rewrite: RegexRewrite | None = Field(None, description="Instead of uri.")

    @model_validator(mode="after")
    def _changes_one_thing(self) -> Self:
        changes = self.uri or self.authority or self.uri_regex_rewrite
        if not changes or (self.uri is not None and self.uri_regex_rewrite is not None):
            raise ValueError(NO_REWRITE)
        return self


class Retries(BaseModel):
    """When a request is tried again."""

    model_config = WIRE

    attempts: Annotated[int, Field(ge=0, le=100)] = Field(description="How often at most; 0 for never.")
    per_try_timeout: Wait | None = Field(None, description="How long one try may take.")
    retry_on: Pattern | None = Field(None, description="Envoy's conditions, such as `5xx,reset`.")
    retry_remote_localities: bool | None = Field(None, description="Whether other localities are tried too.")
    retry_ignore_previous_hosts: bool | None = Field(None, description="Whether a host is not tried twice.")
    backoff: Wait | None = Field(None, description="The least time between two tries.")


HeaderValues = Annotated[dict[Name, Text], Field(max_length=ENTRIES_MAX)]


class HeaderOperations(BaseModel):
    """What is done with headers."""

    model_config = WIRE

    set: HeaderValues = Field({}, description="Written in place of what is there.")
    add: HeaderValues = Field({}, description="Added to what is there.")
    remove: tuple[Name, ...] = Field((), max_length=ENTRIES_MAX, description="Taken away.")


class Headers(BaseModel):
    """What is done with headers on both ways."""

    model_config = WIRE

    request: HeaderOperations | None = Field(None, description="Before the request reaches a version.")
    response: HeaderOperations | None = Field(None, description="Before the client gets the answer.")


class CorsPolicy(BaseModel):
    """Cross-origin resource sharing, answered by the proxy."""

    model_config = WIRE

    allow_origins: tuple[StringMatch, ...] = Field((), max_length=ENTRIES_MAX, description="Origins that may ask.")
    allow_methods: tuple[Name, ...] = Field((), max_length=ENTRIES_MAX, description="Methods that may be used.")
    allow_headers: tuple[Name, ...] = Field((), max_length=ENTRIES_MAX, description="Headers that may be sent.")
    expose_headers: tuple[Name, ...] = Field((), max_length=ENTRIES_MAX, description="Headers that may be read.")
    max_age: Wait | None = Field(None, description="How long the answer to a preflight may be kept.")
    allow_credentials: bool | None = Field(None, description="Whether requests may carry credentials.")
    unmatched_preflights: Literal["UNSPECIFIED", "FORWARD", "IGNORE"] | None = Field(
        None, description="What becomes of preflights of other origins."
    )


class Share(BaseModel):
    """A part of all requests."""

    model_config = WIRE

    value: Percent = Field(description="Percent, with up to four digits behind the point.")


class Delay(BaseModel):
    """Requests held back for a test."""

    model_config = WIRE

    fixed_delay: Wait = Field(description="For how long.")
    percentage: Share | None = Field(None, description="How many. Default: all.")


class Abort(BaseModel):
    """Requests refused for a test."""

    model_config = WIRE

    http_status: Annotated[int, Field(ge=200, le=599)] | None = Field(None, description="With this status.")
    grpc_status: Annotated[str, Field(min_length=1, max_length=32)] | None = Field(
        None, description="Or with this status of gRPC, such as UNAVAILABLE."
    )
    percentage: Share | None = Field(None, description="How many. Default: all.")

    @model_validator(mode="after")
    def _has_a_status(self) -> Self:
        if (self.http_status is None) == (self.grpc_status is None):
            raise ValueError(ONE_ABORT)
        return self


class Fault(BaseModel):
    """Faults that the proxy makes, for both versions alike."""

    model_config = WIRE

    delay: Delay | None = Field(None, description="Requests that are held back.")
    abort: Abort | None = Field(None, description="Requests that are refused.")

    @model_validator(mode="after")
    def _makes_one(self) -> Self:
        if self.delay is None and self.abort is None:
            raise ValueError(NO_FAULT)
        return self


def as_istio(model: BaseModel) -> Any:
    """The part as a VirtualService has it: without what was not said, whole numbers without a point."""
    fields = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(model, ServiceMatch):
        # Inside of its maps an empty condition is one: that the header is there at all.
        return {key: value for key, value in fields.items() if value not in ({}, [])}
    return _trimmed(fields)


def _trimmed(value: Any) -> Any:
    if isinstance(value, dict):
        trimmed = {key: _trimmed(child) for key, child in value.items()}
        return {key: child for key, child in trimmed.items() if child not in ({}, [])}
    return int(value) if isinstance(value, float) and value.is_integer() else value
