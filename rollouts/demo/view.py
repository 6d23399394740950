"""The live view: one picture as a few panels for a terminal, in colours that say good, bad and waiting.

It fits itself to the terminal: a bar and a list get shorter, words give way, numbers are always whole.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from rollouts.api.status import Verdict
from rollouts.demo.chronicle import About, Line
from rollouts.demo.ledger import Tally
from rollouts.demo.picture import LINES, Chapter, Picture, Side

SIMULATED = "Cluster and traffic are simulated, in this process. The controller is the real one."
SIMULATED_BRIEFLY = "cluster and traffic are simulated, the controller is real"
WIDTH = 110
_BAR_MAX = 24
_BORDER = 4
_ROWS_BESIDE_LINES = 16
"""Of both panels, with their borders."""
_CELLS_BESIDE_BAR = 66
"""Of a row of the table in a narrow view: its other columns, and what stands between them."""
_WIDE = 105
_LEAST_LINES = 3
_PHASES = {"Succeeded": "green", "Failed": "red", "WaitingPromotion": "yellow", "Waiting": "yellow"}
_ABOUT = {About.STORY: "bold", About.WARNING: "red", About.PHASE: "cyan", About.EVENT: "", About.ROUTES: "magenta"}
_VERDICTS = {Verdict.PASS: ("ok", "green"), Verdict.FAIL: ("BROKEN", "bold red")}


@dataclass(frozen=True, slots=True)
class Frame:
    """How much room there is: cells across, and lines for what happens."""

    width: int = WIDTH
    lines: int = LINES

    @property
    def narrow(self) -> bool:
        """Whether words have to give way."""
        return self.width < _WIDE

    @property
    def bar(self) -> int:
        """Cells of a weight's bar."""
        return min(_BAR_MAX, self.width - _BORDER - _CELLS_BESIDE_BAR)


def frame_for(width: int, height: int) -> Frame | None:
    """What fits a terminal of that size; None where no view does. One row is left for the cursor."""
    lines = min(LINES, height - 1 - _ROWS_BESIDE_LINES)
    return Frame(min(WIDTH, width), lines) if width >= 80 and lines >= _LEAST_LINES else None


def draw(picture: Picture, frame: Frame = Frame()) -> RenderableType:
    """All of it."""
    body = Group(_stories(picture), Text(), _sides(picture, frame), Text(), _release(picture), *_metrics(picture))
    lines = picture.lines[-frame.lines :]
    told = Group(*(_line(line, frame) for line in lines), *(Text() for _ in range(frame.lines - len(lines))))
    said = SIMULATED_BRIEFLY if frame.narrow else SIMULATED
    return Group(
        Panel(body, title=f"rollouts demo, {picture.at_s:4.1f} s", subtitle=said, width=frame.width),
        Panel(told, title="what happens", title_align="left", width=frame.width),
    )


def _stories(picture: Picture) -> Text:
    return Text("\n").join(_chapter(number, chapter) for number, chapter in enumerate(picture.chapters, 1))


def _chapter(number: int, chapter: Chapter) -> Text:
    match chapter.ok, chapter.now:
        case True, _:
            mark, style = "as told", "green"
        case False, _:
            mark, style = "NOT AS TOLD", "bold red"
        case _, True:
            mark, style = "now", "bold"
        case _:
            mark, style = "", "dim"
    return Text(f" {number}. {chapter.expected:<60}{mark}", style=style)


def _sides(picture: Picture, frame: Frame) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 1) if frame.narrow else (0, 2, 0, 1), header_style="dim")
    weight, seen = ("weight", "clients") if frame.narrow else ("weight in the routes", "clients saw")
    for title in ("", "version", "pods", weight):
        table.add_column(title, no_wrap=True)
    for title in (seen, "success", "p99"):
        table.add_column(title, justify="right", no_wrap=True)
    for side in picture.sides:
        table.add_row(*_cells(side, picture.least_success_percent, frame))
    everybody = _seen(100.0, picture.clients, picture.least_success_percent)
    table.add_row("all clients", "", "", "", *everybody, style="dim")
    return table


def _cells(side: Side, least_success_percent: float, frame: Frame) -> tuple[RenderableType, ...]:
    filled = round(side.weight_percent * frame.bar / 100)
    bar = Text("█" * filled, style="blue" if side.name.endswith("-primary") else "magenta")
    bar.append("░" * (frame.bar - filled), style="dim")
    bar.append(f" {side.weight_percent:3.0f} %")
    pods = f"{side.ready} of {side.wanted}"
    seen = _seen(side.share_percent, side.tally, least_success_percent)
    return (side.name, " and ".join(side.versions) or "-", pods, bar, *seen)


def _seen(share_percent: float, tally: Tally, least_success_percent: float) -> tuple[RenderableType, ...]:
    """Share, success and p99 of what clients got."""
    success, p99_ms = tally.success_percent, tally.p99_ms
    style = "green" if success is None or success >= least_success_percent else "bold red"
    return (
        f"{share_percent if tally.total else 0.0:.1f} %",
        "-" if success is None else Text(f"{success:.1f} %", style=style),
        "-" if p99_ms is None else f"{p99_ms:.0f} ms",
    )


def _release(picture: Picture) -> Text:
    text = Text(" canary shop: ", no_wrap=True, overflow="ellipsis")
    text.append(picture.phase, style=f"bold {_PHASES.get(picture.phase, 'cyan')}")
    if picture.gate:
        text.append(f", waits at the gate {picture.gate}", style="yellow")
    if picture.steps:
        text.append(f", step {picture.step} of {picture.steps}")
    text.append(f", failed checks {picture.failed_checks} of {picture.threshold}")
    return text


def _metrics(picture: Picture) -> list[Text]:
    """The last judgement; of two rows always, so that nothing jumps."""
    rows = []
    for metric in picture.metrics[:2]:
        word, style = _VERDICTS.get(metric.verdict, (str(metric.verdict), "yellow"))
        rows.append(Text(f" {word:>8}  {metric.message}", style=style, no_wrap=True, overflow="ellipsis"))
    return [*rows, *(Text() for _ in range(2 - len(rows)))]


def _line(line: Line, frame: Frame) -> Text:
    text = Text(f"{line.at_s:5.1f} s  {line.text}", style=_ABOUT.get(line.about, "dim"))
    text.truncate(frame.width - _BORDER, overflow="ellipsis")
    return text
