"""One check of an analysis: what is measured, by whom, and which values pass. Names are Flagger's where it has them.

Knows no metric source and no statistics: which fields go together is all that is checked here and, in the same words,
by the API server (rules.py). That a condition can be read is checked here alone.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from rollouts.api.condition import check_condition
from rollouts.api.durations import Duration, duration_s
from rollouts.api.http_rule import Wait
from rollouts.api.invalid import refuse_flaw
from rollouts.api.wire import WIRE

SUCCESS_RATE, DURATION = "request-success-rate", "request-duration"
QUANTILE_DEFAULT = 0.99
BUILT_IN = frozenset({SUCCESS_RATE, DURATION})
METRIC_NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
QUERY_MAX, CONDITION_MAX, ARGUMENT_MAX, ARGUMENTS_MAX = 4096, 512, 512, 16
_HTTP_STATUS = r"^[1-5](xx|[0-9][0-9])$"

ONE_QUERY = (
    "set exactly one of templateRef, query and counters for a metric of your own; request-success-rate and "
    "request-duration, which the mesh measures, take none"
)
ONE_LIMIT = "thresholdRange can't be combined with successCondition and failureCondition: write the range into them"
NO_LIMIT = "every value would pass: set thresholdRange, successCondition or failureCondition, or evaluate sequentially"
NOT_OF_EVIDENCE = "successCondition and failureCondition judge single values: sequential evaluation takes an objective"
FAILURES = "failures goes with request-success-rate: a metric of your own says in its query what counts"
NO_FAILURE = "failures needs an HTTP or a gRPC status: without any nothing could fail"
QUANTILE = "quantile goes with request-duration"
REPORTER = "reporter goes with request-success-rate and request-duration: a query of your own names its series"
VARIABLES = "templateVariables are arguments of a template: set templateRef too"
SLOW = "threshold is the slowest good request-duration: another metric takes thresholdRange or an objective"


class Evaluation(StrEnum):
    """How a metric is judged."""

    THRESHOLD = "threshold"
    """The newest value against its limits."""
    SEQUENTIAL = "sequential"
    """All requests of the run so far, as evidence for and against the canary."""


class Compare(StrEnum):
    """What the canary is held against."""

    NONE = "none"
    """The objective alone."""
    PRIMARY = "primary"
    """The version that serves, measured at the same time."""


class OnNoData(StrEnum):
    """What becomes of a release whose metric has nothing to judge."""

    HOLD = "hold"
    ADVANCE = "advance"
    FAIL = "fail"


class Reporter(StrEnum):
    """Whose count of the requests is read."""

    DESTINATION = "destination"
    """The called pod's proxy."""
    SOURCE = "source"
    """The callers' proxies and gateways."""
    WAYPOINT = "waypoint"
    """The waypoint of an ambient mesh."""


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


class Tolerance(BaseModel):
    """How much worse than the primary the canary may be: `ratio` times its rate, and `absolute` more."""

    model_config = WIRE

    ratio: Annotated[float, Field(ge=1, le=100)] = Field(1.5, description="Times the primary's rate.")
    absolute: Annotated[float, Field(ge=0, le=100)] | None = Field(
        None, description="Percentage points more. Default: a fifth of what the objective leaves."
    )


class Counters(BaseModel):
    """Two queries for raw counters, not for rates: `bad` counts some of what `total` counts."""

    model_config = WIRE

    bad: Annotated[str, Field(min_length=1, max_length=QUERY_MAX)] = Field(description="What failed.")
    total: Annotated[str, Field(min_length=1, max_length=QUERY_MAX)] = Field(description="All there was.")


class TemplateRef(BaseModel):
    """An AnalysisTemplate."""

    model_config = WIRE

    name: Annotated[str, Field(min_length=1, max_length=253)]
    namespace: Annotated[str, Field(max_length=63)] = Field("", description="Default: the Canary's.")


class FailureStatus(BaseModel):
    """Which answers count as failures."""

    model_config = WIRE

    http: Annotated[tuple[Annotated[str, Field(max_length=3, pattern=_HTTP_STATUS)], ...], Field(max_length=16)] = (
        Field(("5xx",), description="HTTP statuses: 5xx, 429.")
    )
    grpc: Annotated[tuple[Annotated[int, Field(ge=1, le=16)], ...], Field(max_length=16)] = Field(
        (), description="gRPC statuses by number: 13 is INTERNAL, 14 UNAVAILABLE. Such answers are 200 in HTTP."
    )

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if not self.http and not self.grpc:
            raise ValueError(NO_FAILURE)
        return self


