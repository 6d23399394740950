"""What is expected of each release and of all together, and what is left of them as figures. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from e2e.lab.load import Record
from e2e.play.result import Json, Result

WEIGHTS = (25, 50, 75, 100, 0)
ABORTED_WEIGHTS = (25, 50, 0)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One release as it was seen."""

    number: int
    aborted: bool
    end: str
    """The Canary's last phase."""
    lasted_s: float
    """Until after its scale-down."""
    shares: tuple[int, ...]
    """The canary's shares in Envoy, in percent, in order."""
    requests: int
    by_canary: int
    failed: tuple[Record, ...]
    """Requests with no answer, with one of 500 or above, or with one that no pod gave."""
    overdue: str = ""


def judge_all(runs: Sequence[RunFacts], expected: int) -> Iterator[Result]:
    """Every expectation."""
    yield Result("all", f"{expected} releases are played", len(runs) == expected, f"{len(runs)}")
    for facts in runs:
        story = f"release {facts.number}" + (", aborted at 50 %" if facts.aborted else "")
        end = "Failed" if facts.aborted else "Succeeded"
        yield Result(story, f"ends as {end}", facts.end == end and not facts.overdue, facts.overdue or facts.end)
        wanted = ABORTED_WEIGHTS if facts.aborted else WEIGHTS
        shares = facts.shares[1:] if facts.shares[:1] == (0,) else facts.shares
        yield Result(story, f"Envoy gives the canary {_row(wanted)} %", shares == wanted, _row(shares))
        words = sorted({record.error or str(record.status) for record in facts.failed})
        detail = f"{len(facts.failed)} of {facts.requests} failed {words or ''}, {facts.by_canary} by the canary"
        yield Result(story, "no client error", not facts.failed and facts.by_canary > 0, detail)
    requests, failed = sum(facts.requests for facts in runs), sum(len(facts.failed) for facts in runs)
    lasted_s = sum(facts.lasted_s for facts in runs)
    rate_per_s = requests / lasted_s if lasted_s else 0.0
    detail = f"{requests} requests, {rate_per_s:.0f} a second"
    yield Result("all", "1,000 requests a second were really sent", rate_per_s >= 950.0, detail)
    yield Result("all", "zero errors in all releases", requests > 0 and failed == 0, f"{failed} of {requests}")


def run_json(facts: RunFacts) -> Json:
    """All figures of one release."""
    return {
        "run": facts.number,
        "aborted": facts.aborted,
        "lasted_s": round(facts.lasted_s, 2),
        "shares": list(facts.shares),
        "requests": facts.requests,
        "by_canary": facts.by_canary,
        "failed": [record.as_json() for record in facts.failed[:100]],
    }


def figure_lines(figures: Sequence[Json]) -> list[str]:
    """A line for each release."""
    return [
        f"release {one['run']:2}{' (aborted)' if one['aborted'] else '':10}: {one['lasted_s']:5.1f} s, "
        f"{one['requests']} requests, {one['by_canary']} by the canary, {len(one['failed'])} failed"
        for one in figures
    ]


def _row(numbers: Sequence[int]) -> str:
    return " ".join(map(str, numbers)) or "none"
