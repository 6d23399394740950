"""How a release is judged: schedule, checks, hooks. Field names are Flagger's wherever the meaning is the same.

Which fields go together is checked here and, in the same words, by the API server (rules.py).
"""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from rollouts.api.affinity import SessionAffinity
from rollouts.api.alert import ALERT_NAMES, ALERTS_MAX, Alert
from rollouts.api.durations import Duration, Span, duration_s
from rollouts.api.hooks import HookType, Webhook
from rollouts.api.invalid import refuse_flaw
from rollouts.api.match import RequestMatch
from rollouts.api.metric import Evaluation, Metric, Reporter
from rollouts.api.sequential import (
    HOLD_FOR_STEP,
    STEP_DURATION,
    Otherwise,
    Promote,
    is_sequential,
    metric_flaws,
)
from rollouts.api.wire import WEIGHT_TOTAL_MAX, WIRE

Percent = Annotated[int, Field(ge=1, le=100)]
STEPS_MAX = 50
STEPS_OF_ONE_SIZE_MAX = 100
Part = Annotated[int, Field(ge=1, le=WEIGHT_TOTAL_MAX)]
"""Of `weightTotal`."""
Weights = Annotated[tuple[Part, ...], Field(min_length=1, max_length=STEPS_MAX)]

ONE_SCHEDULE = "set exactly one of stepWeight, stepWeights and iterations"
ASCENDING = "stepWeights must ascend: each weight greater than the one before"
DESCENDING = "stepWeightsPromotion must descend: each weight less than the one before"
ABOVE_TOTAL = "a weight is a part of weightTotal (100 if not set): none can be above it"
MANY_STEPS = (
    f"stepWeight: no more than {STEPS_OF_ONE_SIZE_MAX} steps up to maxWeight; let it be larger, or list stepWeights"
)
WAY_BACK = "of stepWeightPromotion and stepWeightsPromotion set at most one, and only with stepWeight or stepWeights"
DWELLS = "stepDwells go with stepWeight or stepWeights, and are no more than the steps"
MIRROR = "mirror can't be combined with match: every request is copied"
MIRROR_WEIGHT = "mirrorWeight is the share of the requests that mirror copies: set mirror too"
AFFINITY = "sessionAffinity goes with stepWeight or stepWeights, and without match"
METRIC_NAMES = "metrics: each name may stand once"
HOOK_NAMES = "webhooks: each name may stand once"
EVIDENCE = "nothing is promoted without evidence: set metrics of which one is no dry run, or a webhook of type rollout"
COPIES = "mirror: copies are counted by the called pods alone, so reporter must be destination"


class Strategy(StrEnum):
    """How the canary gets its requests."""

    WEIGHTS = "Weights"
    """A growing share of all requests."""
    MATCHED_WEIGHTS = "MatchedWeights"
    """A growing share of the requests that match."""
    AB = "AB"
    """All requests that match, for a number of checks."""
    BLUE_GREEN = "BlueGreen"
    """None while it is checked, then all at once."""


class ShareCheck(StrEnum):
    """How closely the requests must follow the weight before it grows."""

    BAND = "band"
    """The canary gets about its share."""
    SOME = "some"
    """It gets any, where it should have got ten."""
    NONE = "none"
    """Nobody looks."""


