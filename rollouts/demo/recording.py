"""A recording as one SVG: the key moments of the live view, one after the other, moved by CSS alone.

A picture is kept for each state that the release was in: the last of it, when the numbers had settled. Where nothing
moves (a printer, a mail), the last moment is shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from rich.console import Console

from rollouts.demo.picture import Picture
from rollouts.demo.view import WIDTH, draw

FRAME_S = 1.5
LAST_S = 5.0
"""How long the end stands before it begins again."""
LEAST_S = 0.6
"""States that did not last so long are left out."""
_FAMILY = "Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_FRAME = """{width} {height}
<g class="frame {unique_id}">
<style>{styles} .{unique_id}-matrix, .{unique_id}-title {{ font-family: {family}; font-size: {char_height}px; }}</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect width="{terminal_width}" height="{terminal_height}"/></clipPath></defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</g>"""
"""What rich fills in for one picture: its size in the first line, then a group that is shown for a while."""
_WHOLE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img" aria-label="{label}">
<style>
.frame {{ visibility: hidden; }} .{last} {{ visibility: visible; }}
{keyframes}
@media (prefers-reduced-motion: reduce) {{ .frame {{ animation: none !important; }} }}
</style>
{frames}
</svg>
"""
_CLIPS = re.compile(r' clip-path="url\(#\w+-line-\d+\)"')
"""A clip for each line of each picture would be half of the file; no line is longer than the terminal."""
LABEL = "The live view of rollouts demo: a release promoted, one rolled back, one approved at its gate"


class Recorder:
    """Keeps the pictures that matter."""

    def __init__(self) -> None:
        self._kept: list[tuple[float, Picture]] = []
        """With the second in which each state began."""

    def see(self, picture: Picture) -> None:
        """One more moment; it replaces the last if that is of the same state."""
        if self._kept and self._kept[-1][1].key == picture.key:
            self._kept[-1] = self._kept[-1][0], picture
        else:
            self._kept.append((picture.at_s, picture))

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The last of each state that lasted, and of the last state of all."""
        lasted = [picture for began_s, picture in self._kept[:-1] if picture.at_s - began_s >= LEAST_S]
        return (*lasted, *(picture for _, picture in self._kept[-1:]))

    def write(self, path: Path) -> None:
        """The SVG. Raises OSError."""
        path.write_text(render_svg(self.pictures), encoding="utf-8")


def render_svg(pictures: Sequence[Picture]) -> str:
    """All pictures in their order. Raises ValueError without any: there is nothing to show."""
    if not pictures:
        raise ValueError("no picture was taken")
    drawn = [_frame(picture, f"f{number}") for number, picture in enumerate(pictures)]
    return _WHOLE.format(
        size=drawn[0][0],
        label=LABEL,
        last=f"f{len(drawn) - 1}",
        keyframes="\n".join(_keyframes(number, len(drawn)) for number in range(len(drawn))),
        frames="\n".join(frame for _, frame in drawn),
    )


def _frame(picture: Picture, name: str) -> tuple[str, str]:
    """Its size, and the group."""
    console = Console(file=StringIO(), record=True, width=WIDTH, force_terminal=True, color_system="truecolor")
    console.print(draw(picture))
    size, _, frame = console.export_svg(
        title="make demo", code_format=_FRAME.replace("{family}", _FAMILY), unique_id=name
    ).partition("\n")
    return size, _CLIPS.sub("", frame)


def _keyframes(number: int, count: int) -> str:
    """When one picture is shown. Between two keys nothing moves."""
    whole_s = (count - 1) * FRAME_S + LAST_S
    begins = 100 * number * FRAME_S / whole_s
    ends = 100.0 if number == count - 1 else 100 * (number + 1) * FRAME_S / whole_s
    hidden, shown = "visibility: hidden;", "visibility: visible;"
    keys = f"0% {{ {hidden} }} " if number else ""
    keys += f"{begins:.3f}% {{ {shown} }} " + (f"{ends:.3f}%, 100% {{ {hidden} }}" if number < count - 1 else "")
    rule = f"animation: show{number} {whole_s:.1f}s step-end infinite;"
    return f"@keyframes show{number} {{ {keys}}} .f{number} {{ {rule} }}"
