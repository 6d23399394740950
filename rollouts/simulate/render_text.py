"""A simulation as text: a line for each decision, with the weight as a bar, then what people were told. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rollouts.simulate.simulation import Simulation
from rollouts.simulate.words import clock, ending, plan
from rollouts.testing.scenario import Decided, Measured, News

_BAR = 20


def render_text(simulation: Simulation, *, trace: bool = False) -> str:
    """Lines for a terminal; `trace` adds what was measured, and each wait with its reason."""
    lines = [
        f"Canary {simulation.name}, signal {simulation.signal}, seed {simulation.seed}: simulated, in virtual time.",
        f"Plan: {plan(simulation)}.",
        "",
        *_decision_lines(_decisions(simulation, trace=trace), simulation.spec.analysis.weight_total),
    ]
    if trace:
        lines += ["", "Measured:", *(_measured_line(seen) for seen in simulation.timeline.measured)]
    lines += ["", "What people are told:", *(_news_line(told) for told in simulation.timeline.news)]
    return "\n".join([*lines, "", ending(simulation)]) + "\n"


def _decisions(simulation: Simulation, *, trace: bool) -> list[Decided]:
    timeline = simulation.timeline
    waits = list(timeline.waits) if trace else []
    return sorted([*timeline.decisions, *waits], key=lambda made: made.at_s)


def _decision_lines(decisions: Sequence[Decided], total: int) -> Iterator[str]:
    """One line for what is decided again and again, with how often."""
    for _, alike in groupby(decisions, key=lambda made: (made.event, made.phase, made.weight, made.reason)):
        first, *others = alike
        again = f" ({len(others) + 1} times, until {clock(others[-1].at_s)})" if others else ""
        yield _decision_line(first, total) + again


def _decision_line(made: Decided, total: int) -> str:
    filled = round(made.weight * _BAR / total)
    bar = "#" * filled + "." * (_BAR - filled)
    return (
        f"{clock(made.at_s):>8}  {100 * made.weight / total:3g} % {bar}  {made.phase:16}  {made.event}: {made.reason}"
    )


def _measured_line(seen: Measured) -> str:
    return f"{clock(seen.at_s):>8}  {seen.verdict:6}  {seen.message}"


def _news_line(told: News) -> str:
    mark = "!" if told.kind == "Warning" else " "
    return f"{clock(told.at_s):>8} {mark} {told.reason}: {told.message}"
