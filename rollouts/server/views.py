"""A Canary as the API shows it: what stands in its object, and what a person would ask next. Pure.

Field names are those of the status. Nothing is computed here that the controller does not say itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from rollouts.api.resources import Manifest
from rollouts.api.status import CanaryStatus, GateStatus, HoldStatus, Phase, status_in

_MODEL = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)
_RUNNING = frozenset({Phase.WAITING, Phase.PROGRESSING, Phase.WAITING_PROMOTION, Phase.PROMOTING, Phase.FINALISING})


class Summary(BaseModel):
    """One line about a Canary."""

    model_config = _MODEL

    namespace: str
    name: str
    uid: str
    phase: str
    revision: str
    """Of the release that is under way, or was last."""
    promoted_revision: str
    weight: int
    weight_total: int
    step: int
    steps: int
    paused: bool
    gate: GateStatus | None
    message: str
    """Of the condition Ready or, where that is well, of Promoted."""
    since: datetime | None
    """When the phase changed."""


class Detail(Summary):
    """All about a Canary."""

    waits: list[str]
    """Why it is where it is and not further; nothing if it waits for nobody."""
    next: str
    """What comes next."""
    status: dict[str, Any]
    """As it stands on the object."""
    target: str
    suspended: bool


class Run(BaseModel):
    """One release, as far as it is still known."""

    model_config = _MODEL

    revision: str
    outcome: Literal["Running", "Succeeded", "Failed", "Unknown"]
    started_at: datetime | None
    finished_at: datetime | None
    message: str


class Moment(BaseModel):
    """Something that happened."""

    model_config = _MODEL

    at: datetime
    kind: Literal["event", "condition", "action"]
    reason: str
    message: str
    warning: bool = False
    user: str = ""


class Timeline(BaseModel):
    """What happened, in its order, as far as it is still known."""

    model_config = _MODEL

    moments: list[Moment]
    missing: str
    """What is not in it, and why; empty if nothing."""


def summary_of(canary: Manifest) -> Summary:
    """One line."""
    return Summary(**_summed(canary, _status(canary)))


def detail_of(canary: Manifest) -> Detail:
    """All of it."""
    status, spec = _status(canary), canary.get("spec") or {}
    target = spec.get("targetRef") or {}
    names = [subset.get("name", "") for subset in spec.get("subsets") or ()]
    return Detail(
        **_summed(canary, status),
        waits=_waits(status),
        next=_next(status),
        status=canary.get("status") or {},
        target=f"{target.get('kind', '')}/{target.get('name', '')}" if target else "subsets " + " and ".join(names),
        suspended=bool(spec.get("suspend")),
    )


UNREADABLE = "its status can't be read: another version of this program has written it, or somebody else"


def _status(canary: Manifest) -> CanaryStatus:
    """As if nothing had happened where it can't be read: UNREADABLE is told then."""
    return status_in(canary) or CanaryStatus()


def _summed(canary: Manifest, status: CanaryStatus) -> dict[str, Any]:
    metadata = canary["metadata"]
    return {
        "namespace": metadata.get("namespace", ""), "name": metadata["name"], "uid": metadata["uid"],
        "phase": str(status.phase or ""), "revision": status.last_applied_spec,
        "promoted_revision": status.last_promoted_spec, "weight": status.desired_weight,
        "weight_total": status.weight_total, "step": status.step_index, "steps": status.step_count,
        "paused": status.paused_at is not None, "gate": status.gate,
        "message": UNREADABLE if status_in(canary) is None else _message(status),
        "since": status.last_transition_time,
    }  # fmt: skip


def _message(status: CanaryStatus) -> str:
    told = {str(one.type): one for one in status.conditions}
    ready = told.get("Ready")
    if ready is not None and ready.status != "True":
        return ready.message
    return next((told[kind].message for kind in ("Reconciling", "Promoted") if kind in told), "")


def _waits(status: CanaryStatus) -> list[str]:
    waits = []
    if status.paused_at is not None:
        waits.append(f"paused since {_words(status.paused_at)}")
    if status.hold is not None:
        waits.append(_hold_words(status.hold))
    if status.gate is not None and not status.gate.approved:
        waits.append(_gate_words(status.gate))
    if status.phase in _RUNNING and not waits and (said := _message(status)):
        waits.append(said)
    return waits


def _hold_words(hold: HoldStatus) -> str:
    return f"{hold.message} (until {_words(hold.until)})" if hold.until is not None else hold.message


def _gate_words(gate: GateStatus) -> str:
    what = gate.message or f"{gate.type} is closed"
    if gate.needed == 1:
        return f"{what}, since {_words(gate.since)}"
    given = ", ".join(one.user for one in gate.approvals) or "nobody yet"
    return f"{what}, since {_words(gate.since)}; {len(gate.approvals)} of {gate.needed} have approved: {given}"


