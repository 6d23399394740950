"""What the controller says about a Canary, and all that it remembers of it: the next process goes on from here alone.

Every list is bounded, and every text by what it takes in stored JSON where it is made, so that the whole stays under
16 KiB. Texts of a list share what they have: one long reason is kept whole, sixteen of them are not. A notice's text is
cut once, when it is written: who was told it is not told other words under the same number.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, ValidationError

from rollouts.api.actions import APPROVALS_MAX, SUFFIXES_MAX, Verb
from rollouts.api.hooks import HookType
from rollouts.api.resources import Manifest
from rollouts.api.sequential import SEQUENTIAL_MAX
from rollouts.api.wire import WEIGHT_TOTAL_MAX, WIRE, Weight

OUTBOX_MAX = 7
REASON_MAX = 32
NUMBER_MAX = 999_999_999
RECEIPTS_MAX, RECEIPT_MAX = 8, 54
"""AlertProviders that hear of one Canary, and bytes of what is kept for one."""
MUTED: Literal["muted"] = "muted"
"""The type of a notice for the hooks of type event alone."""
CONDITION_MAX, HOLD_MAX, GATE_MAX, SHARE_MAX = 320, 416, 128, 256
"""Bytes of a message, as those below."""
NOTICES_TEXT, ACTIONS_TEXT, RESULTS_TEXT = 776, 896, 656
"""Of all notices, of all actions and approvals with who asked for them, of all measurements."""
NOTICE_TEXT_MIN = 80
"""What is left of that for each notice, however long those are that were there first."""
STEP_COUNT_MAX = 101
"""Those of stepWeight, at most 100, and the one before them in which requests are only copied."""
RESULT_NAME_MAX = 63
HEARD = 6
"""Digits that tell approvals of one Canary apart."""
RESULTS_MAX = 16
STATE_MAX = 408
"""Of the packed sums of one metric."""
ERRORS_MAX = 1000
FIRST_YEAR, YEARS_END = 1970, 3000
Revision = Annotated[str, Field(max_length=16)]


def _of_these_times(at: datetime) -> datetime:
    """An instant from which seconds can be counted, in either direction, whatever a spec says."""
    if not FIRST_YEAR <= at.year < YEARS_END:
        raise ValueError(f"write a time between {FIRST_YEAR} and {YEARS_END}")
    return at


Instant = Annotated[AwareDatetime, AfterValidator(_of_these_times)]


class Phase(StrEnum):
    """Where a Canary is in its life; `core/phases.py` says how it moves."""

    INITIALIZING = "Initializing"
    INITIALIZED = "Initialized"
    WAITING = "Waiting"
    PROGRESSING = "Progressing"
    WAITING_PROMOTION = "WaitingPromotion"
    PROMOTING = "Promoting"
    FINALISING = "Finalising"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    TERMINATING = "Terminating"


class ConditionType(StrEnum):
    """The conditions of a Canary. Reconciling and Stalled follow the kstatus convention."""

    READY = "Ready"
    PROMOTED = "Promoted"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    WEIGHTS_CONTESTED = "WeightsContested"
    """Only there while somebody else keeps changing the routes."""


class Condition(BaseModel):
    """One condition, as the Kubernetes API conventions define it."""

    model_config = WIRE

    type: Annotated[str, Field(max_length=24)]
    status: Literal["True", "False", "Unknown"]
    reason: Annotated[str, Field(max_length=REASON_MAX)]
    message: Annotated[str, Field(max_length=CONDITION_MAX)] = ""
    observed_generation: int = 0
    last_transition_time: Instant


class Verdict(StrEnum):
    """What one metric's last measurement means."""

    PASS = "Pass"
    FAIL = "Fail"
    NO_DATA = "NoData"
    ERROR = "Error"
    INCONCLUSIVE = "Inconclusive"
    """There is something to judge, and not enough for either verdict: time will tell."""
    SHARED_BREACH = "SharedBreach"
    """What failed can't be told apart by version: no fault of the canary, and no time for more weight."""


