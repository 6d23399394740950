"""What a transition writes into the status: one function for each matter, each a plain set of fields."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from rollouts.api.actions import Action
from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType
from rollouts.api.sequential import ROOM
from rollouts.api.status import (
    GATE_MAX,
    RESULTS_MAX,
    RESULTS_TEXT,
    ActionTaken,
    CanaryStatus,
    GateStatus,
    Phase,
)
from rollouts.api.texts import cut, share_out
from rollouts.core.approving import after_hearing, counted, fitted, is_kept, needed_at
from rollouts.core.deciding import worst
from rollouts.core.finding import Finding
from rollouts.core.holds import after_hold, hold_of_news, hold_of_turn
from rollouts.core.judged import unanswered
from rollouts.core.observed import Hold, Observed
from rollouts.core.phases import ENDS, MID_RUN, STEPPING, WITH_WEIGHT, Event, Row, Share
from rollouts.core.plan import current_step, next_step, next_weight_back, step_count, step_index
from rollouts.core.sizing import sizes_at_start
from rollouts.core.swap import after_swap_event
from rollouts.core.tracking import run_on_old

_STARTS = frozenset({Event.NEW_REVISION, Event.SUPERSEDED, Event.RESCUE, Event.GATED})


def after_transition(
    spec: CanarySpec, status: CanaryStatus, seen: Observed, *, finding: Finding, row: Row
) -> dict[str, Any]:
    """Everything that a transition writes, as fields of the status."""
    if finding.event is Event.GATED:
        finding = replace(finding, hold=_kept_from_start(spec, status, seen))
    update: dict[str, Any] = {"phase": row.to, "failed_checks": status.failed_checks + int(finding.failed)}
    if finding.action is not None:
        update |= {"actions": _taken(status, seen, finding, finding.action)}
        update |= after_hearing(status, seen, finding.action)
    if finding.results:
        update |= _judged(spec, status, finding)
    if row.to is not status.phase:
        update |= _moved(status, seen, row)
    if finding.event in _STARTS and row.to is not Phase.PROMOTING:
        update |= _run_started(spec, status, seen)
    if finding.event is Event.CONFIRMED:
        update |= {"not_ready_since": seen.now} | sizes_at_start(spec, status, seen)
    if finding.event is Event.ADVANCE:
        # Not every row of errors ends in a judgement that is kept: tests before the first step may end it.
        update["consecutive_errors"] = 0
    update |= _by_event(status, seen, finding) | _weighed(spec, status, finding, row)
    if spec.swaps:
        update |= after_swap_event(spec, status, seen, finding.event)
    update |= _gated(spec, status, seen, finding) | after_hold(status, seen, finding)
    return update if finding.action is None else update | fitted(update["actions"], update.get("gate", status.gate))


def _moved(status: CanaryStatus, seen: Observed, row: Row) -> dict[str, Any]:
    """What another phase means, whichever event led to it."""
    waits = seen.now if row.to is Phase.PROMOTING else None
    update: dict[str, Any] = {"last_transition_time": seen.now, "gate": None}
    if row.to not in STEPPING or status.phase not in STEPPING:
        update |= {"not_ready_since": waits, "paused_at": None}
    if row.to not in WITH_WEIGHT:
        update |= {"drained": False, "drain_started_at": None, "share": None}
    if row.to is Phase.PROMOTING and status.secrets_read is not None:
        update["secrets_read"] = status.secrets_read.model_copy(update={"since": seen.now})
    if row.to in ENDS or (row.to is Phase.TERMINATING and status.phase in MID_RUN):
        update["finished_at"] = seen.now
    return update


def _by_event(status: CanaryStatus, seen: Observed, finding: Finding) -> dict[str, Any]:
    """What one event means, in whichever phase."""
    match finding.event:
        case Event.PREPARED if seen.primary is not None:
            promoted = seen.primary.source_revision
            size = max(1, seen.primary.replicas)
            template = seen.target.template if seen.target is not None else ""
            return {
                "last_applied_spec": promoted, "last_promoted_spec": promoted, "applied_template": template,
                "canary_replicas": size, "full_replicas": size,
            }  # fmt: skip
        case Event.PRIMARY_READY:
            return {"last_promoted_spec": status.last_applied_spec}
        case Event.REVERTED:
            template = seen.target.template if seen.target is not None else ""
            return {"last_applied_spec": status.last_promoted_spec, "applied_template": template, "replacing": False}
        case Event.DRAINED:
            return {"drained": True, "drain_started_at": None}
        case Event.PAUSED | Event.RESUMED:
            return {"paused_at": seen.now if finding.event is Event.PAUSED else None}
        case Event.OVERRIDDEN:
            return {"overridden_at": seen.now}
        case _:
            return {}


def _gated(spec: CanarySpec, status: CanaryStatus, seen: Observed, finding: Finding) -> dict[str, Any]:
    """The gate that the release waits at, since when, and whether a person has opened it."""
    if finding.event is Event.APPROVED and status.gate is not None:
        return {"gate": counted(spec, status.gate, seen, finding.action) if finding.action else status.gate}
    if finding.event is Event.GATED:
        return {"gate": None if finding.hold else _closed(HookType.CONFIRM_ROLLOUT, spec, seen)}
    if status.phase is Phase.WAITING and finding.hold is not None and not finding.hold.queued:
        return {"gate": None}  # asked anew, with its whole time, when it is the one thing that is missing
    if finding.gate is None or (status.gate is not None and status.gate.type is finding.gate):
        return {}
    return {"gate": _closed(finding.gate, spec, seen, finding.message)}


def _closed(kind: HookType, spec: CanarySpec, seen: Observed, message: str = "") -> GateStatus:
    return GateStatus(type=kind, since=seen.now, message=cut(message, GATE_MAX), needed=needed_at(kind, spec))


def _kept_from_start(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Hold | None:
    """What a new revision waits for, but for its gate: that comes before its turn."""
    hold = hold_of_news(seen)
    gated = bool(spec.analysis.hooks(HookType.CONFIRM_ROLLOUT))
    return hold if hold is not None or gated else hold_of_turn(status, seen)


def _weighed(spec: CanarySpec, status: CanaryStatus, finding: Finding, row: Row) -> dict[str, Any]:
    """The canary's share and place in the schedule; a new share has its whole dwell before it."""
    if row.share is Share.KEEP:
        return _placed(spec, status) if row.to in STEPPING else {}
    analysis, weight, index, mirrored = spec.analysis, 0, status.step_index, False
    match row.share:
        case Share.NONE if row.to in {Phase.WAITING, Phase.PROGRESSING}:
            index = 0
        case Share.NEXT if (following := next_step(analysis, status)) is not None:
            weight, mirrored = following.weight, following.mirrored
            index = step_index(analysis, weight)
        case Share.ASKED if finding.action is not None:
            weight = finding.action.weight or 0
            index = max(1, step_index(analysis, weight)) if weight else 0
        case Share.BACK:
            weight = next_weight_back(analysis, status.desired_weight)
        case Share.ALL:
            weight, index = analysis.weight_total, step_count(analysis)
        case _:
            pass
    return {
        "desired_weight": weight, "mirrored": mirrored, "stranded": row.share is Share.ALL,
        "step_index": index, "step_count": step_count(analysis), "gate": None,
        "iterations": 0, "dwell_started_at": None, "last_check_at": None,
    }  # fmt: skip


