"""Whether the windows of a Canary are open, and until when. Pure: the present is given.

A window is open from each instant of its schedule on, for its duration: that is real time, so that a night in which the
clocks are set is neither cut nor stretched. A schedule that names an hour which is skipped that night begins when the
clocks have been set; one that names an hour which comes twice begins in the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

from rollouts.api.windows import Window
from rollouts.core.holds import WAY_OUT
from rollouts.core.observed import Hold

HORIZON = timedelta(days=366)
"""How far ahead an opening is looked for."""
OPENINGS_MAX = 400
"""Changes that are looked through for it: a deny of each day for more than a year."""
CLOSINGS_MAX = 16
"""And for a closing. It is only looked at again then, so one that is told too early does no harm."""


@dataclass(frozen=True, slots=True)
class Look:
    """How the windows stand at one instant."""

    closed_by: Window | None
    """The deny window that is open, or an allow window that is not; None if nothing holds."""
    changes_at: datetime | None
    """When they open, or may close; None if that is not within HORIZON."""


def look_at(windows: Sequence[Window], now: datetime) -> Look:
    """How they stand. Where there are none, nothing is ever closed."""
    closing = _closed_by(windows, now)
    return Look(closing, _closes_at(windows, now) if closing is None else _opens_at(windows, now))


def hold_of(windows: Sequence[Window], now: datetime, *, steps: bool) -> tuple[Hold | None, datetime | None]:
    """What they hold now, and when that changes."""
    look = look_at(windows, now)
    closing = look.closed_by
    if closing is None:
        return None, look.changes_at
    denied = closing.effect == "deny"
    what = f"the deny window {_named(closing)} is open" if denied else "no release window is open"
    opens = f"releases go on at {in_words(look.changes_at, closing.time_zone)}" if look.changes_at else _NEVER
    reason = "DenyWindow" if denied else "OutsideWindow"
    return Hold(reason, f"{what}; {opens}; {WAY_OUT}", look.changes_at, steps=steps), look.changes_at


_NEVER = f"none is found within {HORIZON.days} days: change spec.windows"


def in_words(instant: datetime, time_zone: str = "UTC") -> str:
    """A time for people: in UTC, and as the clocks show it there."""
    told = f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return told if time_zone == "UTC" else f"{told} ({instant.astimezone(ZoneInfo(time_zone)):%a %H:%M} {time_zone})"


def starts_after(window: Window, instant: datetime) -> Iterator[datetime]:
    """The instants in UTC, after that one, at which the window begins. They ascend; where clocks are set, one may come
    twice.
    """
    for start in CronSim(window.schedule, instant.astimezone(ZoneInfo(window.time_zone))):
        # Within an hour that comes twice, a schedule is in its first: that may be past.
        if (begun := start.astimezone(UTC)) > instant:
            yield begun


def ends_at(window: Window, now: datetime) -> datetime | None:
    """When the window ends that began first of those that are open now; None if none is."""
    duration = timedelta(seconds=window.duration_s)
    first = next(starts_after(window, now - duration), None)
    return first + duration if first is not None and first <= now else None


def _closed_by(windows: Sequence[Window], now: datetime) -> Window | None:
    for window in _of(windows, "deny"):
        if ends_at(window, now) is not None:
            return window
    allowing = [*_of(windows, "allow")]
    closed = allowing and all(ends_at(window, now) is None for window in allowing)
    return allowing[0] if closed else None


def _opens_at(windows: Sequence[Window], now: datetime) -> datetime | None:
    """From one instant to the next at which what closes them now may be over."""
    instant = now
    for _ in range(OPENINGS_MAX):
        denied = _known(ends_at(window, instant) for window in _of(windows, "deny"))
        allowing = [*_of(windows, "allow")]
        if denied:
            instant = max(denied)
        elif not allowing or any(ends_at(window, instant) is not None for window in allowing):
            return instant
        else:
            starts = _known(next(starts_after(window, instant), None) for window in allowing)
            instant = min(starts, default=now + 2 * HORIZON)
        if instant > now + HORIZON:
            break
    return None


def _closes_at(windows: Sequence[Window], now: datetime) -> datetime | None:
    instant = now
    for _ in range(CLOSINGS_MAX if windows else 0):
        ends = _known(ends_at(window, instant) for window in _of(windows, "allow"))
        starts = _known(next(starts_after(window, instant), None) for window in _of(windows, "deny"))
        instants = starts + ([max(ends)] if ends else [])
        instant = min(instants, default=now + 2 * HORIZON)
        if instant > now + HORIZON:
            return None
        if _closed_by(windows, instant) is not None:
            return instant
    return instant if windows else None


def _of(windows: Sequence[Window], effect: str) -> Iterator[Window]:
    return (window for window in windows if window.effect == effect)


def _known(instants: Iterable[datetime | None]) -> list[datetime]:
    return [instant for instant in instants if instant is not None]


def _named(window: Window) -> str:
    return f"'{window.schedule}' ({window.time_zone}, {window.duration})"