class MetricResult(BaseModel):
    """The last measurement of one metric."""

    model_config = WIRE

    name: Annotated[str, Field(max_length=RESULT_NAME_MAX)]
    verdict: Verdict
    value: float | None = None
    message: Annotated[str, Field(max_length=256)] = Field("", description="The value against its limit, in words.")
    measured_at: Instant
    errors: Annotated[int, Field(ge=0, le=ERRORS_MAX)] = Field(0, description="Errors of this metric in a row.")
    dry_run: bool = Field(default=False, description="Whether it decides nothing.")


class EvidenceStatus(BaseModel):
    """What the requests of a run say of one metric that is evaluated sequentially, for the next process."""

    model_config = WIRE

    name: Annotated[str, Field(max_length=RESULT_NAME_MAX)]
    at: Instant = Field(description="The evaluation that this speaks of.")
    basis: Annotated[str, Field(max_length=8)] = Field(description="Hash of the limits: with others it begins anew.")
    state: Annotated[str, Field(max_length=STATE_MAX)] = Field(description="The sums, packed.")


class ActionTaken(BaseModel):
    """The last action of one kind, and what became of it."""

    model_config = WIRE

    verb: Annotated[str, Field(max_length=10)]
    id: Annotated[str, Field(max_length=64)]
    user: Annotated[str, Field(max_length=253)] = Field(
        "", description="Who asked; after `unverified:` a name that nothing vouches for."
    )
    outcome: Literal["Done", "Refused"]
    message: Annotated[str, Field(max_length=256)] = ""
    taken_at: Instant


class Approval(BaseModel):
    """That a person lets the release pass a gate."""

    model_config = WIRE

    user: Annotated[str, Field(max_length=253)] = Field("", description="As in actions.")
    at: Instant
    reason: Annotated[str, Field(max_length=256)] = ""


class GateStatus(BaseModel):
    """A gate that the release waits at."""

    model_config = WIRE

    type: HookType
    since: Instant
    approved: bool = Field(default=False, description="Whether a person has opened it.")
    message: Annotated[str, Field(max_length=GATE_MAX)] = Field("", description="What keeps it closed.")
    approvals: Annotated[tuple[Approval, ...], Field(max_length=APPROVALS_MAX)] = Field(
        (), description="Who has approved so far."
    )
    needed: Annotated[int, Field(ge=1, le=APPROVALS_MAX)] = Field(1, description="How many persons have to.")


class HoldStatus(BaseModel):
    """Why the release may not start, or take its next step, though nothing is wrong with it."""

    model_config = WIRE

    reason: Annotated[str, Field(max_length=REASON_MAX)] = Field(
        description="OutsideWindow, DenyWindow, Frozen, PolicyInvalid, PolicyUnreadable or Queued."
    )
    message: Annotated[str, Field(max_length=HOLD_MAX)] = Field(description="The same for people, and the way out.")
    since: Instant
    until: Instant | None = Field(None, description="When that is over by itself, if that is known.")


class ShareStatus(BaseModel):
    """What the requests said of a weight when it was last compared with them."""

    model_config = WIRE

    weight: Weight = Field(description="The weight that this speaks of.")
    in_force: bool | None = Field(None, description="Whether the requests follow it; null where they don't tell.")
    message: Annotated[str, Field(max_length=SHARE_MAX)] = Field(description="The counts, or why there are none.")


class Notice(BaseModel):
    """Something that people are still to be told."""

    model_config = WIRE

    number: Annotated[int, Field(ge=1, le=NUMBER_MAX)] = Field(
        description="Counts the notices of one Canary; part of a stable id."
    )
    type: Literal[HookType.EVENT, HookType.POST_ROLLOUT, "muted"] = Field(
        HookType.EVENT,
        description="Who is told: event, the hooks of that type and the alerts; muted, as event, but no alert; "
        "post-rollout, the hooks of that type.",
    )
    reason: Annotated[str, Field(max_length=REASON_MAX)]
    message: Annotated[str, Field(max_length=256)]
    warning: bool = False
    phase: Phase
    revision: Revision = ""
    at: Instant

    @property
    def hook_type(self) -> HookType:
        """The hooks that are called with it."""
        return HookType.POST_ROLLOUT if self.type == HookType.POST_ROLLOUT else HookType.EVENT

    @property
    def alerts(self) -> bool:
        """Whether AlertProviders tell it."""
        return self.type == HookType.EVENT


