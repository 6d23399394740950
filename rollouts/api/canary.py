"""The Canary a user writes: what to release and how. Field names are Flagger's wherever the meaning is the same.

Frozen wire types; the CRD's schema is generated from them, so a field's bounds and text are stated once, here.
What one object can tell of its own correctness is checked here and, as CEL, by the API server (see crd.py).
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from rollouts.api.analysis import Analysis
from rollouts.api.durations import Duration, duration_s
from rollouts.api.exposure import SERVICE_NAME_MAX, SERVICE_NAME_PATTERN, CanaryService
from rollouts.api.invalid import refuse_flaw
from rollouts.api.scaling import AUTO, AutoscalerRef, CanarySize
from rollouts.api.subsets import RouteRef, Subset, SubsetName
from rollouts.api.windows import WINDOWS_MAX, Window
from rollouts.api.wire import WIRE

TargetName = Annotated[str, Field(min_length=1, max_length=245)]
"""What leaves room for `-primary` in the 253 characters of a workload's name."""
NO_SERVICE_NAME = (
    "set service.name: targetRef.name can't be a Service's name "
    "(at most 55 lower-case letters, digits and dashes, a letter first)"
)
"""Said of a target whose name can't be the Services' too: with dots, too long, or with a digit first."""
ONE_MODE = "set exactly one of targetRef and subsets"
NOT_EXPOSED = "with targetRef set service too"
STRAY = "initialStable goes with subsets, not with targetRef"
ROUTES_ARE_YOURS = (
    "with routeRefs no hosts, gateways, delegation, match, rewrite, retries, timeout, headers, corsPolicy or fault in "
    "service: they stand in your own VirtualService"
)
ROUTED = "with subsets set routeRefs, and no service: you have it already"
TWO_SUBSETS = "subsets: two, with different names and workloads"
INITIAL_STABLE = "initialStable: name one of the two subsets"
ENDS_AT_ALL = "with subsets the last weight is all of weightTotal: the canary takes all requests before the roles swap"
NO_WAY_BACK = "stepWeightPromotion and stepWeightsPromotion go with targetRef: with subsets no traffic has to return"

ON_EVERY_NODE = "autoscalerRef and canaryReplicas go with a Deployment: a DaemonSet has a pod on each node"
SCALED_BY_USER = "autoscalerRef and canaryReplicas go with targetRef: with subsets each workload keeps its own size"
SHARES_CONNECTIONS = "with service.appProtocol tcp no match, mirror or sessionAffinity: a connection has no headers"
FEW_FOR_ALL = (
    "canaryReplicas: a canary that gets all requests needs all pods: let the last weight be below weightTotal, "
    "or leave it auto"
)


class TargetRef(BaseModel):
    """The workload to release, in the Canary's namespace."""

    model_config = WIRE

    api_version: Literal["apps/v1"] = Field("apps/v1", description="API version of the target.")
    kind: Literal["Deployment", "DaemonSet"] = Field("Deployment", description="Kind of the target.")
    name: TargetName = Field(
        description="Name of the target. It becomes the canary; a copy named `<name>-primary` serves."
    )

    def __str__(self) -> str:
        """As a person calls it."""
        return f"{self.kind} {self.name}"