class Analysis(BaseModel):
    """The schedule, and the checks that decide."""

    model_config = WIRE

    interval: Duration = Field("1m", description="How long a step is held before it is judged, and between judgements.")
    threshold: Annotated[int, Field(ge=1, le=1000)] = Field(
        1, description="How many failed judgements in one run end in rollback. Not reset by one that passes."
    )
    consecutive_error_limit: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="How many judgements in a row may end without any answer before rollback. Default: no limit."
    )
    weight_total: Annotated[int, Field(ge=100, le=WEIGHT_TOTAL_MAX)] = Field(
        100, description="What all weights are parts of: 100 makes them percents, 1000 allows for 0.1 %."
    )
    step_weight: Part | None = Field(None, description="What is added at each step, up to maxWeight.")
    step_weights: Weights | None = Field(None, description="The weight of each step, ascending.")
    max_weight: Part | None = Field(
        None, description="With stepWeight: the weight of the last step. Never overshot. Default: weightTotal."
    )
    step_dwells: Annotated[tuple[Duration, ...], Field(max_length=STEPS_MAX)] = Field(
        (), description="How long each step is held at least, if longer than interval; the last one holds for the rest."
    )
    step_duration: Duration | None = Field(
        None, description="How long every step is held at least, if longer than interval. In place of stepDwells."
    )
    evaluation: Evaluation = Field(
        Evaluation.THRESHOLD,
        description="threshold: each metric's newest value against its limits. sequential: all requests of the run as "
        "evidence, where they can be counted; metrics with compare: primary are judged so in any case.",
    )
    confidence: Annotated[float, Field(ge=50, le=99.99)] = Field(
        95, description="Sequential: percent of the runs with a canary just at its limits that are not rolled back."
    )
    promote: Promote = Field(
        Promote.EVIDENCE, description="Sequential: a step is left when every metric passes, or by time if none fails."
    )
    max_hold: Duration = Field("5m", description="Sequential: how long a step waits for evidence; then onInconclusive.")
    on_inconclusive: Otherwise = Field(
        Otherwise.ADVANCE, description="After maxHold without evidence for either: hold, advance or fail."
    )
    on_shared_breach: Otherwise = Field(
        Otherwise.HOLD, description="What is broken is broken on both versions: hold, advance or fail."
    )
    warmup: Span = Field(
        "0s", description="Sequential: how long from its first weight on a run's requests do not count."
    )
    min_intervals: Annotated[int, Field(ge=1, le=20)] = Field(
        3, description="Sequential: how many evaluations must agree before a rollback."
    )
    step_weight_promotion: Part | None = Field(
        None, description="After promotion: by how much the canary's share falls each interval. Default: at once."
    )
    step_weights_promotion: Weights | None = Field(
        None, description="After promotion: the canary's shares on the way to 0, descending."
    )
    iterations: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="How many checks must pass: with match an A/B test, without it blue-green."
    )
    match: Annotated[tuple[RequestMatch, ...], Field(max_length=16)] = Field(
        (), description="Only requests that match one of these may reach the canary; all others go to the primary."
    )
    mirror: bool = Field(
        default=False,
        description="Copy requests to the canary, answers discarded: before the first weight, or through blue-green.",
    )
    mirror_weight: Percent | None = Field(None, description="With mirror: percent of the requests. Default: all.")
    session_affinity: SessionAffinity | None = Field(
        None, description="Keep clients that once reached the canary there while the release lasts."
    )
    share_check: ShareCheck = Field(
        ShareCheck.BAND,
        description="How closely requests must follow the weight before it grows. band: about its share; some: any "
        "at all, where part of the clients bypass the mesh; none: nobody looks.",
    )
    metrics: Annotated[tuple[Metric, ...], Field(max_length=16)] = Field(
        (), description="The checks. Each must pass for a step to be left upward."
    )
    webhooks: Annotated[tuple[Webhook, ...], Field(max_length=16)] = Field(
        (), description="Gates, tests and receivers of events, called over HTTP."
    )
    alerts: Annotated[tuple[Alert, ...], Field(max_length=ALERTS_MAX)] = Field(
        (), description="Who is told of it: by which AlertProviders, and how loud news must be."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        refuse_flaw(self._flaws())
        return self

    def _flaws(self) -> tuple[tuple[bool, str], ...]:
        weighted = self.iterations is None
        back, listed_back = self.step_weight_promotion, self.step_weights_promotion
        longest = len(self.step_weights) if self.step_weights is not None else STEPS_MAX
        return (
            ([self.step_weight, self.step_weights, self.iterations].count(None) != 2, ONE_SCHEDULE),
            (any(later <= earlier for earlier, later in pairwise(self.step_weights or ())), ASCENDING),
            (any(later >= earlier for earlier, later in pairwise(listed_back or ())), DESCENDING),
            ((back or listed_back) is not None and (not weighted or None not in {back, listed_back}), WAY_BACK),
            (self._greatest > self.weight_total, ABOVE_TOTAL),
            (
                weighted
                and self.step_weight is not None
                and self.last_weight > STEPS_OF_ONE_SIZE_MAX * self.step_weight,
                MANY_STEPS,
            ),
            (bool(self.step_dwells) and (not weighted or len(self.step_dwells) > longest), DWELLS),
            (self.step_duration is not None and (not weighted or bool(self.step_dwells)), STEP_DURATION),
            (duration_s(self.step_duration or "0s") > duration_s(self.max_hold), HOLD_FOR_STEP),
            (self.mirror and bool(self.match), MIRROR),
            (self.mirror_weight is not None and not self.mirror, MIRROR_WEIGHT),
            (self.session_affinity is not None and (not weighted or bool(self.match)), AFFINITY),
            (len({metric.name for metric in self.metrics}) < len(self.metrics), METRIC_NAMES),
            (len({hook.name for hook in self.webhooks}) < len(self.webhooks), HOOK_NAMES),
            (len({alert.name for alert in self.alerts}) < len(self.alerts), ALERT_NAMES),
            (all(metric.dry_run for metric in self.metrics) and not self.hooks(HookType.ROLLOUT), EVIDENCE),
            (self.mirror and any(metric.reporter is not Reporter.DESTINATION for metric in self.metrics), COPIES),
            *metric_flaws(self.metrics, self.evaluation),
        )

    @property
    def interval_s(self) -> float:
        """The time between judgements in seconds."""
        return duration_s(self.interval)

    @property
    def last_weight(self) -> int:
        """The weight of the last step of a schedule of weights."""
        return self.step_weights[-1] if self.step_weights else self.max_weight or self.weight_total

    @property
    def _greatest(self) -> int:
        back = self.step_weights_promotion or ()
        told = (self.step_weight, self.max_weight, self.step_weight_promotion, *(self.step_weights or ()), *back)
        return max((weight for weight in told if weight is not None), default=0)

    @property
    def strategy(self) -> Strategy:
        """How the canary gets its requests."""
        if self.iterations is None:
            return Strategy.MATCHED_WEIGHTS if self.match else Strategy.WEIGHTS
        return Strategy.AB if self.match else Strategy.BLUE_GREEN

    @property
    def sequential(self) -> tuple[Metric, ...]:
        """The metrics that are judged by all requests of the run."""
        return tuple(metric for metric in self.metrics if is_sequential(metric, self.evaluation))

    def hooks(self, kind: HookType) -> tuple[Webhook, ...]:
        """The hooks of one type, in their order."""
        return tuple(hook for hook in self.webhooks if hook.type is kind)