def _placed(spec: CanarySpec, status: CanaryStatus) -> dict[str, Any]:
    """The place of the same share, also in a schedule that was edited."""
    index = max(1, step_index(spec.analysis, status.desired_weight)) if current_step(spec.analysis, status) else 0
    return {"step_index": index, "step_count": step_count(spec.analysis)}


def _run_started(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> dict[str, Any]:
    target = seen.target
    revision = target.revision if target is not None else ""
    return sizes_at_start(spec, status, seen) | {
        "last_applied_spec": revision, "strategy": spec.analysis.strategy, "session": _session(spec, seen, revision),
        "failed_checks": 0, "consecutive_errors": 0, "metrics": (), "evidence": (), "share": None,
        "started_at": seen.now, "finished_at": None, "not_ready_since": seen.now, "no_data_since": None,
        "dwell_started_at": None, "last_check_at": None, "drained": False, "drain_started_at": None,
        "paused_at": None, "overridden_at": None, "iterations": 0, "gate": None,
        "applied_template": target.template if target is not None else "",
        "replacing": target is not None and run_on_old(status, target),
    }  # fmt: skip


def _session(spec: CanarySpec, seen: Observed, revision: str) -> str:
    """Another cookie for each run: who was given a canary before is not given this one for it."""
    if spec.analysis.session_affinity is None:
        return ""
    return hashlib.sha256(f"{revision} {seen.now.isoformat()}".encode()).hexdigest()[:12]


def _taken(status: CanaryStatus, seen: Observed, finding: Finding, action: Action) -> tuple[ActionTaken, ...]:
    refused = finding.event is Event.REFUSED
    if not is_kept(action, refused=refused):
        return status.actions
    taken = ActionTaken(
        verb=action.verb, id=action.id, user=action.who, message=finding.message[:256], taken_at=seen.now,
        outcome="Refused" if refused else "Done",
    )  # fmt: skip
    return (*(before for before in status.actions if before.verb != action.verb), taken)


def _judged(spec: CanarySpec, status: CanaryStatus, finding: Finding) -> dict[str, Any]:
    at = finding.judged_at or finding.results[0].measured_at
    step = current_step(spec.analysis, status)
    passed = status.iterations + int(finding.passed)
    results, evidence = finding.results, status.evidence if finding.evidence is None else finding.evidence
    room = RESULTS_MAX - ROOM * len(evidence)
    if len(results) > room:
        # What decided is among those that are kept: an open gate looks at them.
        results = (worst(results), *results[: room - 1])
    texts = share_out([result.message for result in results], RESULTS_TEXT)
    fitted = zip(results, texts, strict=True)
    told = tuple(one if one.message == text else one.model_copy(update={"message": text}) for one, text in fitted)
    return {
        "metrics": told,
        "evidence": evidence,
        "last_check_at": at,
        "no_data_since": (status.no_data_since or at) if finding.starved else None,
        "consecutive_errors": min(status.consecutive_errors + 1, 1000) if unanswered(spec, finding.results) else 0,
        "iterations": min(passed, step.checks) if step is not None else 0,
        "share": finding.share,
    }
