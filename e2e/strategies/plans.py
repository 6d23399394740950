"""The runs that are planned: by which example, what its routes are to do, what kind of version is released. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from e2e.play.seen import Shares
from e2e.strategies.facts import BAD_PHASES, GOOD_PHASES, Held, RunPlan

SOUND: Mapping[str, str] = {"ERROR_RATE": "0", "LATENCY_MS": "5", "LATENCY_P99_MS": "20"}
_GATED_PHASES = ("Waiting", "Progressing", "WaitingPromotion", "Promoting", "Finalising", "Succeeded")


@dataclass(frozen=True, slots=True)
class Script:
    """A run, whatever its version; times in intervals of the analysis."""

    example: str
    """File of examples/strategies."""
    held: tuple[tuple[Shares, int], ...]
    """What the routes do, and for how many intervals at least."""
    phases: tuple[str, ...] = GOOD_PHASES
    checks: int = 1
    error_rate: float = 0.0
    dark: int = 0
    pace: int = 1
    """By how much its interval is longer than that of the other stories."""
    kind: str = "Deployment"

    def plan(self, story: str, *, version: str, before: str, interval_s: float) -> RunPlan:
        """The run that releases that version."""
        return RunPlan(
            story=story,
            version=version,
            before=before,
            env={**SOUND, "ERROR_RATE": f"{self.error_rate:g}"},
            held=tuple(Held(shares, count * interval_s) for shares, count in self.held),
            phases=self.phases,
            checks=self.checks,
            dark_s=self.dark * interval_s,
            kind=self.kind,
        )


SCRIPTS: Mapping[str, Script] = {
    "A/B": Script("ab", ((Shares(100, 0), 3),), checks=3),
    # Twice, since the second failed check reaches the threshold.
    "A/B, bad": Script("ab", ((Shares(100, 0), 2),), BAD_PHASES, error_rate=0.5),
    "matched weights": Script("matched-weights", ((Shares(30, 0), 1), (Shares(60, 0), 1))),
    "blue-green": Script("blue-green", ((Shares(100, 100), 1),), checks=2, dark=2),
    "blue-green, copies": Script("blue-green-mirror", ((Shares(0, 0, 50), 2), (Shares(100, 100), 1)), checks=2),
    "copies, weights": Script("mirror", ((Shares(0, 0, 50), 1), (Shares(20, 20), 1))),
    "copies, bad": Script("mirror", ((Shares(0, 0, 50), 2),), BAD_PHASES, error_rate=1.0),
    "gates": Script("gates", ((Shares(50, 50), 1),), _GATED_PHASES),
    "session affinity": Script("session-affinity", ((Shares(50, 50), 0),), BAD_PHASES, pace=4),
    "DaemonSet": Script("daemon-set", ((Shares(20, 20), 1), (Shares(50, 50), 1)), kind="DaemonSet"),
    # Twice, as above.
    "DaemonSet, bad": Script("daemon-set", ((Shares(20, 20), 2),), BAD_PHASES, error_rate=0.5, kind="DaemonSet"),
}
