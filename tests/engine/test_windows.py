"""Windows: whether they are open, until when, and what people are told of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollouts.api.windows import Window
from rollouts.engine.windows import CLOSINGS_MAX, HORIZON, ends_at, hold_of, look_at, starts_after

BERLIN = "Europe/Berlin"
SECOND = timedelta(seconds=1)


def window(schedule: str, duration: str = "8h", time_zone: str = "UTC", effect: str = "allow") -> Window:
    """A window, as in YAML."""
    return Window.model_validate({"schedule": schedule, "duration": duration, "timeZone": time_zone, "effect": effect})


def utc(text: str) -> datetime:
    """A time such as `2026-01-05 08:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


OFFICE = window("0 9 * * MON-FRI", "8h", BERLIN)
NIGHT = window("0 22 * * *", "6h", BERLIN)
FRIDAYS = window("0 12 * * FRI", "12h", BERLIN, "deny")
DECEMBER = window("0 0 * 12 *", "24h", "UTC", "deny")

TABLE = {
    "no windows": ((), "2026-01-05 03:00", True, None),
    "in office hours": ((OFFICE,), "2026-01-05 08:00", True, "2026-01-05 16:00"),
    "at their last instant": ((OFFICE,), "2026-01-05 15:59:59", True, "2026-01-05 16:00"),
    "at their end": ((OFFICE,), "2026-01-05 16:00", False, "2026-01-06 08:00"),
    "before them": ((OFFICE,), "2026-01-05 07:59:59.999", False, "2026-01-05 08:00"),
    "on Saturday": ((OFFICE,), "2026-01-10 10:00", False, "2026-01-12 08:00"),
    "in summer": ((OFFICE,), "2026-07-06 07:00", True, "2026-07-06 15:00"),
    "over midnight, before": ((NIGHT,), "2026-01-05 22:00", True, "2026-01-06 03:00"),
    "over midnight, after": ((NIGHT,), "2026-01-06 02:59", True, "2026-01-06 03:00"),
    "over midnight, over": ((NIGHT,), "2026-01-06 03:00", False, "2026-01-06 21:00"),
    "two that meet": (
        (window("0 8 * * *", "4h"), window("0 12 * * *", "4h")), "2026-01-05 09:00", True, "2026-01-05 16:00",
    ),
    "one longer than its period": ((window("0 0 * * *", "48h"),), "2026-01-05 09:00", True, None),
    "a deny alone": ((FRIDAYS,), "2026-01-08 09:00", True, "2026-01-09 11:00"),
    "a deny alone, within": ((FRIDAYS,), "2026-01-09 11:00", False, "2026-01-09 23:00"),
    "a deny cuts an allow": ((OFFICE, FRIDAYS), "2026-01-09 09:00", True, "2026-01-09 11:00"),
    "a deny ends where nothing is allowed": ((OFFICE, FRIDAYS), "2026-01-09 12:00", False, "2026-01-12 08:00"),
    "a month of denies": ((OFFICE, DECEMBER), "2026-12-01 00:00", False, "2027-01-01 08:00"),
    "a deny that never ends": ((window("* * * * *", "168h", effect="deny"),), "2026-01-05 09:00", False, None),
    "a leap day": ((window("0 0 29 2 *", "24h"),), "2027-03-01 00:00", False, "2028-02-29 00:00"),
    "a leap day far away": ((window("0 0 29 2 *", "24h"),), "2026-01-01 00:00", False, None),
    # The clocks are set from 2:00 to 3:00 on March 29, and from 3:00 back to 2:00 on October 25.
    "the hour that is skipped": (
        (window("30 2 * * *", "2h", BERLIN),), "2026-03-29 00:59", False, "2026-03-29 01:00",
    ),
    "from the hour that is skipped on": (
        (window("30 2 * * *", "2h", BERLIN),), "2026-03-29 01:00", True, "2026-03-29 03:00",
    ),
    "a night that is short": ((NIGHT,), "2026-03-29 00:00", True, "2026-03-29 03:00"),
    "a night that is long": ((NIGHT,), "2026-10-25 00:00", True, "2026-10-25 02:00"),
    "the hour that comes twice, first": (
        (window("30 2 * * *", "30m", BERLIN),), "2026-10-25 00:30", True, "2026-10-25 01:00",
    ),
    "the hour that comes twice, second": (
        (window("30 2 * * *", "30m", BERLIN),), "2026-10-25 01:30", False, "2026-10-26 01:30",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("windows", "now", "is_open", "changes_at"), TABLE.values(), ids=TABLE.keys())
def test_windows_are_open_or_closed_until(
    windows: tuple[Window, ...], now: str, *, is_open: bool, changes_at: str | None
) -> None:
    """Open within an allow, if there is any, and within no deny; until the first instant at which that is otherwise."""
    look = look_at(windows, utc(now))

    assert (look.closed_by is None) == is_open
    if changes_at is not None:
        assert look.changes_at == utc(changes_at)
    elif not is_open or not windows:
        assert look.changes_at is None


def test_people_are_told_when_releases_go_on() -> None:
    """In UTC, and as the clocks of the window show it; by a deny that is named."""
    closed, _ = hold_of((OFFICE,), utc("2026-01-10 10:00"), steps=True)
    denied, until = hold_of((OFFICE, FRIDAYS), utc("2026-01-09 12:00"), steps=False)
    never, _ = hold_of((window("* * * * *", "168h", effect="deny"),), utc("2026-01-09 12:00"), steps=False)

    assert closed is not None
    assert (closed.reason, closed.steps, closed.until) == ("OutsideWindow", True, utc("2026-01-12 08:00"))
    assert closed.message.startswith(
        "no release window is open; releases go on at 2026-01-12 08:00 UTC (Mon 09:00 Europe/Berlin)"
    )
    assert denied is not None
    assert (denied.reason, denied.steps, denied.until) == ("DenyWindow", False, until)
    assert denied.message.startswith("the deny window '0 12 * * FRI' (Europe/Berlin, 12h) is open; releases go on at")
    assert never is not None
    assert "change spec.windows" in never.message


ZONES = [BERLIN, "UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo", "America/St_Johns"]
_MINUTES, _HOURS = (
    st.sampled_from(["0", "30", "*/15", "5,45"]),
    st.sampled_from(["*", "0", "1-3", "2", "9", "*/6", "22"]),
)
_DAYS = st.sampled_from([("*", "*", "*"), ("*", "*", "MON-FRI"), ("*", "*", "SUN"), ("1", "*", "*"), ("L", "*", "*")])


def _windows() -> st.SearchStrategy[Window]:
    return st.builds(
        lambda minute, hour, days, duration, zone, effect: window(
            " ".join([minute, hour, *days]), duration, zone, effect
        ),
        _MINUTES, _HOURS, _DAYS, st.sampled_from(["1s", "10m", "1h", "90m", "8h", "24h", "30h"]),
        st.sampled_from(ZONES), st.sampled_from(["allow", "allow", "deny"]),
    )  # fmt: skip


# Around every change of clocks in these zones, and any time of a year.
_INSTANTS = st.one_of(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.builds(
        lambda day, seconds: utc(day) + timedelta(seconds=seconds),
        st.sampled_from(
            ["2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-04-05", "2026-04-24", "2026-10-30"]
        ),
        st.integers(-90000, 90000),
    ),
)


@settings(max_examples=150, deadline=None)
@given(windows=st.lists(_windows(), max_size=3), now=_INSTANTS)
def test_the_next_change_is_right(windows: list[Window], now: datetime) -> None:
    """At an opening they are open, and just before they are not; nothing lies between. A closing may be told early."""
    look = look_at(windows, now)

    def is_open(instant: datetime) -> bool:
        return look_at_only(windows, instant)

    was_open = look.closed_by is None
    assert was_open == is_open(now)
    changes_at = look.changes_at
    if changes_at is None:
        return
    assert now < changes_at <= now + HORIZON
    assert is_open(changes_at - SECOND) == was_open or changes_at - SECOND < now
    if not was_open:
        assert is_open(changes_at)
    between = (now + (changes_at - now) * part / 7 for part in range(7))
    assert all(is_open(instant) == was_open for instant in between)


def look_at_only(windows: list[Window], instant: datetime) -> bool:
    """The meaning itself: an open deny closes, and else any open allow opens."""
    opened = {one.effect for one in windows if _is_within(one, instant)}
    return "deny" not in opened and ("allow" in opened or all(one.effect == "deny" for one in windows))


def _is_within(one: Window, instant: datetime) -> bool:
    return any(start <= instant < start + timedelta(seconds=one.duration_s) for start in _starts_around(one, instant))


def _starts_around(one: Window, instant: datetime) -> list[datetime]:
    """Of the last two days, found from a place that knows nothing of the duration."""
    starts = []
    for start in starts_after(one, instant - timedelta(days=2)):
        if start > instant:
            break
        starts.append(start)
    return starts


@settings(max_examples=100, deadline=None)
@given(one=_windows(), now=_INSTANTS)
def test_starts_ascend_and_are_on_the_schedule(one: Window, now: datetime) -> None:
    """From wherever they are counted, the next start is the same instant; on the clock it has the minute it should."""
    starts = starts_after(one, now)
    first, second = next(starts), next(starts)

    assert now < first <= second
    assert next(starts_after(one, first - SECOND)) == first
    if one.time_zone == "Australia/Lord_Howe":
        return  # counted across the night in which its clocks are set by half an hour, some starts are left out
    minute = one.schedule.split()[0]
    if minute in {"0", "30"}:
        # Where an hour is skipped it begins when the clocks have been set: on the hour.
        assert first.astimezone(ZoneInfo(one.time_zone)).minute in {int(minute), 0}
    assert ends_at(one, first) is not None


def test_a_window_that_never_ends_is_looked_at_again() -> None:
    """Its closing is told too early, so that looking for it takes no longer than it should."""
    look = look_at((window("* * * * *", "1h"),), utc("2026-01-05 09:00"))

    assert look.closed_by is None
    assert look.changes_at is not None
    assert look.changes_at <= utc("2026-01-05 09:00") + timedelta(minutes=CLOSINGS_MAX + 60)
