"""Where a template's question is asked: which kind of source, at which address, with which credentials.

Secrets are only referred to here. Knows no client of any source.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from rollouts.api.hooks import HEADER_PATTERN, HeaderFrom, SecretName, Url
from rollouts.api.wire import WIRE

NO_ADDRESS = "address is required: only the controller's own Prometheus can do without"
OURS_AS_IT_IS = "headers, headersFrom, secretRef and insecureSkipVerify go with an address of your own"
HEADER_TWICE = "headers and headersFrom: each name may stand once, in whatever case"
HEADER_TAKEN = "headers and headersFrom: the controller itself sets Connection, Content-*, Host and Transfer-Encoding"
BAD_HEADER = "headers: write names such as X-Scope-OrgID"
TAKEN_HEADERS = ("connection", "host", "transfer-encoding")
TAKEN_PREFIX = "content-"
HEADER_NAME_MAX = 128

HeaderValue = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[ -~]+$")]


class ProviderType(StrEnum):
    """Which kind of source answers."""

    PROMETHEUS = "prometheus"
    """Prometheus, or what speaks its API: Thanos, Mimir, VictoriaMetrics."""
    WEB = "web"
    """Anything that answers GET with JSON."""


class SecretRef(BaseModel):
    """A Secret in the template's namespace."""

    model_config = WIRE

    name: SecretName = Field(description="Name of the Secret.")


class Provider(BaseModel):
    """Where the question is asked."""

    model_config = WIRE

    type: ProviderType = Field(ProviderType.PROMETHEUS, description="prometheus or web.")
    address: Url | None = Field(None, description="Its URL. Default: the Prometheus that the controller itself asks.")
    secret_ref: SecretRef | None = Field(
        None,
        description="Credentials: keys username and password, or token; ca.crt; tls.crt and tls.key for mutual TLS.",
    )
    headers: Annotated[
        dict[str, Annotated[tuple[HeaderValue, ...], Field(min_length=1, max_length=4)]], Field(max_length=8)
    ] = Field({}, description="Headers that are no secret, such as X-Scope-OrgID.")
    headers_from: tuple[HeaderFrom, ...] = Field((), max_length=8, description="Headers with secret values.")
    insecure_skip_verify: bool = Field(default=False, description="Accept any certificate.")

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.address is not None:
            return self
        if self.type is not ProviderType.PROMETHEUS:
            raise ValueError(NO_ADDRESS)
        if self.headers or self.headers_from or self.secret_ref or self.insecure_skip_verify:
            raise ValueError(OURS_AS_IT_IS)
        return self

    @model_validator(mode="after")
    def _sends_what_can_be_sent(self) -> Self:
        if any(len(name) > HEADER_NAME_MAX or not _is_name(name) for name in self.headers):
            raise ValueError(BAD_HEADER)
        names = [name.lower() for name in (*self.headers, *(header.name for header in self.headers_from))]
        if len(set(names)) < len(names):
            raise ValueError(HEADER_TWICE)
        if any(name in TAKEN_HEADERS or name.startswith(TAKEN_PREFIX) for name in names):
            raise ValueError(HEADER_TAKEN)
        return self


def _is_name(name: str) -> bool:
    return re.fullmatch(HEADER_PATTERN, name) is not None
