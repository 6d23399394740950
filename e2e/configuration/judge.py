"""What is expected of a release of configuration: who answered with which version when, which copies are left. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from e2e.lab.load import Record
from e2e.play.result import Json, Result
from e2e.play.seen import PRIMARY, TARGET, StatusSeen


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A release as it was seen. Times are seconds since the epoch."""

    story: str
    before: str
    """What everybody answered with until then."""
    new: str
    """What the canary is to answer with."""
    applied_at_s: float
    ended_at_s: float
    statuses: tuple[StatusSeen, ...]
    records: tuple[Record, ...]
    copies: tuple[str, ...]
    """ConfigMaps and Secrets of the controller for this Canary, once it was over."""
    overdue: str = ""


def judge_promoted(facts: RunFacts) -> list[Result]:
    """The canary had the new content alone, the primary the old one until its promotion; then everybody the new."""
    promoting_at_s = next((seen.at_s for seen in facts.statuses if seen.phase == "Promoting"), facts.ended_at_s)
    canary = Counter(record.version for record in facts.records if record.workload == TARGET)
    before = Counter(
        record.version for record in facts.records if record.workload == PRIMARY and record.sent_at_s < promoting_at_s
    )
    last = Counter(record.version for record in facts.records if record.sent_at_s > facts.ended_at_s - 1.0)
    return [
        _result(facts, "it ends as Succeeded", _phase(facts) == "Succeeded", facts.overdue or _phase(facts)),
        _result(facts, f"the canary answers with {facts.new} alone", canary.keys() == {facts.new}, _counts(canary)),
        _result(facts, f"the primary with {facts.before} until then", before.keys() == {facts.before}, _counts(before)),
        _result(facts, f"afterwards everybody with {facts.new}", last.keys() == {facts.new}, _counts(last)),
        _no_error(facts),
        _copies(facts),
    ]


def judge_rolled_back(facts: RunFacts) -> list[Result]:
    """Bad content of a Secret hurts the canary's requests alone."""
    bad = Counter(record.workload or "nobody" for record in facts.records if record.failed)
    serving = Counter(record.workload for record in facts.records if record.sent_at_s > facts.ended_at_s - 1.0)
    return [
        _result(facts, "it ends as Failed", _phase(facts) == "Failed", facts.overdue or _phase(facts)),
        _result(facts, "only the canary answers with errors", bad.keys() == {TARGET}, _counts(bad)),
        _result(facts, "afterwards the primary has everything", serving.keys() == {PRIMARY}, _counts(serving)),
        _copies(facts),
    ]


def judge_replaced(facts: RunFacts, changed_at_s: float) -> list[Result]:
    """Changed once more in mid-run: the canary gets no request with the content that was given up."""
    after = Counter(
        record.version
        for record in facts.records
        if record.workload == TARGET and record.sent_at_s > changed_at_s + _TAKEN_AWAY_WITHIN_S
    )
    again = [seen.desired_weight for seen in facts.statuses if seen.at_s > changed_at_s]
    detail = f"weights {again}"
    return [
        _result(facts, f"then the canary answers with {facts.new} alone", after.keys() == {facts.new}, _counts(after)),
        _result(facts, "it starts again from 0", bool(again) and 0 in again[:2], detail),
        _result(facts, "it ends as Succeeded", _phase(facts) == "Succeeded", facts.overdue or _phase(facts)),
        _no_error(facts),
        _copies(facts),
    ]


def run_json(facts: RunFacts) -> Json:
    """The figures of one run."""
    by = Counter(f"{record.workload or 'nobody'} {record.version}".strip() for record in facts.records)
    return {
        "run": facts.story, "lasted_s": round(facts.ended_at_s - facts.applied_at_s, 1), "answers": dict(by),
        "errors": sum(record.failed for record in facts.records), "copies": list(facts.copies),
    }  # fmt: skip


def figure_lines(figures: Sequence[Json]) -> list[str]:
    """Each run's figures."""
    return [
        f"{run['run']}: {run['lasted_s']:.1f} s, {run['errors']} errors, answers {_counts(run['answers'])}"
        for run in figures
    ]


_TAKEN_AWAY_WITHIN_S = 1.5


def _phase(facts: RunFacts) -> str:
    return facts.statuses[-1].phase if facts.statuses else "-"


def _no_error(facts: RunFacts) -> Result:
    failed = sum(record.failed for record in facts.records)
    return _result(facts, "no client error", bool(facts.records) and not failed, f"{failed} of {len(facts.records)}")


def _copies(facts: RunFacts) -> Result:
    kinds = sorted(one.partition("/")[0] for one in facts.copies)
    return _result(facts, "one copy of each is left", kinds == ["ConfigMap", "Secret"], ", ".join(facts.copies))


def _result(facts: RunFacts, expected: str, ok: bool, detail: str) -> Result:  # noqa: FBT001 - reads as a table
    return Result(facts.story, expected, ok, detail)


def _counts(counts: Counter[str] | dict[str, int]) -> str:
    return ", ".join(f"{name or '-'}: {count}" for name, count in sorted(counts.items())) or "none"
