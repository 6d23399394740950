"""Keeps the live view up to date, some times a second, and hands every picture to who records them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rich.console import Console
from rich.live import Live

from rollouts.demo.picture import Picture
from rollouts.demo.view import Frame, draw, frame_for

FRAME_S = 0.2


def can_draw(console: Console) -> bool:
    """Whether there is a terminal that takes a view, and is large enough for one."""
    return console.is_terminal and not console.is_dumb_terminal and frame_for(*console.size) is not None


async def watch(take: Callable[[], Picture], see: Callable[[Picture], None]) -> None:
    """Show what is taken until cancelled; the last picture is of that moment."""
    try:
        while True:
            see(take())
            await asyncio.sleep(FRAME_S)
    finally:
        see(take())


async def show_live(console: Console, take: Callable[[], Picture], see: Callable[[Picture], None]) -> None:
    """Draw into the terminal until cancelled; the last picture stays there."""
    with Live(console=console, auto_refresh=False, transient=False) as live:

        def draw_and_see(picture: Picture) -> None:
            see(picture)
            live.update(draw(picture, frame_for(*console.size) or Frame()), refresh=True)

        await watch(take, draw_and_see)
