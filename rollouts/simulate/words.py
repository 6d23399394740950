"""How times, plans and endings are written. Pure."""

from __future__ import annotations

from rollouts.core.parts import in_percent
from rollouts.core.plan import plan_of
from rollouts.simulate.simulation import Ending, Simulation

_ENDINGS = {
    Ending.PROMOTED: "Promoted",
    Ending.ROLLED_BACK: "Rolled back",
    Ending.UNFINISHED: "Not ended",
}


def clock(seconds: float) -> str:
    """A second of the script: `1:05`, or `2:00:00`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def duration(seconds: float) -> str:
    """A length of time for people."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes)
    return " ".join([*parts, f"{rest} s"] if rest or not parts else parts)


def plan(simulation: Simulation) -> str:
    """What the Canary plans: its steps, how long each lasts, and what ends it."""
    analysis = simulation.spec.analysis
    steps = plan_of(analysis)
    weights = ", ".join(
        in_percent(step.weight, analysis.weight_total) + (" (copies)" if step.mirrored else "") for step in steps
    )
    dwells = sorted({step.dwell_s for step in steps})
    each = duration(dwells[0]) if len(dwells) == 1 else f"{duration(dwells[0])} to {duration(dwells[-1])}"
    checks = max(step.checks for step in steps)
    often = f" and {checks} checks" if checks > 1 else ""
    return f"{weights}; each for {each}{often} at least; rolled back after {analysis.threshold} failed checks"


def ending(simulation: Simulation) -> str:
    """The last line: how it ended, and after how long."""
    status = simulation.timeline.status
    words = f"{_ENDINGS[simulation.ending]} after {duration(simulation.ended_s)}"
    if simulation.ending is not Ending.UNFINISHED:
        return f"{words}, with {status.failed_checks} failed check{'s' if status.failed_checks != 1 else ''}."
    share = in_percent(status.desired_weight, status.weight_total)
    return f"{words}: {status.phase} at {share}{_waiting_for(simulation)}."


def _waiting_for(simulation: Simulation) -> str:
    """Why nothing more came: what was decided or waited for last."""
    told = [*simulation.timeline.waits[-1:], *simulation.timeline.decisions[-1:]]
    return f", {max(told, key=lambda made: made.at_s).reason}" if told else ""
