"""Two workloads of the user behind one Service, told apart by the subsets of a DestinationRule: whose roles swap.

Which of the two serves is no part of the spec: it stands in the status, and changes with each release.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from rollouts.api.wire import WIRE

SUBSET_PATTERN = r"^[a-zA-Z0-9]([-._a-zA-Z0-9]*[a-zA-Z0-9])?$"
SubsetName = Annotated[str, Field(min_length=1, max_length=63, pattern=SUBSET_PATTERN)]
ObjectName = Annotated[str, Field(min_length=1, max_length=253)]
RULE_TWICE = "rules and canaryRules: each name may stand in one of them, once"
RuleName = Annotated[str, Field(min_length=1, max_length=256)]


class SubsetTarget(BaseModel):
    """One of the two workloads, in the Canary's namespace."""

    model_config = WIRE

    api_version: Literal["apps/v1"] = Field("apps/v1", description="API version of the workload.")
    kind: Literal["Deployment"] = Field("Deployment", description="Kind of the workload.")
    name: ObjectName = Field(description="Name of the workload.")


class Subset(BaseModel):
    """One of the two versions."""

    model_config = WIRE

    name: SubsetName = Field(description="Name of the subset in the DestinationRule and in the routes' destinations.")
    target_ref: SubsetTarget = Field(description="The workload whose pods the subset selects.")


class RouteRef(BaseModel):
    """One routing object of the user, in the Canary's namespace. In it the weights of the two subsets are changed."""

    model_config = WIRE

    api_version: Literal["networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"] = (
        Field("networking.istio.io/v1", description="API version of the object, as its file says.")
    )
    kind: Literal["VirtualService"] = Field("VirtualService", description="Kind of the object.")
    name: ObjectName = Field(description="Name of the object.")
    rules: Annotated[tuple[RuleName, ...], Field(max_length=16)] = Field(
        (), description="Names of the http rules that share the requests. Default: each that has both subsets."
    )
    canary_rules: Annotated[tuple[RuleName, ...], Field(max_length=16)] = Field(
        (),
        description="Names of http rules, of your testers for example: all their requests go to the canary while a "
        "release has its steps, and to the side that serves otherwise.",
    )

    @model_validator(mode="after")
    def _names_each_rule_once(self) -> Self:
        names = self.rules + self.canary_rules
        if len(set(names)) != len(names):
            raise ValueError(RULE_TWICE)
        return self
