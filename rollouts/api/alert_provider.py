"""The AlertProvider a user writes: where notifications go, and which of them. Names are Flagger's where it has them.

Frozen wire types, like canary.py; what several fields must fulfil together is said again as CEL in
alert_provider_rules.py. URLs that let anybody post, tokens and passwords are only referred to here, never written.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from rollouts.api.alert import ObjectName, Severity
from rollouts.api.durations import Duration, duration_s
from rollouts.api.hooks import HEADER_TAKEN, HEADER_TWICE, TAKEN_HEADERS, TAKEN_PREFIXES, HeaderFrom, Signing
from rollouts.api.invalid import refuse_flaw
from rollouts.api.status import REASON_MAX, Condition, Phase
from rollouts.api.wire import WIRE

ADDRESS_PATTERN = r"^(https?|smtps?)://[!-.0->A-~][!-?A-~]*$"
"""Visible ASCII, a host first, and nowhere an @: no user and no password."""
PROXY_PATTERN = r"^https?://[!-.0->A-~][!-?A-~]*$"
NAMESPACES_PATTERN = r"^(\*|[a-z0-9]([-a-z0-9]*[a-z0-9*])?)$"
MAILBOX_PATTERN = r"^[!-;=?A-~]+@[!-;=?A-~]+$"
TEMPLATE_VARIABLES = (
    "name", "namespace", "cluster", "target", "revision", "version", "reason", "title", "message", "severity", "phase",
    "at", "since", "next", "id",
)  # fmt: skip
_VARIABLE = r"\{\{ ?(" + "|".join(TEMPLATE_VARIABLES) + r") ?\}\}"
TEMPLATE_PATTERN = rf"^([^{{]|\{{[^{{]|{_VARIABLE})*\{{?$"
LINK_PATTERN = rf"^https?://([!-.0->@-z|~]|{_VARIABLE})([!-z|~]|{_VARIABLE})*$"

NEEDS_SECRET = "secretRef is required: the address, token or key of this type is a secret"  # noqa: S105 - no password
PUBLIC_ADDRESS = (
    "address goes with types webhook, email and pagerduty: for the others the URL is a secret, and stands as `address` "
    "in the Secret of secretRef"
)
NO_ADDRESS = "set address, or secretRef to a Secret that has one"
EMAIL = "email is required with type email, and goes with no other"
WEBHOOK_ONLY = "headersFrom, signing and template.body go with type webhook"
SCHEME = "address: smtp:// or smtps:// with type email, https:// or http:// with the others"
NO_VARIABLE = "in a template stand only {{ " + " }}, {{ ".join(TEMPLATE_VARIABLES) + " }}"


class ProviderType(StrEnum):
    """What kind of service is told."""

    SLACK = "slack"
    MSTEAMS = "msteams"
    DISCORD = "discord"
    GOOGLECHAT = "googlechat"
    WEBHOOK = "webhook"
    EMAIL = "email"
    PAGERDUTY = "pagerduty"


SECRET_TYPES = (
    ProviderType.SLACK, ProviderType.MSTEAMS, ProviderType.DISCORD, ProviderType.GOOGLECHAT, ProviderType.PAGERDUTY,
)  # fmt: skip
ADDRESSED_TYPES = (ProviderType.WEBHOOK, ProviderType.EMAIL, ProviderType.PAGERDUTY)

Address = Annotated[str, Field(max_length=512, pattern=ADDRESS_PATTERN)]
Mailbox = Annotated[str, Field(min_length=3, max_length=254, pattern=MAILBOX_PATTERN)]
NamespacePattern = Annotated[str, Field(min_length=1, max_length=63, pattern=NAMESPACES_PATTERN)]


class SecretRef(BaseModel):
    """A Secret of the AlertProvider's namespace."""

    model_config = WIRE

    name: ObjectName = Field(
        description="Name of the Secret. Its keys: address, token (Slack), username and password (email), routingKey "
        "(PagerDuty)."
    )


class Email(BaseModel):
    """From whom to whom."""

    model_config = WIRE

    sender: Mailbox = Field(alias="from", description="The address it is sent from.")
    to: Annotated[tuple[Mailbox, ...], Field(min_length=1, max_length=16)] = Field(description="Who gets it.")
    tls: Literal["starttls", "none"] = Field(
        "starttls",
        description="With an smtp:// address: whether the connection must be encrypted before anything is said. A "
        "password is never sent without.",
    )


class Template(BaseModel):
    """Words of the user's in place of ours."""

    model_config = WIRE

    title: Annotated[str, Field(max_length=256, pattern=TEMPLATE_PATTERN)] | None = Field(
        None, description="The headline or subject."
    )
    text: Annotated[str, Field(max_length=2048, pattern=TEMPLATE_PATTERN)] | None = Field(
        None, description="The sentence below it."
    )
    body: Annotated[str, Field(max_length=8192, pattern=TEMPLATE_PATTERN)] | None = Field(
        None,
        description="With type webhook: the whole JSON document instead of a CloudEvent; variables stand within "
        "quotes, and are escaped.",
    )


