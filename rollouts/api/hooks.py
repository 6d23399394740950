"""Webhooks as a user writes them in a Canary: who is told or asked, and when. Names are Flagger's where it has them.

Frozen wire types, like canary.py; what several fields must fulfil together is said again as CEL in rules.py. Secrets
are only referred to here. Nothing here knows when a hook is called, or what its answer does.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from rollouts.api.actions import APPROVALS_MAX
from rollouts.api.durations import Duration, duration_s
from rollouts.api.wire import WIRE

URL_PATTERN = r"^https?://[!-.0->@-~][!-~]*$"
"""Visible ASCII, and a host first."""
SECRET_NAME_PATTERN = r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"  # noqa: S105 - no password
SECRET_KEY_PATTERN = r"^[-._a-zA-Z0-9]+$"  # noqa: S105 - no password
HEADER_PATTERN = r"^[-_.a-zA-Z0-9]+$"
METADATA_KEY_MAX = 128
PAUSE_MAX_S = 30.0
"""The longest pause between two attempts."""

NO_URL = "url is required: only confirm-rollout, confirm-traffic-increase and confirm-promotion can do without"
NO_GATE = "deadline is for the gates: confirm-rollout, confirm-traffic-increase and confirm-promotion"
NO_PERSONS = "approvals is for gates that people open: those of type confirm-* without url"
HEADER_TWICE = "headersFrom: each name may stand once, in whatever case"
HEADER_TAKEN = (
    "headersFrom: the controller itself sets Connection, Content-*, Host, Idempotency-Key, Transfer-Encoding "
    "and webhook-*"
)
LONG_KEY = f"metadata: a key has 1 to {METADATA_KEY_MAX} characters"

HookName = Annotated[str, Field(min_length=1, max_length=63)]
Url = Annotated[str, Field(max_length=2048, pattern=URL_PATTERN)]
SecretName = Annotated[str, Field(min_length=1, max_length=253, pattern=SECRET_NAME_PATTERN)]
SecretKey = Annotated[str, Field(min_length=1, max_length=253, pattern=SECRET_KEY_PATTERN)]
HeaderName = Annotated[str, Field(min_length=1, max_length=128, pattern=HEADER_PATTERN)]
MetadataValue = Annotated[str, Field(max_length=1024)]

TAKEN_HEADERS = ("connection", "host", "idempotency-key", "transfer-encoding")
TAKEN_PREFIXES = ("content-", "webhook-")


class HookType(StrEnum):
    """When a hook is called."""

    CONFIRM_ROLLOUT = "confirm-rollout"
    """Before a release starts: it waits until the answer is 2xx."""
    PRE_ROLLOUT = "pre-rollout"
    """Before the first traffic: a refusal is a failed check."""
    ROLLOUT = "rollout"
    """With each judgement: a refusal is a failed check."""
    CONFIRM_TRAFFIC_INCREASE = "confirm-traffic-increase"
    """Before each step upward: it waits until the answer is 2xx."""
    CONFIRM_PROMOTION = "confirm-promotion"
    """Before the promotion: it waits until the answer is 2xx."""
    POST_ROLLOUT = "post-rollout"
    """When a release has ended, either way."""
    ROLLBACK = "rollback"
    """During a release: 2xx asks for its end."""
    EVENT = "event"
    """At each event of the Canary."""


GATES = frozenset({HookType.CONFIRM_ROLLOUT, HookType.CONFIRM_TRAFFIC_INCREASE, HookType.CONFIRM_PROMOTION})
"""The types that hold a release until they are opened."""


class SecretKeyRef(BaseModel):
    """One value of a Secret in the Canary's namespace."""

    model_config = WIRE

    name: SecretName = Field(description="Name of the Secret.")
    key: SecretKey = Field(description="Key in its data.")


class HeaderFrom(BaseModel):
    """A header whose value is secret."""

    model_config = WIRE

    name: HeaderName = Field(description="Name of the header, such as Authorization.")
    secret_key_ref: SecretKeyRef = Field(description="Where its value is.")


class Signing(BaseModel):
    """The key that requests are signed with."""

    model_config = WIRE

    secret_key_ref: SecretKeyRef = Field(
        description="Where the key is: as it is, or in base64 after `whsec_` as Standard Webhooks writes it."
    )


class Webhook(BaseModel):
    """One receiver, called by HTTP POST. Any 2xx is consent, any other answer a refusal."""

    model_config = WIRE

    type: HookType = Field(HookType.ROLLOUT, description="When it is called.")
    name: HookName = Field(description="Name of the hook, for people and actions.")
    url: Url | None = Field(None, description="Where it is sent. A gate without it is opened by an action only.")
    timeout: Duration = Field("10s", description="How long one attempt may take.")
    retries: Annotated[int, Field(ge=0, le=10)] = Field(
        0, description="Further attempts after no answer, 429 or 5xx, with growing pauses of up to 30 s."
    )
    disable_tls: bool = Field(default=False, alias="disableTLS", description="Accept any certificate of the receiver.")
    mute_alert: bool = Field(default=False, description="Send no alert when this gate waits.")
    metadata: Annotated[dict[str, MetadataValue], Field(max_length=32)] = Field(
        {}, description="Sent along in the payload."
    )
    headers_from: tuple[HeaderFrom, ...] = Field((), max_length=8, description="Headers with secret values.")
    signing: Signing | None = Field(None, description="Sign requests, as standardwebhooks.com has it.")
    deadline: Duration | None = Field(None, description="How long a gate may stay closed. Default: for ever.")
    on_deadline: Literal["fail", "advance"] = Field(
        "fail", description="What a gate does at its deadline: end the release, or open."
    )
    approvals: Annotated[int, Field(ge=1, le=APPROVALS_MAX)] = Field(
        1,
        description="How many persons have to approve, at a gate without url. From 2 on only verified names count.",
    )

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if self.type not in GATES and self.url is None:
            raise ValueError(NO_URL)
        if self.type not in GATES and self.deadline is not None:
            raise ValueError(NO_GATE)
        if self.approvals > 1 and self.url is not None:
            raise ValueError(NO_PERSONS)
        return self

    @model_validator(mode="after")
    def _sends_what_can_be_sent(self) -> Self:
        names = [header.name.lower() for header in self.headers_from]
        if len(set(names)) < len(names):
            raise ValueError(HEADER_TWICE)
        if any(name in TAKEN_HEADERS or name.startswith(TAKEN_PREFIXES) for name in names):
            raise ValueError(HEADER_TAKEN)
        if any(not 1 <= len(key) <= METADATA_KEY_MAX for key in self.metadata):
            raise ValueError(LONG_KEY)
        return self

    @property
    def is_gate(self) -> bool:
        """Whether the release waits until it is opened."""
        return self.type in GATES

    @property
    def timeout_s(self) -> float:
        """How long one attempt may take, in seconds."""
        return duration_s(self.timeout)

    @property
    def deadline_s(self) -> float | None:
        """How long a gate may stay closed, in seconds; None is for ever."""
        return None if self.deadline is None else duration_s(self.deadline)

    @property
    def longest_s(self) -> float:
        """The longest that all attempts with their pauses may take, in seconds."""
        return self.timeout_s * (1 + self.retries) + PAUSE_MAX_S * self.retries
