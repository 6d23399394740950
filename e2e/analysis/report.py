"""What is left of the releases: their figures as JSON, and the table that a person reads. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from e2e.analysis.facts import ReleaseFacts
from e2e.analysis.judge import kinds
from e2e.play.result import Json
from e2e.play.seen import TARGET

_COLUMNS = ("release", "ended", "decided after", "requests", "by the canary", "failed", "evaluations")


def release_json(facts: ReleaseFacts) -> Json:
    """All figures of one release; times in seconds since its weight was in force, or since it was applied."""
    failed = [one for one in facts.records if one.failed or not one.workload]
    began_s = facts.dwells[0] if facts.dwells else facts.began_at_s
    return {
        "release": facts.release.title,
        "version": facts.version,
        "ended": facts.end,
        "reason": facts.reason,
        "lasted_s": round(facts.ended_at_s - facts.began_at_s, 2),
        "decided_s": None if facts.decided is None else round(facts.decided.at_s - began_s, 2),
        "requests": len(facts.records),
        "by_canary": sum(one.workload == TARGET for one in facts.records),
        "failed": len(failed),
        "failures": kinds(failed),
        "evaluations": [
            {"at_s": round(one.at_s - began_s, 2), "canary": [one.bad, one.requests],
             "primary": [one.primary_bad, one.primary_requests]}
            for one in facts.evaluations
        ],
        "counted": {f"{workload} {status}": count for (workload, status), count in facts.totals.counted.items()},
        "events": list(facts.events),
    }  # fmt: skip


def figure_lines(figures: Sequence[Json]) -> list[str]:
    """The table, and below it why each release ended as it did."""
    rows = [_COLUMNS, *(_row(one) for one in figures)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_COLUMNS))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [*table, "", *(f"{one['release']}: {one['reason']}" for one in figures if one["reason"])]


def _row(one: Json) -> tuple[str, ...]:
    decided = "-" if one["decided_s"] is None else f"{one['decided_s']:.1f} s"
    counts = (str(one[name]) for name in ("requests", "by_canary", "failed"))
    return (one["release"], one["ended"], decided, *counts, str(len(one["evaluations"])))