class CanarySpec(BaseModel):
    """What to release and how."""

    model_config = WIRE

    target_ref: TargetRef | None = Field(
        None, description="The workload to release; a copy of it serves between releases. Or set subsets."
    )
    subsets: Annotated[tuple[Subset, ...], Field(max_length=2)] = Field(
        (),
        description="Two workloads that you have, in no order: one serves, the other is released, and then they swap.",
    )
    initial_stable: SubsetName | None = Field(
        None, description="With subsets: which one serves at first, where their weights do not tell."
    )
    route_refs: Annotated[tuple[RouteRef, ...], Field(max_length=8)] = Field(
        (),
        description="Your own VirtualServices that route to the two subsets or, with targetRef, to the Service. "
        "With targetRef and without any, a VirtualService is made.",
    )
    scale_down_delay: Duration = Field(
        "30s", description="With subsets: how long the old version is kept after its role is taken, to go back at once."
    )
    progress_deadline_seconds: Annotated[int, Field(ge=1, le=86400)] = Field(
        600, description="How long the pods of a release may take to become ready before it is rolled back."
    )
    config_tracking: Literal["all", "configMaps", "none"] = Field(
        "all",
        description="With targetRef: whose content is part of a revision, of what the pod template refers to. "
        "The primary reads copies of it. all: ConfigMaps and Secrets.",
    )
    config_resync: Duration = Field(
        "5m", description="How often Secrets that are tracked are read again; a changed ConfigMap is seen at once."
    )
    skip_analysis: bool = Field(
        default=False, description="Promote a new revision as soon as its pods are ready, without steps or checks."
    )
    suspend: bool = Field(
        default=False, description="Change nothing and judge nothing; weights stay as they are until it is false."
    )
    autoscaler_ref: AutoscalerRef | None = Field(
        None, description="With targetRef: the autoscaler of the target; a copy of it scales the primary."
    )
    canary_replicas: CanarySize = Field(
        AUTO,
        description="With targetRef: pods of the canary while a release lasts: auto (as many as the target has or, if "
        "that is at zero, as the primary), a number, or a percentage of the primary's.",
    )
    allow_uncovered: bool = Field(
        default=False,
        description="With targetRef: go on though a policy does not cover the copy, or a Service would lead past it.",
    )
    windows: Annotated[tuple[Window, ...], Field(max_length=WINDOWS_MAX)] = Field(
        (), description="When releases may start and take their next step. Default: always."
    )
    on_close: Literal["hold", "finish"] = Field(
        "hold",
        description="What a release that has begun does when no window is open, or all are frozen: hold its weight, "
        "or finish. Rollback is never held.",
    )
    service: CanaryService | None = Field(None, description="With targetRef: how the workload is reached.")
    analysis: Analysis = Field(description="The schedule and the checks.")

    @model_validator(mode="after")
    def _is_of_one_mode(self) -> Self:
        refuse_flaw(self._flaws())
        return self

    @model_validator(mode="after")
    def _names_services(self) -> Self:
        if self.swaps:
            return self
        name = self.service_name
        if len(name) > SERVICE_NAME_MAX or not re.fullmatch(SERVICE_NAME_PATTERN, name):
            raise ValueError(NO_SERVICE_NAME)
        return self

    @property
    def target(self) -> TargetRef:
        """The workload to release. Only with targetRef."""
        if self.target_ref is None:
            raise TypeError("a Canary with subsets has no target")
        return self.target_ref

    @property
    def exposure(self) -> CanaryService:
        """How it is reached. Only with targetRef."""
        if self.service is None:
            raise TypeError("a Canary with subsets exposes nothing of its own")
        return self.service

    @property
    def config_resync_s(self) -> float:
        """Seconds after which a Secret that is tracked is read again."""
        return duration_s(self.config_resync)

    @property
    def service_name(self) -> str:
        """The Service that clients use."""
        return self.exposure.name or self.target.name

    @property
    def primary_name(self) -> str:
        """The copy that serves between releases, of the target's kind. Only with targetRef."""
        return f"{self.target.name}-primary"

    @property
    def swaps(self) -> bool:
        """Whether two workloads of the user swap their roles at each promotion, and nothing is copied."""
        return bool(self.subsets)

    @property
    def scale_down_delay_s(self) -> float:
        """How long the old version is kept, in seconds."""
        return duration_s(self.scale_down_delay)

    def subset(self, name: str) -> Subset | None:
        """The subset of that name."""
        return next((subset for subset in self.subsets if subset.name == name), None)

    def other_subset(self, name: str) -> Subset | None:
        """The one beside it; None if `name` is neither of the two."""
        others = [subset for subset in self.subsets if subset.name != name]
        return others[0] if len(others) == 1 else None

    def _flaws(self) -> tuple[tuple[bool, str], ...]:
        analysis, names = self.analysis, {subset.name for subset in self.subsets}
        workloads = {subset.target_ref.name for subset in self.subsets}
        last, total = analysis.last_weight, analysis.weight_total
        back = analysis.step_weight_promotion or analysis.step_weights_promotion
        sized = self.canary_replicas != AUTO
        on_nodes = self.target_ref is not None and self.target_ref.kind == "DaemonSet"
        tcp = self.service is not None and self.service.is_tcp
        takes_all = not analysis.match if analysis.iterations is not None else last >= total
        return (
            ((self.target_ref is None) != self.swaps, ONE_MODE),
            (not self.swaps and self.service is None, NOT_EXPOSED),
            (not self.swaps and self.initial_stable is not None, STRAY),
            (self.service is not None and bool(self.route_refs) and self.service.names_routes, ROUTES_ARE_YOURS),
            (self.swaps and (self.service is not None or not self.route_refs), ROUTED),
            (self.swaps and not len(names) == len(workloads) == len(self.subsets) == 2, TWO_SUBSETS),
            (self.swaps and self.initial_stable is not None and self.initial_stable not in names, INITIAL_STABLE),
            (self.swaps and analysis.iterations is None and last < total, ENDS_AT_ALL),
            (self.swaps and back is not None, NO_WAY_BACK),
            (self.swaps and (sized or self.autoscaler_ref is not None), SCALED_BY_USER),
            (not self.swaps and sized and takes_all, FEW_FOR_ALL),
            (tcp and bool(analysis.match or analysis.mirror or analysis.session_affinity), SHARES_CONNECTIONS),
            (on_nodes and (sized or self.autoscaler_ref is not None), ON_EVERY_NODE),
        )
