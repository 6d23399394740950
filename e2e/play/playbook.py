"""Stories, played one after the other. A story that can't be played ends the run: the others fail as not played."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import aiohttp

from e2e.lab.workload.kube_api import ApiError
from e2e.play.kubectl import KubectlError
from e2e.play.result import Result
from e2e.play.waiting import OverdueError

_UNPLAYABLE = (OverdueError, KubectlError, ApiError, aiohttp.ClientError, TimeoutError)

Story = Callable[[], Awaitable[bool]]
"""Plays, notes its results, and says whether the next story finds the scene as it needs it."""


async def play(stories: Mapping[str, Story], results: list[Result], *, announce: Callable[[str], None]) -> None:
    """Play them in order; `announce` hears which begins."""
    broken = ""
    for name, story in stories.items():
        if broken:
            results.append(Result(name, "is played", ok=False, detail=f"not played: {broken} went wrong"))
            continue
        announce(name)
        try:
            if not await story():
                broken = name
        except _UNPLAYABLE as error:
            broken = name
            results.append(Result(name, "is played to its end", ok=False, detail=f"{error}"))