class Metric(BaseModel):
    """One check of an analysis."""

    model_config = WIRE

    name: Annotated[str, Field(min_length=1, max_length=63, pattern=METRIC_NAME_PATTERN)] = Field(
        description="request-success-rate: percent that did not fail. request-duration: a quantile in milliseconds. "
        "Any other name goes with templateRef, query or counters."
    )
    interval: Duration = Field("1m", description="Look-back of the query.")
    threshold_range: ThresholdRange | None = Field(None, description="The values that pass.")
    success_condition: Annotated[str, Field(max_length=CONDITION_MAX)] = Field(
        "", description="CEL over `result`: the value passes where it is true. In place of thresholdRange."
    )
    failure_condition: Annotated[str, Field(max_length=CONDITION_MAX)] = Field(
        "", description="CEL over `result`: the value fails where it is true. Neither true: undecided."
    )
    template_ref: TemplateRef | None = Field(None, description="The AnalysisTemplate that has the query.")
    template_variables: Annotated[
        dict[Annotated[str, Field(max_length=63)], Annotated[str, Field(max_length=ARGUMENT_MAX)]],
        Field(max_length=ARGUMENTS_MAX),
    ] = Field({}, description="Arguments of the template.")
    query: Annotated[str, Field(max_length=QUERY_MAX)] = Field(
        "", description="A query of its own, with the variables of a template."
    )
    counters: Counters | None = Field(None, description="Raw counters of its own, for sequential evaluation.")
    failures: FailureStatus = Field(FailureStatus(), description="request-success-rate: which answers failed.")
    quantile: Annotated[float, Field(gt=0, lt=1)] = Field(
        QUANTILE_DEFAULT, description="request-duration: which quantile."
    )
    reporter: Reporter = Field(Reporter.DESTINATION, description="Whose count is read: destination, source, waypoint.")
    min_requests: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        0, description="How many requests of the canary in the look-back make a judgement; fewer are no data."
    )
    on_no_data: OnNoData = Field(
        OnNoData.HOLD, description="Nothing to judge: hold; advance, as if it passed; fail, as a failed check."
    )
    no_data_deadline: Duration | None = Field(
        None, description="How long nothing may be measured while the primary has requests. Default: three intervals."
    )
    consecutive_error_limit: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="How many errors of this metric in a row end in rollback. Default: analysis' limit."
    )
    dry_run: bool = Field(default=False, description="Measured and told, but no part of the decision.")
    initial_delay: Duration | None = Field(None, description="From the start of a run: not judged before.")
    evaluation: Evaluation | None = Field(None, description="threshold or sequential. Default: analysis.evaluation.")
    objective: Annotated[float, Field(gt=0, lt=100)] | None = Field(
        None, description="Sequential: percent that are to be good. Of request-duration: that are below threshold."
    )
    compare: Compare = Field(Compare.NONE, description="Sequential: none or primary.")
    tolerance: Tolerance = Field(Tolerance(), description="With compare: primary.")
    threshold: Wait | None = Field(None, description="Sequential request-duration: slower ones are bad.")

    @field_validator("success_condition", "failure_condition")
    @classmethod
    def _can_be_read(cls, text: str) -> str:
        if text:
            check_condition(text)
        return text

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        refuse_flaw(self._flaws())
        return self

    def _flaws(self) -> tuple[tuple[bool, str], ...]:
        asked = (self.template_ref is not None) + bool(self.query) + (self.counters is not None)
        limited, sequential = self.threshold_range is not None, self.evaluation is Evaluation.SEQUENTIAL
        weighed = self.compare is Compare.PRIMARY or sequential or self.counters is not None
        weighed |= self.objective is not None or self.threshold is not None
        if self.evaluation is Evaluation.THRESHOLD:
            weighed = False
        return (
            (asked != (0 if self.built_in else 1), ONE_QUERY),
            (limited and self.has_conditions, ONE_LIMIT),
            (not limited and not self.has_conditions and not weighed, NO_LIMIT),
            (sequential and self.has_conditions, NOT_OF_EVIDENCE),
            (self.failures != FailureStatus() and self.name != SUCCESS_RATE, FAILURES),
            (self.quantile != QUANTILE_DEFAULT and self.name != DURATION, QUANTILE),
            (self.reporter is not Reporter.DESTINATION and not self.built_in, REPORTER),
            (bool(self.template_variables) and self.template_ref is None, VARIABLES),
            (self.threshold is not None and self.name != DURATION, SLOW),
        )

    @property
    def has_conditions(self) -> bool:
        """Whether expressions judge it."""
        return bool(self.success_condition or self.failure_condition)

    @property
    def window_s(self) -> float:
        """The look-back in seconds."""
        return duration_s(self.interval)

    @property
    def built_in(self) -> bool:
        """Whether the mesh's own metrics answer it."""
        return self.name in BUILT_IN
