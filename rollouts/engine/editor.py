"""Which news of a Canary become Events, so that one that goes to and fro does not fill the list of all.

What is said once is written at once. Of warnings that say the same but for their numbers a few are written, then one
every ten minutes, with how many it stands for. All Events of one Canary together are bounded too. The log has every
decision in any case. Pure; lost with the process.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rollouts.core.decision import Announcement

ALIKE_AT_ONCE, ALIKE_EVERY = 10, timedelta(minutes=10)
"""Warnings of one kind."""
ALL_AT_ONCE, ALL_EVERY = 120, timedelta(minutes=1)
"""More than a release of a hundred steps has."""
KINDS_MAX = 64
"""Kinds of one Canary that are remembered, the newest."""
_NUMBER = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Edition:
    """What is to be written: it stands for `count` of its kind, of which the first came at `first_at`."""

    news: Announcement
    count: int
    first_at: datetime


@dataclass(slots=True)
class _Allowance:
    """So many at once, and one more every so often."""

    left: float
    since: datetime

    def take(self, now: datetime, most: int, every: timedelta) -> bool:
        """Whether there is one; it is spent then."""
        self.left = min(float(most), self.left + (now - self.since) / every)
        self.since = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


@dataclass(slots=True)
class _Kind:
    allowance: _Allowance
    unsaid: int = 0
    first_at: datetime | None = None
    """Of those that were not written."""


@dataclass(slots=True)
class Editor:
    """What is remembered of one Canary."""

    _all: _Allowance | None = None
    _kinds: dict[tuple[str, str], _Kind] = field(default_factory=dict)

    def edit(self, news: Announcement, now: datetime) -> Edition | None:
        """What to write of it now; None if it is counted, and told with one that comes later."""
        kind = self._kind(news, now)
        if not self._may_write(kind, now, warning=news.warning):
            kind.unsaid += 1
            kind.first_at = kind.first_at or now
            return None
        edition = Edition(news, kind.unsaid + 1, kind.first_at or now)
        kind.unsaid, kind.first_at = 0, None
        return edition

    def _kind(self, news: Announcement, now: datetime) -> _Kind:
        shape = news.reason, _NUMBER.sub("#", news.message)
        kind = self._kinds.pop(shape, None) or _Kind(_Allowance(ALIKE_AT_ONCE, now))
        self._kinds[shape] = kind
        for oldest in [*self._kinds][:-KINDS_MAX]:
            del self._kinds[oldest]
        return kind

    def _may_write(self, kind: _Kind, now: datetime, *, warning: bool) -> bool:
        self._all = self._all or _Allowance(ALL_AT_ONCE, now)
        if warning and not kind.allowance.take(now, ALIKE_AT_ONCE, ALIKE_EVERY):
            return False
        return self._all.take(now, ALL_AT_ONCE, ALL_EVERY)
