"""A line for each decision, as it is taken: what is meant, and what both kinds of clients really got just then."""

from __future__ import annotations

import asyncio
import time

from e2e.lab.load import Record
from e2e.play.scene import Scene
from e2e.play.seen import StatusSeen
from e2e.strategies.spans import answered_by

_LOOK_S = 0.2
_WINDOW_S = 1.0


class Announcer:
    """Prints until it is cancelled."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._began_s = time.time()
        self.story = "start"
        """The story that is being played."""

    async def show(self) -> None:
        """Print each new status."""
        told = 0
        while True:
            statuses = self._scene.journal.statuses
            for seen in statuses[told:]:
                print(decision_line(self.story, seen, seen.at_s - self._began_s, self._real_shares()), flush=True)
            told = len(statuses)
            await asyncio.sleep(_LOOK_S)

    def _real_shares(self) -> str:
        since_s = time.time() - _WINDOW_S
        return "/".join(real_share(_recent(load.records, since_s)) for load in self._scene.loads.values())


def decision_line(story: str, seen: StatusSeen, at_s: float, real_shares: str) -> str:
    """What one status says."""
    words = [f"{at_s:6.1f} s  {story:18} {seen.phase or '-':16} step {seen.step_index} {seen.desired_weight:3} %"]
    words += ["copied"] if seen.mirrored else []
    words += [f"check {seen.iterations}"] if seen.iterations else []
    words += [f"gate {seen.gate}"] if seen.gate else []
    return ", ".join([*words, f"clients {real_shares} %"]) + (f": {seen.message}" if seen.message else "")


def real_share(records: list[Record]) -> str:
    """The canary's share in percent; a dash where nobody answered."""
    by_canary, answered = answered_by(records)
    return f"{100 * by_canary / answered:.0f}" if answered else "-"


def _recent(records: list[Record], since_s: float) -> list[Record]:
    """From the newest back: records lie in the order of their ends."""
    at = len(records)
    while at > 0 and records[at - 1].done_at_s >= since_s:
        at -= 1
    return records[at:]
