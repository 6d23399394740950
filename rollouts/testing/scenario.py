"""What is tried on a Canary, and what came of it: a script of happenings in, a timeline out. Plain data.

A script is written by a user, in YAML:

    readyAfter: {c: never}            # seconds until the pods of a version are ready; 3 if not said
    when:
      - {at: 5, apply: b}             # somebody rolls out another version; version a runs at the start
      - {at: 20, successRate: 97.5}   # from now on
      - {at: 60, ask: {abort: "1"}}
    until: 120

Seconds count from when the Canary is Initialized and quiet. `atWeight` in place of `at` is the moment in which the
canary first has that weight. A key that is not known is refused: a typo is no plan.
How it is run is scenario_run.py's matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from rollouts.api.actions import Verb
from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookName
from rollouts.api.invalid import explain_invalid
from rollouts.api.resources import CANARIES, Manifest
from rollouts.api.status import CanaryStatus
from rollouts.errors import SpecInvalid

_SCRIPT = ConfigDict(frozen=True, alias_generator=to_camel, extra="forbid")
Seconds = Annotated[float, Field(ge=0, le=86400 * 7, allow_inf_nan=False)]
Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100)]
Version = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[-_.a-zA-Z0-9]+$")]


class Happening(BaseModel):
    """What others do at one instant; only what is written changes. A number that is null: nothing is measured."""

    model_config = _SCRIPT

    at_s: Seconds | None = Field(None, alias="at")
    at_weight: Annotated[int, Field(ge=1, le=100)] | None = Field(
        None, description="In place of `at`: once the canary has at least this weight, in percent."
    )
    apply: Version | None = Field(None, description="Another version of the target, by any name.")
    configure: Version | None = Field(None, description="Another content of the ConfigMap that the target reads.")
    delete: Literal["target", "canary"] | None = Field(None, description="Which of the two is deleted.")
    spec: dict[str, Any] | None = Field(None, description="A merge patch of the Canary's spec.")
    ask: dict[Verb, str] = Field({}, description="Actions: the verb, and an id or a JSON object with one.")
    hooks: dict[HookName, str | bool] = Field(
        {},
        description="What a webhook answers from now on: true (as at first), `down`, or why not. One URL, one answer.",
    )
    policy: dict[str, str] | None = Field(
        None, description="The data of ConfigMap rollouts-policy from now on; null: there is none."
    )
    controller: Literal["up", "down"] | None = Field(None, description="The controller dies, or is started again.")
    success_rate: Number | None = Field(100.0, description="Percent of the canary's answers without 5xx.")
    duration_ms: Number | None = Field(20.0, description="99th percentile of its request duration.")
    canary_rps: Number | None = Field(5.0, description="Requests a second of the canary, while anything reaches it.")
    stable_rps: Number | None = Field(50.0, description="Requests a second of all clients.")
    stable_success_rate: Percent = Field(100.0, description="As successRate, of the primary: for evidence alone.")
    stable_duration_ms: Number = Field(20.0, description="As durationMs, of the primary: for evidence alone.")
    arrives: Percent = Field(
        100.0, description="Percent of the canary's share of the requests that really comes to it."
    )
    unreached: Percent = Field(0.0, description="Percent of the requests that fail before they reach a pod.")
    fault: dict[str, Any] | None = Field(
        None, description="As Istio's `fault`, in the rule that shares the requests from now on; null: there is none."
    )
    load: Number = Field(2.0, description="Pods' worth of work of all requests, for the autoscaler of the script.")
    test_requests: bool = Field(default=False, description="Whether somebody sends requests to the canary's Service.")
    answers: dict[str, tuple[str | float, ...] | None] = Field(
        {},
        description="What Prometheus answers for a metric, in place of what was measured: the values of so many series "
        "(NaN and +Inf among them), none for no series; null: what was measured again.",
    )
    metrics_down: str = Field("", description="Why the metric source does not answer; empty if it does.")

    @model_validator(mode="after")
    def _has_one_moment(self) -> Self:
        if (self.at_s is None) == (self.at_weight is None):
            raise ValueError("set exactly one of at and atWeight")
        return self


class ScriptedAutoscaler(BaseModel):
    """The target's autoscaler; the Canary's `autoscalerRef` says its name."""

    model_config = _SCRIPT

    min_replicas: Annotated[int, Field(ge=1)] = 1
    max_replicas: Annotated[int, Field(ge=1)] = 10
    down_after_s: Seconds = Field(300, alias="downAfter", description="How long the load is low before it goes down.")


class Script(BaseModel):
    """All that happens."""

    model_config = _SCRIPT

    ready_after_s: dict[Version, Seconds | Literal["never"]] = Field({}, alias="readyAfter")
    replicas: Annotated[int, Field(ge=1, le=1000)] = Field(2, description="Pods of the target at the start.")
    autoscaler: ScriptedAutoscaler | None = None
    when: tuple[Happening, ...] = ()
    until_s: Seconds | None = Field(
        None, alias="until", description="When it ends. Default: once the release is over, or will never be."
    )

    @property
    def configured(self) -> bool:
        """Whether the target reads a ConfigMap."""
        return any(one.configure is not None for one in self.when)

    @property
    def timed(self) -> tuple[Happening, ...]:
        """What happens at a second, in order."""
        return tuple(sorted((one for one in self.when if one.at_s is not None), key=lambda one: one.at_s or 0.0))

    @property
    def weighted(self) -> tuple[Happening, ...]:
        """What happens at a weight, in order."""
        return tuple(sorted((one for one in self.when if one.at_weight), key=lambda one: one.at_weight or 0))


@dataclass(frozen=True, slots=True)
class Scenario:
    """A Canary, as its user wrote it, and a script."""

    canary: Manifest
    script: Script

    @classmethod
    def of(cls, canary: object, script: object) -> Scenario:
        """Both as read from YAML. Raises SpecInvalid: of the Canary in the controller's own words."""
        if not isinstance(canary, Mapping) or canary.get("kind") != CANARIES.kind:
            raise SpecInvalid(f"no Canary: an object of kind {CANARIES.kind} is needed")
        metadata = canary.get("metadata")
        if not isinstance(metadata, Mapping) or not isinstance(metadata.get("name"), str):
            raise SpecInvalid("the Canary has no metadata.name")
        try:
            CanarySpec.model_validate(canary.get("spec") or {})
        except ValidationError as invalid:
            raise SpecInvalid(explain_invalid(invalid)) from invalid
        whole = {**canary, "metadata": {"namespace": "default", **metadata}}
        try:
            return cls(whole, Script.model_validate(script))
        except ValidationError as invalid:
            found = (f"{'.'.join(map(str, error['loc'])) or 'script'}: {error['msg']}" for error in invalid.errors())
            raise SpecInvalid("; ".join(found)) from invalid


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision of the controller. Times are seconds of the script."""

    at_s: float
    event: str
    phase: str
    step_index: int
    weight: int
    reason: str


@dataclass(frozen=True, slots=True)
class News:
    """One Event that people are told."""

    at_s: float
    kind: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What one metric showed at one judgement, as the status says it."""

    at_s: float
    name: str
    verdict: str
    value: float | None
    message: str


@dataclass(frozen=True, slots=True)
class Sized:
    """A workload's size from then on."""

    at_s: float
    workload: str
    replicas: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """What came of it, in order, and how it stands at the end. Revisions go by the names of the script."""

    moments: tuple[Decided | News, ...]
    status: CanaryStatus
    measured: tuple[Measured, ...] = ()
    waits: tuple[Decided, ...] = ()
    """When it looked and let everything as it was, and why; each reason once while it lasts."""
    ended_s: float = 0.0
    """The second of the script at which it was looked at last."""
    sizes: tuple[Sized, ...] = ()
    """Every change of a Deployment's size, those before the script begins at second 0."""

    @property
    def decisions(self) -> tuple[Decided, ...]:
        """What was decided; waiting is none."""
        return tuple(moment for moment in self.moments if isinstance(moment, Decided))

    @property
    def news(self) -> tuple[News, ...]:
        """What people were told."""
        return tuple(moment for moment in self.moments if isinstance(moment, News))