SECRETS_MAX = 64
"""Secrets that one Canary can track."""


class SecretsRead(BaseModel):
    """What is remembered of the Secrets that the target's template refers to: never what is in them."""

    model_config = WIRE

    template: Revision = Field(description="Hash of the template that refers to them.")
    since: Instant = Field(description="Only what was read from then on counts.")
    digests: Annotated[tuple[Annotated[str, Field(max_length=16)], ...], Field(max_length=SECRETS_MAX)] = Field(
        (),
        description="Salted hash of the content of each, in the order of their names; empty for one that does not "
        "exist, - for one that is not to be tracked. No entry until all are read.",
    )


class CanaryStatus(BaseModel):
    """The state of a Canary."""

    model_config = WIRE

    phase: Phase | None = Field(None, description="Where the Canary is in its life.")
    observed_generation: int = Field(0, description="The generation of the spec that this status speaks of.")
    term: Annotated[int, Field(ge=0)] = Field(
        0, description="How often a process of the controller has claimed the Canary; the last one acts on it."
    )
    step_index: Annotated[int, Field(ge=0, le=STEP_COUNT_MAX)] = Field(
        0, description="The current step, from 1; 0 before the first."
    )
    strategy: Annotated[str, Field(max_length=32)] = Field("", description="How this run gives requests to the canary.")
    step_count: Annotated[int, Field(ge=0, le=STEP_COUNT_MAX)] = Field(0, description="How many steps this run has.")
    weight_total: Annotated[int, Field(ge=100, le=WEIGHT_TOTAL_MAX)] = Field(
        100, description="What the weights here are parts of: the spec's weightTotal."
    )
    desired_weight: Weight = Field(0, description="Part of the traffic that the canary is meant to get.")
    mirrored: bool = Field(default=False, description="Whether the canary is meant to get copies of requests.")
    stranded: bool = Field(
        default=False, description="Whether the canary has all requests because the primary can't serve them."
    )
    session: Annotated[str, Field(max_length=32)] = Field(
        "", description="Value of the session cookie of the canary in the last run."
    )
    iterations: Annotated[int, Field(ge=0, le=1000)] = Field(0, description="Checks that the current step has passed.")
    observed_weight: Weight | None = Field(None, description="Part that the routing objects give it now.")
    failed_checks: Annotated[int, Field(ge=0, le=1000)] = Field(0, description="Failed judgements in this run.")
    consecutive_errors: Annotated[int, Field(ge=0, le=1000)] = Field(
        0, description="Judgements in a row that had no answer."
    )
    last_applied_spec: Revision = Field(
        "", description="Revision of the target that was released last, whatever came of it."
    )
    last_promoted_spec: Revision = Field("", description="Revision that was promoted last.")
    applied_template: Revision = Field(
        "", description="Hash of the template alone of lastAppliedSpec, where its configuration is part of that."
    )
    secrets_read: SecretsRead | None = Field(None, description="What is known of the Secrets that are tracked.")
    replacing: bool = Field(
        default=False,
        description="Whether the canary's pods have the configuration of before, and are to be replaced first.",
    )
    stable_subset: Annotated[str, Field(max_length=63)] = Field("", description="With subsets: the one that serves.")
    idle_spec: Revision = Field(
        "", description="With subsets: revision of the other one that is no news, as it was at its last rest."
    )
    idle_rested: bool = Field(
        default=False, description="Whether that one has been at zero: scaled up again, it is to be judged."
    )
    idle_proven: bool = Field(
        default=False, description="Whether that revision was promoted once: then undo may go back to it."
    )
    canary_replicas: Annotated[int, Field(ge=0)] = Field(1, description="Size of the canary while a run lasts.")
    full_replicas: Annotated[int, Field(ge=0)] = Field(
        0, description="Size that the target would have without the Canary; 0 where it is the canary's."
    )
    stable_replicas: Annotated[int, Field(ge=0)] = Field(
        0,
        description="Size of the primary when the run began: its autoscaler keeps at least that until the run is over.",
    )
    started_at: Instant | None = Field(None, description="When the run began.")
    finished_at: Instant | None = Field(None, description="When the last run came to its end.")
    last_transition_time: Instant | None = Field(None, description="When the phase changed.")
    dwell_started_at: Instant | None = Field(None, description="When the current weight was seen in force.")
    last_check_at: Instant | None = Field(
        None, description="When the current step was last judged; without news that is written once a minute."
    )
    not_ready_since: Instant | None = Field(None, description="Since when the release's pods are not ready.")
    no_data_since: Instant | None = Field(None, description="Since when the checks find nothing to judge.")
    untold_since: Instant | None = Field(
        None, description="Since when a trouble lasts that may end by itself, and that nobody was told of yet."
    )
    drained: bool = Field(
        default=True, description="Whether the canary of the last run has fallen silent and may be scaled down."
    )
    drain_started_at: Instant | None = Field(
        None, description="Since when the canary, out of traffic, waits for its last requests before scale-down."
    )
    paused_at: Instant | None = Field(None, description="Since when a person holds the weight where it is.")
    gate: GateStatus | None = Field(None, description="The gate that the release waits at.")
    hold: HoldStatus | None = Field(None, description="The window, freeze or limit that it waits for.")
    overridden_at: Instant | None = Field(
        None, description="Since when neither windows nor freeze nor limit hold this release: a person said so."
    )
    actions: Annotated[tuple[ActionTaken, ...], Field(max_length=len(Verb))] = Field(
        (), description="The last action of each kind."
    )
    heard: Annotated[tuple[Annotated[str, Field(max_length=HEARD)], ...], Field(max_length=SUFFIXES_MAX)] = Field(
        (), description="Hashes of the approvals under keys of their own that were taken."
    )
    metrics: Annotated[tuple[MetricResult, ...], Field(max_length=RESULTS_MAX)] = Field(
        (), description="The last measurements."
    )
    evidence: Annotated[tuple[EvidenceStatus, ...], Field(max_length=SEQUENTIAL_MAX)] = Field(
        (), description="What the requests of this run say of the metrics that are evaluated sequentially."
    )
    share: ShareStatus | None = Field(None, description="Whether the canary really gets its share of the requests.")
    notices: Annotated[int, Field(ge=0, le=NUMBER_MAX)] = Field(0, description="Notices of this Canary so far.")
    notices_lost: Annotated[int, Field(ge=0, le=NUMBER_MAX)] = Field(
        0, description="Notices that had to make room, or were given up, before all receivers had them."
    )
    outbox: Annotated[tuple[Notice, ...], Field(max_length=OUTBOX_MAX)] = Field(
        (), description="Notices that no receiver has confirmed yet."
    )
    receipts: Annotated[tuple[Annotated[str, Field(max_length=RECEIPT_MAX)], ...], Field(max_length=RECEIPTS_MAX)] = (
        Field((), description="For each AlertProvider the last notice that it was told, and the thread of the release.")
    )
    conditions: Annotated[tuple[Condition, ...], Field(max_length=len(ConditionType))] = Field(
        (), description="Conditions."
    )

    def to_wire(self) -> dict[str, Any]:
        """As JSON: every field of ours, absent ones as null, so that a merge patch also removes."""
        return self.model_dump(mode="json", by_alias=True)


def status_in(canary: Manifest) -> CanaryStatus | None:
    """The status of an object; of one that has none, the state before anything happened. None if it can't be read:
    then somebody else has written it, or another version of this program.
    """
    try:
        return CanaryStatus.model_validate(canary.get("status") or {})
    except ValidationError:
        return None
