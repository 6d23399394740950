"""When a release may start and take its next step: windows of time that recur, as a cron schedule and a duration.

Only what one window can tell of its own correctness is here; whether it is open now is the engine's matter. A time zone
is known by its file: that it is looked up is the one reading in this layer.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import BaseModel, Field, model_validator

from rollouts.api.durations import Duration, duration_s
from rollouts.api.wire import WIRE

WINDOWS_MAX = 16
LONGEST_S = 7 * 86400.0
TOO_LONG = "duration: at most 168h; for a longer time let the windows follow each other"
CRON_PATTERN = r"^[-0-9A-Za-z*,/#]+( +[-0-9A-Za-z*,/#]+){4}$"
CRON_SHAPE = "write five fields of cron, such as '0 9 * * MON-FRI': minute, hour, day of month, month, day of week"
ZONE_PATTERN = r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$"
ZONE_SHAPE = "write a name such as Europe/Berlin or UTC"
_ANY_DAY = datetime(2000, 1, 1, tzinfo=UTC)

Effect = Literal["allow", "deny"]


class Window(BaseModel):
    """A time that recurs."""

    model_config = WIRE

    schedule: Annotated[str, Field(max_length=100, json_schema_extra={"pattern": CRON_PATTERN})] = Field(
        description="When it begins: the five fields of cron."
    )
    duration: Duration = Field(description="How long it lasts, such as 8h or 30m; at most 168h.")
    time_zone: Annotated[str, Field(max_length=64, json_schema_extra={"pattern": ZONE_PATTERN})] = Field(
        "UTC", description="Time zone of the schedule: a name of the IANA database, such as Europe/Berlin."
    )
    effect: Effect = Field(
        "allow",
        description="What it means: releases may go on only within allow, if there is any, and never within deny.",
    )

    @model_validator(mode="after")
    def _can_be_told(self) -> Self:
        if self.duration_s > LONGEST_S:
            raise ValueError(TOO_LONG)
        if flaw := _flaw_of_zone(self.time_zone) or _flaw_of_schedule(self.schedule):
            raise ValueError(flaw)
        return self

    @property
    def duration_s(self) -> float:
        """How long it lasts, in seconds."""
        return duration_s(self.duration)


@lru_cache(maxsize=256)  # the same few, read at each step of every Canary
def _flaw_of_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # absent, no key at all, or a folder of zones
        return f"timeZone: there is no time zone {name!r}: write a name such as Europe/Berlin or UTC"
    return ""


@lru_cache(maxsize=256)
def _flaw_of_schedule(schedule: str) -> str:
    if not re.fullmatch(CRON_PATTERN, schedule):
        return f"schedule: {CRON_SHAPE}, not {schedule!r}"
    try:
        next(CronSim(schedule, _ANY_DAY))
    except CronSimError as bad:
        return f"schedule: {str(bad).lower()} in {schedule!r}: {CRON_SHAPE}"
    except StopIteration:
        return f"schedule: {schedule!r} never comes: there is no such day"
    return ""
