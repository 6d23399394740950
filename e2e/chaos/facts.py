"""One fault as it was seen over the three Canaries, as values. Times are seconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from e2e.chaos.journal import Seen
from e2e.chaos.plan import BAD, primary
from e2e.chaos.receiver import Told
from e2e.lab.load import Record


@dataclass(frozen=True)
class Side:
    """One Canary, from before its release was applied."""

    name: str
    version: str
    """What is released; of the resting one, what it serves all the while."""
    records: tuple[Record, ...]
    seen: tuple[Seen, ...]
    """The changes of its status; the last one is how it was left."""
    told: tuple[Told, ...]
    """Every delivery since the controller first ran."""
    notices_before: int
    serves: str
    """The version of its primary at the end."""

    @cached_property
    def errors(self) -> tuple[Record, ...]:
        """What a user would call an error, but for what the bad version itself answered."""
        return tuple(one for one in self.records if (one.failed or not one.workload) and one not in self.spoiled)

    @cached_property
    def spoiled(self) -> frozenset[Record]:
        """The bad version's own errors: why it is rolled back."""
        own = (one for one in self.records if one.failed and (one.workload, one.version) == (BAD, self.version))
        return frozenset(own)

    @property
    def canary_answered(self) -> tuple[Record, ...]:
        """What the released version answered before it was promoted."""
        return tuple(one for one in self.records if (one.workload, one.version) == (self.name, self.version))

    @property
    def promoted_answered(self) -> tuple[Record, ...]:
        """What the primary answered with the released version."""
        return tuple(one for one in self.records if (one.workload, one.version) == (primary(self.name), self.version))

    @property
    def phases(self) -> tuple[str, ...]:
        """Its phases, each once a row."""
        found: list[str] = []
        for one in self.seen:
            if not found or found[-1] != one.phase:
                found.append(one.phase)
        return tuple(found)

    @property
    def notices(self) -> range:
        """The numbers of the news that there were."""
        last = self.seen[-1].notices if self.seen else self.notices_before
        return range(self.notices_before + 1, last + 1)

    @property
    def missing(self) -> tuple[int, ...]:
        """Of those the ones that never came."""
        came = {one.number for one in self.told}
        return tuple(number for number in self.notices if number not in came)

    @property
    def reasons(self) -> tuple[str, ...]:
        """What was told of this release, in the order in which it came first."""
        mine = (one.reason for one in self.told if one.number in self.notices)
        return tuple(dict.fromkeys(mine))


@dataclass(frozen=True)
class Facts:
    """All three, and the fault over them."""

    fault: str
    struck_at_s: float
    over_at_s: float
    rest: Side
    good: Side
    bad: Side
    unasked_ends: tuple[str, ...] = ()
    """Ends of the controller that nobody had asked for."""
    overdue: str = ""
    """What was waited for in vain."""

    @property
    def sides(self) -> tuple[Side, Side, Side]:
        """All three."""
        return self.rest, self.good, self.bad

    @property
    def decided_at_s(self) -> float | None:
        """When the status of the bad one said that it failed; None if it never did."""
        began = False
        for one in self.bad.seen:
            began = began or one.phase == "Progressing"
            if began and one.phase == "Failed":
                return one.at_s
        return None

    @property
    def left_at_s(self) -> float | None:
        """When the bad version answered for the last time; None if it never did."""
        return max((one.done_at_s for one in self.bad.canary_answered), default=None)
