"""Who sizes the two sides of a release: the user's autoscaler, and how large the canary is while a run lasts.

Words only, with Flagger's names where the meaning is the same.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from rollouts.api.wire import WIRE

AUTO = "auto"
SIZE_PATTERN = r"^(auto|(100|[1-9][0-9]?)%)$"
SIZE_MAX = 10000
CanarySize = (
    Annotated[int, Field(ge=1, le=SIZE_MAX)] | Annotated[str, Field(min_length=1, max_length=4, pattern=SIZE_PATTERN)]
)
"""`auto`, a number of pods, or a percentage of the pods that serve."""
ScalerName = Annotated[str, Field(min_length=1, max_length=245)]
"""What leaves room for `-primary` in the 253 characters of the copy's name."""
Replicas = Annotated[int, Field(ge=1, le=100000)]
QUERIES_MAX = 16
TRIGGER_MAX = 253
QUERY_MAX = 4096
Query = Annotated[str, Field(min_length=1, max_length=QUERY_MAX)]

KIND_OF_VERSION = (
    "autoscalerRef: apiVersion autoscaling/... goes with kind HorizontalPodAutoscaler, keda.sh/... with ScaledObject"
)
QUERIES_OF_KEDA = "autoscalerRef: primaryScalerQueries goes with kind ScaledObject"
LONG_TRIGGER = "primaryScalerQueries: a trigger's name has 1 to 253 characters"
BOUNDS = "primaryScalerReplicas: minReplicas is above maxReplicas"
SIZE = "write auto, a number of pods, or a percentage such as 25%"


class ScalerReplicas(BaseModel):
    """Bounds of the primary's autoscaler."""

    model_config = WIRE

    min_replicas: Replicas | None = Field(None, description="Instead of the autoscaler's own least.")
    max_replicas: Replicas | None = Field(None, description="Instead of the autoscaler's own most.")

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if self.min_replicas is not None and self.max_replicas is not None and self.min_replicas > self.max_replicas:
            raise ValueError(BOUNDS)
        return self


class AutoscalerRef(BaseModel):
    """The target's autoscaler, in the Canary's namespace. The primary gets a copy of it, named `<name>-primary`."""

    model_config = WIRE

    api_version: Literal["autoscaling/v2", "autoscaling/v2beta2", "autoscaling/v1", "keda.sh/v1alpha1"] = Field(
        "autoscaling/v2", description="API version of the autoscaler, as its file says."
    )
    kind: Literal["HorizontalPodAutoscaler", "ScaledObject"] = Field(
        "HorizontalPodAutoscaler", description="Kind of the autoscaler."
    )
    name: ScalerName = Field(description="Name of the autoscaler.")
    primary_scaler_queries: Annotated[dict[str, Query], Field(max_length=QUERIES_MAX)] = Field(
        {},
        description="Of a ScaledObject: queries of the copy's triggers, by the trigger's name. Default: the target's "
        "query with the primary's name in the place of the target's.",
    )
    primary_scaler_replicas: ScalerReplicas | None = Field(
        None, description="Bounds of the copy. Default: those of the autoscaler."
    )

    @property
    def bounds(self) -> ScalerReplicas:
        """What is said of the copy's bounds."""
        return self.primary_scaler_replicas or ScalerReplicas()

    @property
    def is_keda(self) -> bool:
        """Whether KEDA does the scaling."""
        return self.kind == "ScaledObject"

    @property
    def copy_name(self) -> str:
        """The name of the copy that scales the primary."""
        return f"{self.name}-primary"

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if self.is_keda != self.api_version.startswith("keda.sh/"):
            raise ValueError(KIND_OF_VERSION)
        if self.primary_scaler_queries and not self.is_keda:
            raise ValueError(QUERIES_OF_KEDA)
        if any(not 1 <= len(name) <= TRIGGER_MAX for name in self.primary_scaler_queries):
            raise ValueError(LONG_TRIGGER)
        return self


def canary_size(wanted: int | str, *, full: int, stable: int) -> int:
    """How many pods the canary gets: `full` for `auto`; a percentage is of `stable`, rounded up. At least one."""
    if isinstance(wanted, int):
        return wanted
    if wanted == AUTO:
        return max(1, full)
    return max(1, math.ceil(stable * int(wanted.removesuffix("%")) / 100))
