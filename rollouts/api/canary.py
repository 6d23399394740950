"""The Canary a user writes: what to release and how. Field names are Flagger's wherever the meaning is the same.

Frozen wire types; the CRD's schema is generated from them, so a field's bounds and text are stated once, here.
What one object can tell of its own correctness is checked here and, as CEL, by the API server (see crd.py).
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from rollouts.api.durations import Duration, duration_s
from rollouts.api.wire import WIRE

Percent = Annotated[int, Field(ge=1, le=100)]
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


class ThresholdRange(BaseModel):
    """The values that pass, both ends included."""

    model_config = WIRE

    min: float | None = Field(None, description="The least value that passes.")
    max: float | None = Field(None, description="The greatest value that passes.")

    @model_validator(mode="after")
    def _has_an_end(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("thresholdRange needs min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"thresholdRange: min {self.min:g} is above max {self.max:g}")
        return self


class Metric(BaseModel):
    """One check of an analysis."""

    model_config = WIRE

    name: Literal["request-success-rate", "request-duration"] = Field(
        description="request-success-rate: percent without 5xx. request-duration: 99th percentile in milliseconds."
    )
    interval: Duration = Field("1m", description="Look-back of the query.")
    threshold_range: ThresholdRange = Field(description="The values that pass.")

    @property
    def window_s(self) -> float:
        """The look-back in seconds."""
        return duration_s(self.interval)


class Analysis(BaseModel):
    """The schedule of weights, and the checks that decide."""

    model_config = WIRE

    interval: Duration = Field("1m", description="How long a step is held before it is judged, and between judgements.")
    threshold: Annotated[int, Field(ge=1, le=1000)] = Field(
        1, description="How many failed judgements in one run end in rollback. Not reset by one that passes."
    )
    step_weight: Percent | None = Field(None, description="Percent added at each step, up to maxWeight.")
    step_weights: Annotated[tuple[Percent, ...], Field(min_length=1, max_length=50)] | None = Field(
        None, description="The weight of each step, in percent, ascending."
    )
    max_weight: Percent = Field(100, description="With stepWeight: the weight of the last step. Never overshot.")
    metrics: Annotated[tuple[Metric, ...], Field(min_length=1, max_length=16)] = Field(
        description="The checks. Each must pass for a step to be left upward."
    )

    @model_validator(mode="after")
    def _has_one_schedule(self) -> Self:
        if (self.step_weight is None) == (self.step_weights is None):
            raise ValueError("set exactly one of stepWeight and stepWeights")
        steps = self.step_weights or ()
        if any(later <= earlier for earlier, later in pairwise(steps)):
            raise ValueError("stepWeights must ascend: each weight greater than the one before")
        if len({metric.name for metric in self.metrics}) < len(self.metrics):
            raise ValueError("metrics: each name may stand once")
        return self

    @property
    def interval_s(self) -> float:
        """The dwell of a step in seconds."""
        return duration_s(self.interval)


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
