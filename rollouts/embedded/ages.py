"""How long ago something was, as kubectl's tables write it: two units at most, fewer as it gets longer. Pure."""

from __future__ import annotations

from datetime import datetime

UNKNOWN = "<unknown>"
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400


def age_of(stamp: object, now: datetime) -> str:
    """The time from an RFC 3339 stamp to `now`; `<unknown>` where there is no stamp."""
    if not isinstance(stamp, str) or not stamp:
        return UNKNOWN
    try:
        then = datetime.fromisoformat(stamp)
        return age((now - then).total_seconds())
    except (ValueError, TypeError):
        return "<invalid>"


def age(seconds: float) -> str:
    """A duration in seconds, as written in an age column."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    for limit, large, small in (
        (2 * _MINUTE, ("s", 1), None),
        (10 * _MINUTE, ("m", _MINUTE), ("s", 1)),
        (3 * _HOUR, ("m", _MINUTE), None),
        (8 * _HOUR, ("h", _HOUR), ("m", _MINUTE)),
        (2 * _DAY, ("h", _HOUR), None),
        (8 * _DAY, ("d", _DAY), ("h", _HOUR)),
        (2 * _YEAR, ("d", _DAY), None),
        (8 * _YEAR, ("y", _YEAR), ("d", _DAY)),
    ):
        if whole < limit:
            return _written(max(whole, 0), large, small)
    return f"{whole // _YEAR}y"


def _written(whole: int, large: tuple[str, int], small: tuple[str, int] | None) -> str:
    count, rest = divmod(whole, large[1])
    finer = rest // small[1] if small else 0
    return f"{count}{large[0]}" + (f"{finer}{small[0]}" if small and finer else "")
