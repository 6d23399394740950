"""A release's steps as they were: when each weight was written and in force, and who answered meanwhile. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from e2e.first_light.facts import ReleaseFacts
from e2e.lab.load import Record
from e2e.play.binomial import Band, band
from e2e.play.seen import PRIMARY, TARGET, ApiRequest, WeightSeen

ROUTES = "virtualservices.networking.istio.io"
_WATCH_LAG_S = 5.0
"""No watch is later than this; an older write is another one."""


@dataclass(frozen=True, slots=True)
class Step:
    """One weight, from its write to the next one's."""

    weight_percent: int
    written_at_s: float
    """When the API server received the write (its audit log), or if there is none, when its watch showed it."""
    audited: bool
    in_force_at_s: float | None
    """When Envoy's configuration showed it; None if it never did."""
    ended_at_s: float
    """When the next weight was written, or the end of what was recorded."""
    answered: int
    """Requests sent while it was in force, to which anybody answered."""
    by_canary: int

    @property
    def band(self) -> Band:
        """Where `by_canary` must lie."""
        return band(self.answered, self.weight_percent / 100)

    @property
    def dwell_s(self) -> float:
        """From its write to the next one's."""
        return self.ended_at_s - self.written_at_s


def read_steps(facts: ReleaseFacts) -> list[Step]:
    """Each change of the weight during a release, the last one (back to 0) included."""
    writes = [request for request in facts.requests if request.writes and request.resource == ROUTES]
    dated = [(seen, _write_of(seen, writes)) for seen in facts.routes]
    starts = [write.at_s if write else seen.at_s for seen, write in dated]
    ends = [*starts, facts.ended_at_s][1:]
    return [
        _step(facts, seen.weight_percent, span_s, audited=write is not None)
        for (seen, write), span_s in zip(dated, zip(starts, ends, strict=True), strict=True)
    ]


def route_writes(facts: ReleaseFacts) -> int:
    """How often the controller wrote to a VirtualService."""
    return sum(request.writes and request.resource == ROUTES for request in facts.requests)


def in_force_since(facts: ReleaseFacts, weight_percent: int) -> float | None:
    """When Envoy last began to show that weight; None if it never did during the release."""
    times = [seen.at_s for seen in facts.envoy if seen.weight_percent == weight_percent]
    return times[-1] if times else None


def distinct(values: Sequence[str]) -> list[str]:
    """Without what only repeats the one before."""
    return [*values[:1], *(later for earlier, later in pairwise(values) if later != earlier)]


def is_bad(record: Record, facts: ReleaseFacts) -> bool:
    """Whether a user would call it the new version's fault: an error, or an answer that took too long."""
    return record.failed or (record.workload == TARGET and record.latency_ms > facts.plan.slow_ms)


def _write_of(seen: WeightSeen, writes: Sequence[ApiRequest]) -> ApiRequest | None:
    """The newest write before the watch showed the weight."""
    fitting = [write for write in writes if seen.at_s - _WATCH_LAG_S <= write.at_s <= seen.at_s]
    return max(fitting, key=lambda write: write.at_s, default=None)


def _step(facts: ReleaseFacts, weight: int, span_s: tuple[float, float], *, audited: bool) -> Step:
    written_at_s, ended_at_s = span_s
    shown = [
        seen.at_s for seen in facts.envoy if seen.weight_percent == weight and written_at_s <= seen.at_s < ended_at_s
    ]
    since_s = shown[0] if shown else None
    workloads = [
        record.workload
        for record in facts.records
        if since_s is not None and since_s <= record.sent_at_s < ended_at_s and record.workload in {TARGET, PRIMARY}
    ]
    return Step(
        weight_percent=weight,
        written_at_s=written_at_s,
        audited=audited,
        in_force_at_s=since_s,
        ended_at_s=ended_at_s,
        answered=len(workloads),
        by_canary=workloads.count(TARGET),
    )
