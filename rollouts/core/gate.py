"""Gates: webhooks that somebody opens, before a release starts, before more weight, before the promotion.

A closed gate is asked again every GATE_POLL at most; a person may open it instead. At its deadline a gate that says
no ends the release, and one that is not known to is asked once more. Nothing here knows HTTP: answers come as samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType, Webhook
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.approving import needed_at
from rollouts.core.finding import newest
from rollouts.core.measurement import Accepted, Call, Refused, Sample, Unreachable
from rollouts.core.observed import Observed

GATE_POLL = timedelta(seconds=10)
"""How long an answer holds, unless the interval of the analysis is shorter."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What all hooks of one type say together."""

    closed: tuple[str, ...] = ()
    """Which of them keep it closed, and why."""
    failed: str = ""
    """Why the release ends: it was closed for too long."""
    asks: tuple[Call, ...] = ()
    wake_at: datetime | None = None
    unheard: bool = False
    """Some that may keep it closed have not answered yet, or not for long: nobody knows how it stands."""

    @property
    def is_open(self) -> bool:
        """Whether the release may go on."""
        return not (self.closed or self.failed)

    @property
    def message(self) -> str:
        """What it waits for."""
        return "; ".join(self.closed)


def look_at(kind: HookType, spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Gate:
    """How the gate of that type stands now, and what is still to be asked."""
    waits = status.gate if status.gate is not None and status.gate.type is kind else None
    hooks = spec.analysis.hooks(kind)
    needed = needed_at(kind, spec)
    if not hooks or (waits is not None and (waits.approved or len(waits.approvals) >= needed)):
        return Gate()
    since = waits.since if waits is not None else seen.now
    closed, asks, instants, unheard = [], [], [], False
    for hook in hooks:
        ends_at = None if hook.deadline_s is None else since + timedelta(seconds=hook.deadline_s)
        over = ends_at is not None and seen.now >= ends_at
        answer = _answer(spec, status, seen, hook)
        if _consents(answer) or (over and hook.on_deadline == "advance"):
            continue
        unknown = answer is None and hook.url is not None
        if over and not unknown:
            return Gate(failed=f"{kind} {hook.name} was not opened within {hook.deadline}")
        closed.append(_why(kind, hook, answer, needed))
        unheard = unheard or unknown
        instants += [] if ends_at is None or over else [ends_at]
        if hook.url is not None and (answer is None or seen.now >= answer.at + poll(spec)):
            asks.append(_call(status, hook))
        elif answer is not None:
            instants.append(answer.at + poll(spec))
    return Gate(tuple(closed), "", tuple(asks), min(instants, default=None), unheard)


def look_for_rollback(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Gate:
    """Whether a rollback hook asks for the end (`failed` then), and what is still to be asked."""
    asks, instants = [], []
    for hook in spec.analysis.hooks(HookType.ROLLBACK):
        answer = _answer(spec, status, seen, hook)
        if _consents(answer):
            return Gate(failed=f"rollback hook {hook.name} asks for it")
        if answer is None or seen.now >= answer.at + poll(spec):
            asks.append(_call(status, hook))
        else:
            instants.append(answer.at + poll(spec))
    return Gate((), "", tuple(asks), min(instants, default=None))


def poll(spec: CanarySpec) -> timedelta:
    """How long an answer holds."""
    return min(GATE_POLL, timedelta(seconds=spec.analysis.interval_s))


def calls_of(kind: HookType, spec: CanarySpec, status: CanaryStatus) -> tuple[Call, ...]:
    """The questions to all hooks of a type."""
    return tuple(_call(status, hook) for hook in spec.analysis.hooks(kind))


def _consents(answer: Sample | None) -> bool:
    return answer is not None and isinstance(answer.outcome, Accepted)


def _answer(spec: CanarySpec, status: CanaryStatus, seen: Observed, hook: Webhook) -> Sample | None:
    """The newest answer that still holds. It speaks of the asking, so a slow one is old when it comes.

    It is about one run; that to a gate before more weight, or before the promotion, about the present weight.
    """
    began = [] if status.started_at is None else [status.started_at]
    if hook.type not in {HookType.CONFIRM_ROLLOUT, HookType.ROLLBACK} and status.dwell_started_at is not None:
        # The consent that brought this weight may have been asked for in the instant in which it was seen in force.
        began.append(status.dwell_started_at + timedelta.resolution)
    holds_from = seen.now - poll(spec) - timedelta(seconds=hook.longest_s)
    # By the clock of another process it may have begun in the future: no answer would be new enough.
    limits = [instant for instant in began if instant <= seen.now]
    return newest(seen.samples, _call(status, hook), max([holds_from, *limits]))


def _call(status: CanaryStatus, hook: Webhook) -> Call:
    # As Flagger has it: only who confirms the start or asks for the end is told the very phase.
    exact = hook.type in {HookType.CONFIRM_ROLLOUT, HookType.ROLLBACK}
    phase = (status.phase or Phase.INITIALIZING) if exact else Phase.PROGRESSING
    return Call(hook.name, hook.type, phase, status.last_applied_spec)


def _why(kind: HookType, hook: Webhook, sample: Sample | None, needed: int) -> str:
    match sample.outcome if sample is not None else None:
        case Refused(reason) | Unreachable(reason):
            return f"{kind} {hook.name}: {reason}"
        case _:
            persons = "an approval" if needed == 1 else f"{needed} approvals"
            return f"{kind} {hook.name}" if hook.url is not None else f"{kind} {hook.name} waits for {persons}"
