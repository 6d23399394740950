"""A Canary as the API shows it: what stands in its object, and what a person would ask next. Pure.

Field names are those of the status. Why it is where it is, what comes next and what was before are said by the same
judges as by the command line: core/outlook.py and core/history.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from rollouts.api.actions import Verb
from rollouts.api.canary import CanarySpec
from rollouts.api.resources import Manifest
from rollouts.api.status import CanaryStatus, GateStatus, status_in
from rollouts.core.history import happened_at, in_order, runs_of
from rollouts.core.outlook import outlook, why_now

_MODEL = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


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


class Coming(BaseModel):
    """Something that comes."""

    model_config = _MODEL

    what: str
    at: datetime | None
    """At the earliest; null where that depends on the world or on a person."""


class Detail(Summary):
    """All about a Canary."""

    why: str
    """Why it is where it is and not further."""
    next: list[Coming]
    """What comes next, in this order."""
    possible: list[Verb]
    """The actions that make sense now."""
    safe: Verb | None
    """The one that can't make anything worse; null where nothing has to be done."""
    status: dict[str, Any]
    """As it stands on the object."""
    target: str
    suspended: bool


class Run(BaseModel):
    """One release, as far as it is still known."""

    model_config = _MODEL

    revision: str
    outcome: str
    """running, promoted, rolled back, taken back, or replaced."""
    began: datetime | None
    ended: datetime | None
    greatest_percent: float
    """The largest share that the canary had."""
    why: str
    """What was said last."""


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


def detail_of(canary: Manifest, now: datetime) -> Detail:
    """All of it, as it looks at that time."""
    status, spec = _status(canary), canary.get("spec") or {}
    target = spec.get("targetRef") or {}
    names = [subset.get("name", "") for subset in spec.get("subsets") or ()]
    return Detail(
        **_summed(canary, status),
        **_ahead(canary, status, now),
        status=canary.get("status") or {},
        target=f"{target.get('kind', '')}/{target.get('name', '')}" if target else "subsets " + " and ".join(names),
        suspended=bool(spec.get("suspend")),
    )


UNREADABLE = "its status can't be read: another version of this program has written it, or somebody else"


def _ahead(canary: Manifest, status: CanaryStatus, now: datetime) -> dict[str, Any]:
    """Why, and what comes: of a spec that is not understood, what is wrong with it."""
    try:
        spec = CanarySpec.model_validate(canary.get("spec") or {})
    except ValidationError as invalid:
        first = invalid.errors()[0]
        return {"why": f"{'.'.join(map(str, first['loc']))}: {first['msg']}", "next": [], "possible": [], "safe": None}
    found = outlook(spec, status, now)
    return {
        "why": why_now(found, status, int(canary["metadata"].get("generation") or 0)),
        "next": [Coming(what=one.what, at=one.at) for one in found.coming],
        "possible": list(found.possible), "safe": found.safe,
    }  # fmt: skip


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


def history_of(canary: Manifest, events: Sequence[Manifest]) -> list[Run]:
    """The releases that the status and the Events tell of, the newest first."""
    return [
        Run(
            revision=one.revision, outcome=one.outcome, began=one.began, ended=one.ended,
            greatest_percent=one.greatest, why=one.why,
        )
        for one in reversed(runs_of(in_order(events), canary))
    ]  # fmt: skip


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


def _moments(events: Sequence[Manifest]) -> list[Moment]:
    return [
        Moment(
            at=at, kind="event", reason=event.get("reason") or "", message=event.get("message") or "",
            warning=event.get("type") == "Warning",
        )
        for event in in_order(events)
        if (at := happened_at(event)) is not None
    ]  # fmt: skip
