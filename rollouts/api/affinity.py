"""Session affinity: a client that was given the canary once stays with it while the release lasts."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from rollouts.api.wire import WIRE

CookieName = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[-_.a-zA-Z0-9]+$")]


class SessionAffinity(BaseModel):
    """The cookies that keep a client with its version."""

    model_config = WIRE

    cookie_name: CookieName = Field(description="Cookie given to clients of the canary.")
    primary_cookie_name: CookieName | None = Field(
        None, description="Cookie given to clients of the primary: they stay there for one interval."
    )
    max_age: Annotated[int, Field(ge=1, le=31_536_000)] = Field(86400, description="Life of the cookie, in seconds.")
    domain: Annotated[str, Field(max_length=253, pattern=r"^[-.a-zA-Z0-9]*$")] = Field(
        "", description="Domain attribute; empty for none."
    )
    path: Annotated[str, Field(max_length=253, pattern=r"^[^;,\s]*$")] = Field(
        "", description="Path attribute; empty for none."
    )
    http_only: bool = Field(default=False, description="HttpOnly attribute.")
    secure: bool = Field(default=False, description="Secure attribute.")
    partitioned: bool = Field(default=False, description="Partitioned attribute.")
    same_site: Literal["", "Strict", "Lax", "None"] = Field("", description="SameSite attribute; empty for none.")

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if self.cookie_name == self.primary_cookie_name:
            raise ValueError("cookieName and primaryCookieName must differ")
        return self
