"""What the world answers when it is asked: scripted, without any metric source."""

from __future__ import annotations

from dataclasses import dataclass, field

from rollouts.api.hooks import HookType
from rollouts.api.resources import Manifest
from rollouts.core.measurement import (
    Accepted,
    Call,
    Content,
    HookOutcome,
    NoData,
    Outcome,
    Probe,
    Refused,
    Rejected,
    SecretProbe,
    Signal,
    Subject,
    Unreachable,
    Value,
    Vet,
)
from rollouts.core.observed import Fault
from rollouts.testing.answers import told_for
from rollouts.testing.fault_effects import aborted_percent, delayed_ms
from rollouts.traffic.istio_faults import faults_in


@dataclass(slots=True)
class Signals:
    """The truth about requests from now on. None: there is none to measure."""

    success_rate: float | None = 100.0
    duration_ms: float | None = 20.0
    canary_rps: float | None = 5.0
    """While the canary has weight; without weight it is silent."""
    stable_rps: float | None = 50.0
    """All requests by the routes, of which the canary gets its share."""
    arrives: float = 100.0
    """Percent of that share that really comes to it."""
    answers: dict[str, list[str | float] | None] = field(default_factory=dict)
    """What Prometheus answers for a metric, by its name, in place of what was measured: values of series."""
    metrics_down: str = ""
    """Why the metric source can't be reached; empty if it can."""
    rights_missing: str = ""
    """Which right the account lacks; empty if none."""
    stable_success_rate: float = 100.0
    stable_duration_ms: float = 20.0
    """Of the primary: only evidence looks there."""
    unreached: float | None = 0.0
    """Percent of the requests that fail before they reach a pod; None: callers report nothing."""
    fault: Manifest | None = None
    """As Istio's `fault`, in the rule that leads to both versions."""
    canary_fault: Manifest | None = None
    """The same in one that leads to the canary alone."""
    secrets: dict[str, str] = field(default_factory=dict)
    """A digest of what is in each Secret."""
    tested: bool = False
    """Whether somebody sends the canary test requests beside the routes."""
    hooks: dict[str, str] = field(default_factory=dict)
    """What each hook answers, by its name: `yes`, or why not; `down` if it can't be reached.

    If not said, yes; but of those that may ask for a rollback, no.
    """

    @property
    def faults(self) -> tuple[Fault, ...]:
        """As the routes tell them."""
        told = {"testers": self.canary_fault, "default": self.fault}
        rules = [{"name": name} | ({"fault": fault} if fault else {}) for name, fault in told.items()]
        route = {"metadata": {"namespace": "default", "name": "app"}, "spec": {"http": rules}}
        return tuple(faults_in(route, lambda index, _: Subject.BOTH if index else Subject.CANARY))

    def _called(self, call: Call) -> HookOutcome:
        told = self.hooks.get(call.hook, "no" if call.kind is HookType.ROLLBACK else "yes")
        if told == "yes":
            return Accepted()
        return Unreachable("no answer") if told == "down" else Refused(told)

    def _counted(self, probe: Probe, share: float, copied: float) -> Outcome:
        if self.stable_rps is None or self.canary_rps is None:
            return NoData()
        everything = self.stable_rps * probe.window_s
        arrived = share / 100 * self.arrives / 100 * (1 if self.canary_rps else 0)
        if probe.subject is Subject.STABLE:
            return Value(everything * (1 - arrived))
        tests = self.canary_rps * probe.window_s if self.tested else 0.0
        return Value(everything * (arrived + copied / 100 * self.arrives / 100) + tests)

    def _seen_by_callers(self, probe: Probe) -> Outcome:
        hits = self.fault, self.canary_fault if probe.subject is Subject.CANARY else None
        if self.unreached is None:
            return NoData()
        if probe.signal is Signal.CALLERS_DURATION:
            return Value(max(map(delayed_ms, hits)))
        return Value(max(self.unreached, *map(aborted_percent, hits)))

    def answer(
        self, probe: Probe | Call | SecretProbe | Vet, *, reached: bool, share: float = 0.0, copied: float = 0.0
    ) -> Outcome | HookOutcome | Content:
        """The answer to one question while the routes do, or do not, bring requests to the canary.

        `share` and `copied` are the percent of the requests that they bring it, or copy to it.
        """
        if isinstance(probe, Call):
            return self._called(probe)
        if isinstance(probe, SecretProbe):
            return Content(self.secrets[probe.name])
        if isinstance(probe, Vet):
            return NoData()
        if probe.signal is Signal.RIGHTS:
            return Rejected(self.rights_missing) if self.rights_missing else Value(1.0)
        if self.metrics_down:
            return Unreachable(self.metrics_down)
        if (told := told_for(probe, self.answers)) is not None:
            return told
        return self._measured(probe, reached=reached, share=share, copied=copied)

    def _measured(self, probe: Probe, *, reached: bool, share: float, copied: float) -> Outcome:
        if probe.signal is Signal.REQUESTS:
            return self._counted(probe, share, copied)
        if probe.signal in {Signal.UNREACHED, Signal.CALLERS_DURATION}:
            return self._seen_by_callers(probe)
        match probe.signal, probe.subject:
            case Signal.SOURCE_ALIVE, _:
                return Value(1.0)
            case Signal.REQUEST_RATE, Subject.STABLE:
                number = self.stable_rps
            case Signal.REQUEST_RATE, Subject.CANARY:
                number = self.canary_rps if reached or self.tested else 0.0
            case Signal.SUCCESS_RATE, _:
                number = self.success_rate if self.canary_rps and (reached or self.tested) else None
            case Signal.CUSTOM, _:
                number = None
            case _:
                number = self.duration_ms if self.canary_rps and (reached or self.tested) else None
        return NoData() if number is None else Value(number)
