"""What the command line calls: files in, text and an ending out."""

from __future__ import annotations

from dataclasses import dataclass

from rollouts.simulate.render_json import render_json
from rollouts.simulate.render_svg import render_svg
from rollouts.simulate.render_text import render_text
from rollouts.simulate.simulation import Ending, simulate


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for."""

    path: str
    signal: str = "healthy"
    seed: int = 0
    name: str = ""
    trace: bool = False
    output: str = "text"


def simulated(options: Options) -> tuple[str, Ending]:
    """The simulation in that form, and how it came out. Raises SpecInvalid."""
    found = simulate(options.path, options.signal, options.seed, options.name)
    match options.output:
        case "json":
            return render_json(found, trace=options.trace), found.ending
        case "svg":
            return render_svg(found), found.ending
        case _:
            return render_text(found, trace=options.trace), found.ending
