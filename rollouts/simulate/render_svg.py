"""A simulation as a picture: the canary's weight over time, what was measured, and where it was decided. Pure.

It stands by itself: no script, no font from elsewhere, colours for a light and a dark ground.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from rollouts.simulate.simulation import Ending, Simulation
from rollouts.simulate.words import clock, ending, plan
from rollouts.testing.scenario import Decided, Measured

WIDTH, HEIGHT = 960, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 164, 28, 84, 96
_LIGHT = {
    "ink": "#1c2733", "soft": "#6b7785", "grid": "#d9dfe6", "ground": "#ffffff", "weight": "#2f6fde", "good": "#1a8a4f",
    "bad": "#c62f3b", "wait": "#b07a10",
}  # fmt: skip
_DARK = {
    "ink": "#e6ebf0", "soft": "#93a0ad", "grid": "#2c3743", "ground": "#12181f", "weight": "#6ea3ff", "good": "#4cc987",
    "bad": "#ff7a83", "wait": "#e0b04c",
}  # fmt: skip


def _rules(colours: Mapping[str, str]) -> str:
    """Classes in these colours, each written out: not every viewer knows variables."""
    fills = " ".join(f".{name} {{ fill: {colours[name]} }}" for name in ("soft", "ground", "good", "bad", "wait"))
    return (
        f"text {{ fill: {colours['ink']} }} {fills} .grid {{ stroke: {colours['grid']} }} "
        f".line {{ stroke: {colours['weight']} }} .area {{ fill: {colours['weight']} }}"
    )


_STYLE = f"""
  svg {{ font: 13px system-ui, sans-serif }} .title {{ font-size: 17px; font-weight: 600 }}
  .line {{ fill: none; stroke-width: 2.5; stroke-linejoin: round }} .area {{ opacity: 0.14 }}
  {_rules(_LIGHT)}
  @media (prefers-color-scheme: dark) {{ {_rules(_DARK)} }}
"""
_CLASSES = {Ending.PROMOTED: "good", Ending.ROLLED_BACK: "bad", Ending.UNFINISHED: "wait"}
_VERDICTS = {"Pass": "good", "Fail": "bad"}


@dataclass(frozen=True, slots=True)
class _Scale:
    """From seconds and weights to places in the picture."""

    longest_s: float
    total: int

    def x(self, at_s: float) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * at_s / self.longest_s, 1)

    def y(self, weight: float) -> float:
        return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * weight / self.total, 1)


def render_svg(simulation: Simulation) -> str:
    """The picture as a document."""
    scale = _Scale(max(simulation.timeline.ended_s, 1.0), simulation.spec.analysis.weight_total)
    body = [
        f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}"/>',
        _text(_LEFT, 30, f"{simulation.name} on signal {simulation.signal}", "title"),
        _text(_LEFT, 50, ending(simulation), _CLASSES[simulation.ending]),
        _text(_LEFT, 68, plan(simulation), "soft"),
        *_grid(scale),
        *_curve(simulation, scale),
        *_verdicts(simulation, scale),
        *_marks(simulation, scale),
    ]
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(simulation.name)}">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *body, "</svg>"]) + "\n"


def _grid(scale: _Scale) -> Iterator[str]:
    for percent in (0, 25, 50, 75, 100):
        y = scale.y(percent * scale.total / 100)
        yield f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
        yield _text(_LEFT - 8, y + 4, f"{percent} %", "soft", anchor="end")
    for part in range(6):
        at_s = scale.longest_s * part / 5
        yield _text(scale.x(at_s), HEIGHT - _BOTTOM + 20, clock(at_s), "soft", anchor="middle")


def _curve(simulation: Simulation, scale: _Scale) -> Iterator[str]:
    """The weight as steps, from nothing to the end."""
    points, weight = [f"M{scale.x(0)} {scale.y(0)}"], 0
    for made in simulation.timeline.decisions:
        if made.weight != weight:
            points.append(f"H{scale.x(made.at_s)} V{scale.y(made.weight)}")
            weight = made.weight
    points.append(f"H{scale.x(scale.longest_s)}")
    path = " ".join(points)
    yield f'<path class="area" d="{path} V{scale.y(0)} Z"/>'
    yield f'<path class="line" d="{path}"/>'


def _verdicts(simulation: Simulation, scale: _Scale) -> Iterator[str]:
    """A row of dots for each metric: what it said at each judgement; whoever points at one sees its words."""
    names = list(dict.fromkeys(seen.name for seen in simulation.timeline.measured))
    for row, name in enumerate(names[:2]):
        y = HEIGHT - _BOTTOM + 46 + 20 * row
        for seen in simulation.timeline.measured:
            if seen.name == name:
                yield _dot(scale.x(seen.at_s), y, seen)
        yield _text(_LEFT - 8, y + 4, name, "soft", anchor="end")


def _dot(x: float, y: float, seen: Measured) -> str:
    told = escape(f"{clock(seen.at_s)} {seen.message}")
    kind = _VERDICTS.get(seen.verdict, "wait")
    return f'<circle class="{kind}" cx="{x}" cy="{y}" r="4"><title>{told}</title></circle>'


def _marks(simulation: Simulation, scale: _Scale) -> Iterator[str]:
    """Each decision where the curve is."""
    for made in simulation.timeline.decisions:
        x, y = scale.x(made.at_s), scale.y(made.weight)
        told = escape(f"{clock(made.at_s)} {made.event}: {made.reason}")
        yield f'<circle class="{_mark(made)}" cx="{x}" cy="{y}" r="5"><title>{told}</title></circle>'


def _mark(made: Decided) -> str:
    if made.phase == "Failed" or "Fail" in made.event:
        return "bad"
    return "good" if made.phase == "Succeeded" else "wait" if made.phase.startswith("Waiting") else "soft"


def _text(x: float, y: float, words: str, kind: str, *, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'
