"""Shares as a line of bars: what the canary has had, and what the plan still has for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_AHEAD = "·"
LONGEST = 20


def bar(percent: float) -> str:
    """One share of a hundred."""
    return _BARS[min(len(_BARS) - 1, max(0, int(percent * len(_BARS) / 100)))]


def spark(shares: Sequence[float], done: int) -> str:
    """The first `done` of the shares as bars, and a dot for each of the rest; of a long plan what is near."""
    drawn = [bar(share) for share in shares[:done]] + [_AHEAD] * max(0, len(shares) - done)
    begin = max(0, min(done - LONGEST // 2, len(drawn) - LONGEST))
    return "".join(drawn[begin : begin + LONGEST])


def trail(shares: Sequence[float]) -> str:
    """The newest of the shares that were seen."""
    return "".join(bar(share) for share in shares[-LONGEST:])
