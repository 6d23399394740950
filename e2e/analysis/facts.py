"""What was seen of one release, as a value. Times are seconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass

from e2e.analysis.counts import Growth, Scrape, growths
from e2e.analysis.plan import Release
from e2e.analysis.seen import Evaluation, MetricSeen, StatusSeen
from e2e.analysis.totals import Totals
from e2e.lab.load import Record
from e2e.play.seen import TARGET

ENDS = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class Held:
    """A time in which the release was left alone, to see that it waits."""

    since_s: float
    until_s: float
    told: MetricSeen
    """What its metric said."""
    ready: str = ""
    """What condition Ready said at its end."""


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """One release."""

    release: Release
    version: str
    began_at_s: float
    """When it was applied."""
    ended_at_s: float
    """When the load had stopped, and one more scrape was stored."""
    statuses: tuple[StatusSeen, ...]
    records: tuple[Record, ...]
    events: tuple[str, ...]
    evaluations: tuple[Evaluation, ...]
    scrapes: tuple[Scrape, ...]
    """From before it began."""
    totals: Totals
    serves: str = ""
    """The primary's version afterwards."""
    held: Held | None = None
    down_s: tuple[float, float] | None = None
    """Since when and until when Prometheus was away."""
    lies_told: int = 0
    overdue: str = ""

    @property
    def run(self) -> tuple[StatusSeen, ...]:
        """The statuses from its first Progressing on."""
        first = next((n for n, seen in enumerate(self.statuses) if seen.phase == "Progressing"), len(self.statuses))
        return self.statuses[first:]

    @property
    def dwells(self) -> tuple[float, ...]:
        """When each weight of the canary was seen in force."""
        began = (seen.dwell_began_s for seen in self.run if seen.phase == "Progressing")
        return tuple(dict.fromkeys(one for one in began if one is not None))

    @property
    def growths(self) -> list[Growth]:
        """What was really answered between two scrapes."""
        return growths(self.scrapes, TARGET)

    @property
    def decided(self) -> StatusSeen | None:
        """The first status that shows what became of it: a rollback, or the promotion."""
        outcome = {"Failed"} if self.release.ends == "Failed" else {"Promoting", "Finalising", "Succeeded"}
        return next((seen for seen in self.run if seen.phase in outcome), None)

    @property
    def end(self) -> str:
        """Its last phase."""
        return self.run[-1].phase if self.run else "never Progressing"

    @property
    def reason(self) -> str:
        """Why it was rolled back, as the condition Promoted says; else what its metrics said when they let it go on."""
        if self.release.ends == "Failed":
            return self.run[-1].promoted if self.run else ""
        told = [seen.metrics for seen in self.run if seen.metrics]
        return "; ".join(one.message for one in told[-1]) if told else ""
