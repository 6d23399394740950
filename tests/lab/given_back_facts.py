"""An invented end of a Canary as it should be, to be spoiled in one respect by each test."""

from __future__ import annotations

from collections.abc import Iterable

from e2e.play.given_back import STAYING, GivenBack
from e2e.play.seen import PRIMARY, TARGET
from tests.lab.first_light_facts import record

HANDED_S, GONE_S, END_S = 4.0, 8.0, 13.0
VERSION = "3"


def given_back(copies: Iterable[str]) -> GivenBack:
    """Deleted at second 0; the target answers from second 4 on, the Canary is gone at second 8."""
    times = [tenths / 10 for tenths in range(int(END_S * 10))]
    return GivenBack(
        story="deleted",
        version=VERSION,
        made=STAYING | {*copies},
        left=STAYING,
        deleted_at_s=0.0,
        gone_at_s=GONE_S,
        records=tuple(record(at_s, TARGET if at_s >= HANDED_S else PRIMARY, VERSION) for at_s in times),
    )
