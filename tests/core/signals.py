"""What the world answers when it is asked: scripted, without any metric source."""

from __future__ import annotations

from dataclasses import dataclass

from rollouts.core.measurement import NoData, Outcome, Probe, Rejected, Signal, Subject, Unreachable, Value


@dataclass(slots=True)
class Signals:
    """The truth about requests from now on. None: there is none to measure."""

    success_rate: float | None = 100.0
    duration_ms: float | None = 20.0
    canary_rps: float | None = 5.0
    """While the canary has weight; without weight it is silent."""
    stable_rps: float | None = 50.0
    metrics_down: str = ""
    """Why the metric source can't be reached; empty if it can."""
    rights_missing: str = ""
    """Which right the account lacks; empty if none."""

    def answer(self, probe: Probe, weight: int) -> Outcome:
        """The answer to one question while the routes give the canary `weight` percent."""
        if probe.signal is Signal.RIGHTS:
            return Rejected(self.rights_missing) if self.rights_missing else Value(1.0)
        if self.metrics_down:
            return Unreachable(self.metrics_down)
        match probe.signal, probe.subject:
            case Signal.SOURCE_ALIVE, _:
                return Value(1.0)
            case Signal.REQUEST_RATE, Subject.STABLE:
                number = self.stable_rps
            case Signal.REQUEST_RATE, Subject.CANARY:
                number = self.canary_rps if weight else 0.0
            case Signal.SUCCESS_RATE, _:
                number = self.success_rate if self.canary_rps else None
            case _:
                number = self.duration_ms if self.canary_rps else None
        return NoData() if number is None else Value(number)
