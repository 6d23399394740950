"""How a workload is reached: what the user says of the Services and routes that are made for a targetRef.

Frozen wire types. Names are Flagger's where the meaning is the same, and Istio's for what is Istio's.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, model_validator

from rollouts.api.http_rule import CorsPolicy, Fault, Headers, Retries, Rewrite, ServiceMatch, Wait
from rollouts.api.wire import WIRE

Port = Annotated[int, Field(ge=1, le=65535)]
PortName = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
SERVICE_NAME_PATTERN = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
SERVICE_NAME_MAX = 55
"""What leaves room for `-primary` in the 63 characters of a Service's name."""
ServiceName = Annotated[str, Field(min_length=1, max_length=SERVICE_NAME_MAX, pattern=SERVICE_NAME_PATTERN)]
Host = Annotated[str, Field(min_length=1, max_length=253)]
METADATA_MAX = 32
METADATA_KEY_MAX = 317
RESERVED = "rollouts.dev/"
RESERVED_KEY = f"keys have 1 to {METADATA_KEY_MAX} characters, and not {RESERVED} in them: those are the controller's"
DELEGATED = "delegation: a VirtualService that others delegate to has no hosts and gateways: leave both out"
TCP_ONLY = (
    "with appProtocol tcp no match, rewrite, retries, timeout, headers, corsPolicy or fault: "
    "the proxy sees connections, not requests"
)
MESH = ("mesh",)
REQUEST_FIELDS = ("rewrite", "retries", "timeout", "headers", "corsPolicy", "fault")
"""Fields that stand on each http rule of ours as they stand here."""

LabelText = Annotated[str, Field(max_length=63)]
AnnotationText = Annotated[str, Field(max_length=4096)]
Key = Annotated[str, Field(min_length=1, max_length=METADATA_KEY_MAX)]


class ExtraMetadata(BaseModel):
    """Labels and annotations that an object of ours is to have besides its own."""

    model_config = WIRE

    labels: Annotated[dict[Key, LabelText], Field(max_length=METADATA_MAX)] = Field({}, description="Labels.")
    annotations: Annotated[dict[Key, AnnotationText], Field(max_length=METADATA_MAX)] = Field(
        {}, description="Annotations."
    )

    @model_validator(mode="after")
    def _leaves_ours_alone(self) -> Self:
        if any(RESERVED in key for key in (*self.labels, *self.annotations)):
            raise ValueError(RESERVED_KEY)
        return self


class CanaryService(BaseModel):
    """How the workload is reached: the Services and routes that the controller makes."""

    model_config = WIRE

    name: ServiceName | None = Field(
        None, description="Name of the Service that clients use. Default: the target's name."
    )
    port: Port = Field(description="Port of the Services.")
    port_name: PortName = Field("http", description="Name of that port; its prefix tells Istio the protocol.")
    target_port: Port | PortName | None = Field(
        None, description="Port of the container, by number or name. Default: the Service's port."
    )
    app_protocol: Annotated[str, Field(min_length=1, max_length=253)] | None = Field(
        None, description="appProtocol of that port. tcp: connections are shared, not requests."
    )
    hosts: tuple[Host, ...] = Field(
        (), max_length=32, description="Hosts of the VirtualService; the Service's own name is added."
    )
    gateways: tuple[Host, ...] = Field(
        MESH, min_length=1, max_length=16, description="Gateways of the VirtualService. Default: mesh."
    )
    delegation: bool = Field(
        default=False, description="Make a VirtualService without hosts and gateways, that one of yours delegates to."
    )
    match: Annotated[tuple[ServiceMatch, ...], Field(max_length=8)] = Field(
        (), description="Which requests the rules take; one match is enough. Default: all."
    )
    rewrite: Rewrite | None = Field(None, description="What is changed in a request on its way.")
    retries: Retries | None = Field(None, description="When a request is tried again.")
    timeout: Wait | None = Field(None, description="How long a request may take, with all its tries.")
    headers: Headers | None = Field(None, description="What is done with headers.")
    cors_policy: CorsPolicy | None = Field(None, description="Cross-origin resource sharing.")
    fault: Fault | None = Field(None, description="Faults for a test, for both versions alike.")
    traffic_policy: Annotated[dict[str, Any], Field(max_length=16)] | None = Field(
        None,
        description="trafficPolicy of both DestinationRules, in Istio's words; each field of it takes the place of "
        "the same field of your own DestinationRule for the Service.",
    )
    apex: ExtraMetadata | None = Field(
        None, description="Of the Service that clients use, if it is made here, and of the VirtualService."
    )
    primary: ExtraMetadata | None = Field(None, description="Of the primary's Service.")
    canary: ExtraMetadata | None = Field(None, description="Of the canary's Service.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.delegation and (self.hosts or self.gateways != MESH):
            raise ValueError(DELEGATED)
        if self.is_tcp and self._says_of_requests:
            raise ValueError(TCP_ONLY)
        return self

    @property
    def names_routes(self) -> bool:
        """Whether it says something of a VirtualService of ours."""
        return bool(self.hosts) or self.gateways != MESH or self.delegation or self._says_of_requests

    @property
    def _says_of_requests(self) -> bool:
        fields = (self.rewrite, self.retries, self.timeout, self.headers, self.cors_policy, self.fault)
        return bool(self.match) or any(field is not None for field in fields)

    @property
    def is_tcp(self) -> bool:
        """Whether connections are shared rather than requests."""
        return (self.app_protocol or "").lower() == "tcp"
