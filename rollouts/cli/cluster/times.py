"""Instants and lengths of time as people read them, seen from the API server's present. Pure."""

from __future__ import annotations

from datetime import datetime

from rollouts.api.stamps import instant_of

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def lasted(seconds: float) -> str:
    """A length of time in at most two units: `45 s`, `3 min 20 s`, `2 h 5 min`, `3 d`."""
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole, (_MINUTE, "min"), (1, "s"))
    if whole < _DAY:
        return _two(whole, (_HOUR, "h"), (_MINUTE, "min"))
    return _two(whole, (_DAY, "d"), (_HOUR, "h"))


def since(stamp: object, now: datetime) -> str:
    """How long ago that was; `-` for no time."""
    told = stamp if isinstance(stamp, datetime) else instant_of(stamp)
    return "-" if told is None else lasted((now - told).total_seconds())


def until(at: datetime | None, now: datetime) -> str:
    """How long until then: `in 8 s`, or `now`; empty for a time that nobody knows."""
    if at is None:
        return ""
    left_s = (at - now).total_seconds()
    return f"in {lasted(left_s)}" if left_s >= 1 else "now"


def _two(whole: int, large: tuple[int, str], small: tuple[int, str]) -> str:
    many, rest = divmod(whole, large[0])
    few = rest // small[0]
    return f"{many} {large[1]} {few} {small[1]}" if few else f"{many} {large[1]}"
