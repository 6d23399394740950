"""One grid of instants for all Canaries: what is due at the same one can be asked by one query.

Only what has an interval of two grids or more is moved, so that nothing is judged much later or earlier for it. A grid
of 0 s is none. Pure.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLY = timedelta(seconds=2)
"""By how much an instant may come earlier for the grid. What follows a judgement is due some moments past the grid, by
the time that a write takes, and where a hundred are judged at one instant, the last one's: without this each interval
would be a grid longer. No more than a restart may shorten a step by."""


def fits(interval_s: float, grid_s: float) -> bool:
    """Whether something with that interval keeps to the grid."""
    return 0 < 2 * grid_s <= interval_s


def on_grid(due_at: datetime, interval_s: float, grid_s: float, early: timedelta = EARLY) -> datetime:
    """The instant of the grid that stands for one: the one before, if that is at most `early` ago, else the next."""
    if not fits(interval_s, grid_s):
        return due_at
    before = floor_instant(due_at, grid_s)
    return before if due_at - before <= early else before + timedelta(seconds=grid_s)


def floor_instant(instant: datetime, grid_s: float) -> datetime:
    """The newest instant of the grid up to that one; the instant itself where there is no grid."""
    return instant if grid_s <= 0 else instant - (instant - _EPOCH) % timedelta(seconds=grid_s)


def ceil_instant(instant: datetime, grid_s: float) -> datetime:
    """The oldest instant of the grid from that one on."""
    floor = floor_instant(instant, grid_s)
    return floor if floor == instant else floor + timedelta(seconds=grid_s)


def floor_window(window_s: float, grid_s: float) -> float:
    """A look-back in whole grids, as others have it; one that is shorter than a grid stays."""
    grids = window_s // grid_s if grid_s > 0 else 0
    return grids * grid_s if grids else window_s
