"""The Canary a user writes: what to release and how. Field names are Flagger's wherever the meaning is the same.

Frozen wire types; the CRD's schema is generated from them, so a field's bounds and text are stated once, here.
What one object can tell of its own correctness is checked here and, as CEL, by the API server (see crd.py).
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from rollouts.api.analysis import Analysis
from rollouts.api.wire import WIRE

Port = Annotated[int, Field(ge=1, le=65535)]
PortName = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
SERVICE_NAME_PATTERN = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
SERVICE_NAME_MAX = 55
"""What leaves room for `-primary` in the 63 characters of a Service's name."""
ServiceName = Annotated[str, Field(min_length=1, max_length=SERVICE_NAME_MAX, pattern=SERVICE_NAME_PATTERN)]
TargetName = Annotated[str, Field(min_length=1, max_length=245)]
"""What leaves room for `-primary` in the 253 characters of a Deployment's name."""
Host = Annotated[str, Field(min_length=1, max_length=253)]
NO_SERVICE_NAME = (
    "set service.name: targetRef.name can't be a Service's name "
    "(at most 55 lower-case letters, digits and dashes, a letter first)"
)
"""Said of a target whose name can't be the Services' too: with dots, too long, or with a digit first."""


class TargetRef(BaseModel):
    """The workload to release, in the Canary's namespace."""

    model_config = WIRE

    api_version: Literal["apps/v1"] = Field("apps/v1", description="API version of the target.")
    kind: Literal["Deployment"] = Field("Deployment", description="Kind of the target.")
    name: TargetName = Field(
        description="Name of the target. It becomes the canary; a copy named `<name>-primary` serves."
    )


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
    hosts: tuple[Host, ...] = Field(
        (), max_length=32, description="Hosts of the VirtualService; the Service's own name is added."
    )
    gateways: tuple[Host, ...] = Field(
        ("mesh",), min_length=1, max_length=16, description="Gateways of the VirtualService. Default: mesh."
    )


class CanarySpec(BaseModel):
    """What to release and how."""

    model_config = WIRE

    target_ref: TargetRef = Field(description="The workload to release.")
    progress_deadline_seconds: Annotated[int, Field(ge=1, le=86400)] = Field(
        600, description="How long the pods of a release may take to become ready before it is rolled back."
    )
    skip_analysis: bool = Field(
        default=False, description="Promote a new revision as soon as its pods are ready, without steps or checks."
    )
    suspend: bool = Field(
        default=False, description="Change nothing and judge nothing; weights stay as they are until it is false."
    )
    service: CanaryService = Field(description="How the workload is reached.")
    analysis: Analysis = Field(description="The schedule and the checks.")

    @model_validator(mode="after")
    def _names_services(self) -> Self:
        name = self.service_name
        if len(name) > SERVICE_NAME_MAX or not re.fullmatch(SERVICE_NAME_PATTERN, name):
            raise ValueError(NO_SERVICE_NAME)
        return self

    @property
    def service_name(self) -> str:
        """The Service that clients use."""
        return self.service.name or self.target_ref.name

    @property
    def primary_name(self) -> str:
        """The Deployment that serves between releases."""
        return f"{self.target_ref.name}-primary"