def _next(status: CanaryStatus) -> str:
    stepping = status.phase in {Phase.PROGRESSING, Phase.WAITING_PROMOTION}
    if status.phase is Phase.WAITING and status.gate is not None:
        return "approve starts the release, reject ends it"
    if stepping and status.paused_at is not None:
        return "resume lets it go on; a check that fails still rolls it back"
    if stepping and status.gate is not None and not status.gate.approved:
        return "approve lets it go on, reject rolls it back"
    if status.phase is Phase.PROGRESSING and status.step_index < status.step_count:
        return f"step {status.step_index + 1} of {status.step_count}, once this one has passed its checks"
    return _NEXT.get(status.phase or Phase.INITIALIZING, "another revision of the target starts a release")


_NEXT: Mapping[Phase, str] = MappingProxyType({
    Phase.INITIALIZING: "it is ready for releases when the primary serves",
    Phase.WAITING: "it starts when nothing holds it",
    Phase.PROGRESSING: "the promotion, once this step has passed its checks",
    Phase.WAITING_PROMOTION: "the promotion, once this step has passed its checks",
    Phase.PROMOTING: "the traffic returns to the stable side when that runs the new revision",
    Phase.FINALISING: "the canary is scaled down when it has fallen silent",
    Phase.FAILED: "retry releases the same revision again; another revision starts by itself",
    Phase.TERMINATING: "the target gets its traffic back, then the Canary is gone",
})  # fmt: skip


_BEGINS = frozenset({"NewRevision", "Waiting", "Rescue", "Superseded"})
_ENDS: dict[str, Literal["Succeeded", "Failed"]] = {
    "Succeeded": "Succeeded", "Reverted": "Succeeded", "Rollback": "Failed", "Stranded": "Failed",
}  # fmt: skip


def history_of(canary: Manifest, events: Sequence[Manifest]) -> list[Run]:
    """The releases that the status and the Events tell of, the newest first."""
    status = _status(canary)
    runs, began = [], None
    for moment in _moments(events):
        if moment.reason in _BEGINS:
            began = began or moment
        elif moment.reason in _ENDS:
            started = began.at if began else None
            outcome = _ENDS[moment.reason]
            runs.append(
                Run(revision="", outcome=outcome, started_at=started, finished_at=moment.at, message=moment.message)
            )
            began = None
    last = _last_run(status)
    before = [run for run in runs if last is None or not _same(run, last)]
    return ([last] if last is not None else []) + before[::-1]


def _last_run(status: CanaryStatus) -> Run | None:
    if status.started_at is None:
        return None
    outcome: Literal["Running", "Succeeded", "Failed", "Unknown"] = "Unknown"
    if status.phase in _RUNNING:
        outcome = "Running"
    elif status.phase in {Phase.SUCCEEDED, Phase.FAILED}:
        outcome = "Succeeded" if status.phase is Phase.SUCCEEDED else "Failed"
    ended = None if outcome == "Running" else status.finished_at
    return Run(
        revision=status.last_applied_spec, outcome=outcome, started_at=status.started_at, finished_at=ended,
        message=_message(status),
    )  # fmt: skip


def _same(run: Run, last: Run) -> bool:
    """Whether an end that an Event tells of is the one that the status knows; Events know whole seconds."""
    return (
        run.finished_at is not None
        and last.started_at is not None
        and run.finished_at >= last.started_at.replace(microsecond=0)
    )


def timeline_of(canary: Manifest, events: Sequence[Manifest], missing: str = "") -> Timeline:
    """Events, changes of conditions and what people asked for, the oldest first."""
    status = _status(canary)
    conditions = [
        Moment(at=one.last_transition_time, kind="condition", reason=f"{one.type}={one.status}", message=one.message)
        for one in status.conditions
    ]
    actions = [
        Moment(
            at=one.taken_at, kind="action", reason=one.verb, message=one.message, user=one.user,
            warning=one.outcome == "Refused",
        )
        for one in status.actions
    ]  # fmt: skip
    moments = sorted([*_moments(events), *conditions, *actions], key=lambda moment: moment.at)
    return Timeline(moments=moments, missing=missing)


def _moments(events: Iterable[Manifest]) -> list[Moment]:
    told = []
    for event in events:
        at = event.get("eventTime") or event.get("lastTimestamp") or event.get("firstTimestamp")
        if at:
            reason, message = event.get("reason") or "", event.get("message") or ""
            warning = event.get("type") == "Warning"
            told.append(Moment(at=at, kind="event", reason=reason, message=message, warning=warning))
    return sorted(told, key=lambda moment: moment.at)


def _words(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