class Link(BaseModel):
    """A link that each message has."""

    model_config = WIRE

    title: Annotated[str, Field(min_length=1, max_length=64)] = Field(description="What it leads to.")
    url: Annotated[str, Field(max_length=1024, pattern=LINK_PATTERN)] = Field(
        description="Where it leads; {{name}}, {{namespace}} and the other variables of templates are filled in."
    )


class AlertProviderSpec(BaseModel):
    """Where notifications go, and which of them."""

    model_config = WIRE

    type: ProviderType = Field(description="What kind of service is told.")
    address: Address | None = Field(
        None,
        description="Where it is sent, if that is no secret: a URL with type webhook, smtp://host:587 or "
        "smtps://host:465 with email, another endpoint with pagerduty.",
    )
    secret_ref: SecretRef | None = Field(None, description="Where the secret parts are.")
    channel: Annotated[str, Field(min_length=1, max_length=80)] | None = Field(
        None, description="With a bot token of Slack: the channel, by its id or name."
    )
    username: Annotated[str, Field(min_length=1, max_length=80)] = Field(
        "rollouts", description="Under which name it is posted, where the service lets us choose."
    )
    proxy: Annotated[str, Field(max_length=512, pattern=PROXY_PATTERN)] | None = Field(
        None, description="An HTTP proxy to go through."
    )
    timeout: Duration = Field("10s", description="How long one attempt may take.")
    email: Email | None = Field(None, description="With type email: from whom to whom.")
    headers_from: tuple[HeaderFrom, ...] = Field(
        (), max_length=8, description="With type webhook: headers with secret values."
    )
    signing: Signing | None = Field(
        None, description="With type webhook: sign requests, as standardwebhooks.com has it."
    )
    severity: Severity = Field(Severity.INFO, description="The least severity that is told, whatever alerts ask for.")
    namespaces: Annotated[tuple[NamespacePattern, ...], Field(max_length=16)] = Field(
        (),
        description="Namespaces whose Canaries may name it, besides its own: names, beginnings such as team-*, or *.",
    )
    every_canary: bool = Field(
        default=False,
        description="Tell it of each Canary of its namespace, named or not; in the controller's own namespace, of "
        "each Canary of `namespaces`.",
    )
    phases: Annotated[tuple[Phase, ...], Field(max_length=len(Phase))] = Field(
        (), description="Only news that leave a Canary in one of these phases are told. Default: all."
    )
    detail: Literal["milestones", "all"] = Field(
        "milestones", description="Whether each step is told, or only starts, waits, warnings and ends."
    )
    mute: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=REASON_MAX)], ...], Field(max_length=16)] = (
        Field((), description="Reasons, as Events have them, that are not told.")
    )
    mute_until: datetime | None = Field(None, description="What happens before then is not told.")
    suspend: bool = Field(default=False, description="Tell nothing until it is false.")
    template: Template | None = Field(None, description="Words of yours in place of ours.")
    links: Annotated[tuple[Link, ...], Field(max_length=4)] = Field((), description="Links that each message has.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        refuse_flaw(self._flaws())
        return self

    @property
    def timeout_s(self) -> float:
        """How long one attempt may take, in seconds."""
        return duration_s(self.timeout)

    def admits(self, namespace: str) -> bool:
        """Whether Canaries of that namespace, which is another than its own, may be told by it."""
        return any(
            namespace == wanted or (wanted.endswith("*") and namespace.startswith(wanted[:-1]))
            for wanted in self.namespaces
        )

    def _flaws(self) -> tuple[tuple[bool, str], ...]:
        hook, mail = self.type is ProviderType.WEBHOOK, self.type is ProviderType.EMAIL
        own = bool(self.headers_from) or self.signing is not None
        own = own or (self.template is not None and self.template.body is not None)
        names = [header.name.lower() for header in self.headers_from]
        smtp = self.address is not None and self.address.startswith("smtp")
        return (
            (self.type in SECRET_TYPES and self.secret_ref is None, NEEDS_SECRET),
            (self.type not in ADDRESSED_TYPES and self.address is not None, PUBLIC_ADDRESS),
            (self.address is None and self.secret_ref is None, NO_ADDRESS),
            (mail != (self.email is not None), EMAIL),
            (own and not hook, WEBHOOK_ONLY),
            (self.address is not None and smtp != mail, SCHEME),
            (len(set(names)) < len(names), HEADER_TWICE),
            (any(name in TAKEN_HEADERS or name.startswith(TAKEN_PREFIXES) for name in names), HEADER_TAKEN),
        )


class AlertProviderStatus(BaseModel):
    """Whether what it was to tell has arrived."""

    model_config = WIRE

    observed_generation: int = Field(0, description="The generation of the spec that this status speaks of.")
    conditions: Annotated[tuple[Condition, ...], Field(max_length=1)] = Field(
        (), description="Ready: False while notices can't be delivered, and why; True once one was again."
    )
