"""`rollouts watch`: Canaries as they change, drawn again and again on a terminal, told line by line on a pipe."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rich.console import Console
from rich.live import Live
from rich.text import Text

from rollouts.api.resources import Manifest, ObjectKey
from rollouts.cli.cluster.model import known_of
from rollouts.cli.cluster.paint import Paint
from rollouts.cli.cluster.session import Session
from rollouts.cli.cluster.spark import LONGEST, spark, trail
from rollouts.cli.cluster.summary import Summary, summary_of
from rollouts.cli.cluster.words import explained
from rollouts.cli.refused import CommandRefused
from rollouts.core.plan import plan_of
from rollouts.errors import KubeError
from rollouts.kube.follow import Seen, follow

REFRESH_PER_S = 2
"""So that times go on while nothing happens."""
_GONE = "deleted"
_Changes = tuple[Mapping[ObjectKey, Summary | None], datetime]


@dataclass(slots=True)
class Board:
    """What was seen, and the shares that each Canary has had since we look."""

    objects: dict[ObjectKey, Manifest] = field(default_factory=dict)
    shares: dict[ObjectKey, list[float]] = field(default_factory=dict)
    trouble: str = ""

    def take(self, seen: Seen, now: datetime) -> list[tuple[ObjectKey, Summary | None]]:
        """Note what is there now. What has changed for people; None for what is gone."""
        self.trouble = seen.trouble
        before = {key: _told(summary_of(canary, now)) for key, canary in self.objects.items()}
        self.objects = dict(seen.objects)
        changed: list[tuple[ObjectKey, Summary | None]] = []
        for key in sorted(self.objects):
            summary = summary_of(self.objects[key], now)
            self._note(key, summary.percent)
            if before.get(key) != _told(summary):
                changed.append((key, summary))
        changed += [(key, None) for key in sorted(before) if key not in self.objects]
        return changed

    def drawn(self, key: ObjectKey) -> str:
        """The shares as a line: by the plan where it is followed, else as they were seen."""
        canary, shares = self.objects[key], self.shares.get(key, [])
        try:
            known = known_of(canary)
        except CommandRefused:
            return trail(shares)
        planned = [100 * step.weight / known.spec.analysis.weight_total for step in plan_of(known.spec.analysis)]
        index, rising = known.status.step_index, shares == sorted(shares)
        if index and rising and planned[index - 1 : index] == shares[-1:]:
            return spark(planned, index)
        return trail(shares)

    def _note(self, key: ObjectKey, percent: float) -> None:
        shares = self.shares.setdefault(key, [])
        if shares[-1:] != [percent]:
            shares.append(percent)
            del shares[:-LONGEST]


def line(summary: Summary | None, key: ObjectKey, now: datetime) -> str:
    """One change, for a pipe."""
    stamp = now.strftime("%H:%M:%S")
    if summary is None:
        return f"{stamp}  {key}  {_GONE}"
    step = f"step {summary.step}" if summary.step != "-" else ""
    return "  ".join(part for part in (stamp, str(key), summary.phase, summary.share, step, summary.why) if part)


def draw(board: Board, now: datetime, paint: Paint, *, namespaces: bool) -> Text:
    """The table as it is now."""
    titles = [*(("NAMESPACE",) if namespaces else ()), "NAME", "PHASE", "WEIGHT", "SHARES", "STEP", "SINCE", "WHY"]
    rows = [_cells(board, key, now, namespaces=namespaces) for key in sorted(board.objects)]
    told = f"{now:%H:%M:%S} UTC, Ctrl-C ends it" + (f"; {board.trouble}" if board.trouble else "")
    return Text.from_ansi(paint.table(titles, rows) + paint(told, "dim"), no_wrap=True, overflow="ellipsis")


def _cells(board: Board, key: ObjectKey, now: datetime, *, namespaces: bool) -> list[str]:
    summary = summary_of(board.objects[key], now)
    place = [summary.namespace] if namespaces else []
    shares = board.drawn(key)
    return [*place, summary.name, summary.phase, summary.share, shares, summary.step, summary.since, summary.why]


async def watch(session: Session, name: str, console: Console, tell: Callable[[str], None]) -> int:
    """Until somebody has seen enough. Raises CommandRefused."""
    if name:
        await session.canary(name)
    board, namespaces = Board(), not session.namespace
    if not (console.is_terminal and not console.is_dumb_terminal):
        async for changed, now in _changes(session, name, board):
            for key, summary in changed.items():
                tell(line(summary, key, now))
        return 0

    def frame() -> Text:
        if session.transport.server_time is None:
            return Text("looking ...", style="dim")
        paint = Paint(colours=console.color_system is not None and not console.no_color, width=console.width)
        return draw(board, session.now(), paint, namespaces=namespaces)

    with Live(console=console, refresh_per_second=REFRESH_PER_S, get_renderable=frame) as live:
        async for _ in _changes(session, name, board):
            live.refresh()
    return 0


async def _changes(session: Session, name: str, board: Board) -> AsyncGenerator[_Changes, None]:
    try:
        async for seen in follow(session.transport, session.scope(name)):
            now = session.now()
            yield dict(board.take(seen, now)), now
    except KubeError as error:
        raise explained(error, session.place, session.namespace) from error


def _told(summary: Summary) -> tuple[str, ...]:
    """What makes a line another than the one before."""
    return summary.phase, summary.share, summary.step, summary.why
