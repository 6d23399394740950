"""What is expected of a mishap: what is said, what clients get meanwhile, how it ends once mended. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from e2e.lab.load import Record
from e2e.mishaps.mishap import Mishap, Safety
from e2e.play.result import Json, Result

SAFE_WITHIN_S = 2.0
"""How long the controller may take until clients are safe again."""


@dataclass(frozen=True, slots=True)
class MishapFacts:
    """One mishap as it was seen. Times are seconds since the epoch."""

    mishap: Mishap
    stable: str
    """The Deployment that served when it happened."""
    canary: str
    happened_at_s: float
    told_at_s: float | None
    """When the condition was there; None if it never was."""
    message: str
    mended_at_s: float
    safe_again_at_s: float
    """When whoever mended it, and the controller after that, had made the way in whole again."""
    ended_at_s: float
    end: str
    """The Canary's last phase."""
    records: tuple[Record, ...]
    overdue: str = ""

    def between(self, since_s: float, until_s: float) -> list[Record]:
        """The requests that were sent and answered in that time."""
        return [one for one in self.records if since_s <= one.sent_at_s and one.done_at_s < until_s]


def judge_mishap(facts: MishapFacts) -> Iterator[Result]:
    """Every expectation."""
    mishap = facts.mishap
    told = None if facts.told_at_s is None else facts.told_at_s - facts.happened_at_s
    detail = "never" if told is None else f"{told:.2f} s after it happened"
    ok = told is not None and told <= mishap.told_within_s
    yield Result(mishap.name, f"condition {mishap.reason} within {mishap.told_within_s:g} s", ok, detail)
    named = all(word in facts.message for word in mishap.words)
    yield Result(mishap.name, f"it names {', '.join(mishap.words)}", named, facts.message)
    yield _safe(facts)
    yield Result(
        mishap.name,
        "once mended, the release goes on by itself to its end",
        facts.end == "Succeeded" and not facts.overdue,
        facts.overdue or f"{facts.end}, {facts.ended_at_s - facts.mended_at_s:.1f} s after that",
    )
    after = facts.between(facts.safe_again_at_s + SAFE_WITHIN_S, facts.ended_at_s)
    bad = _failed(after)
    expected = f"no client error from {SAFE_WITHIN_S:g} s after the mending on"
    yield Result(mishap.name, expected, bool(after) and not bad, f"{len(bad)} of {len(after)}")


def _safe(facts: MishapFacts) -> Result:
    during = facts.between(facts.happened_at_s + SAFE_WITHIN_S, facts.mended_at_s)
    bad, by_canary = _failed(during), [one for one in during if one.workload == facts.canary]
    detail = f"{len(bad)} failed, {len(by_canary)} by the canary, of {len(during)}"
    kept = {
        Safety.STABLE_ONLY: not bad and not by_canary,
        Safety.AS_BEFORE: not bad and bool(by_canary),
        Safety.NOBODY: len(bad) == len(during),
    }
    expected = f"from {SAFE_WITHIN_S:g} s on {facts.mishap.safety}"
    return Result(facts.mishap.name, expected, bool(during) and kept[facts.mishap.safety], detail)


def _failed(records: Sequence[Record]) -> list[Record]:
    return [one for one in records if one.failed or not one.workload]


def mishap_json(facts: MishapFacts) -> Json:
    """All figures of one mishap."""
    during = facts.between(facts.happened_at_s, facts.mended_at_s)
    return {
        "mishap": facts.mishap.name,
        "told_after_s": None if facts.told_at_s is None else round(facts.told_at_s - facts.happened_at_s, 3),
        "lasted_s": round(facts.mended_at_s - facts.happened_at_s, 3),
        "ended_after_s": round(facts.ended_at_s - facts.mended_at_s, 3),
        "requests_meanwhile": len(during),
        "errors_meanwhile": len(_failed(during)),
        "message": facts.message,
    }


def figure_lines(figures: Sequence[Json]) -> list[str]:
    """A line for each mishap."""
    return [
        f"{one['mishap']}: told after {one['told_after_s']} s, {one['errors_meanwhile']} errors of "
        f"{one['requests_meanwhile']} requests in {one['lasted_s']:.1f} s; over {one['ended_after_s']:.1f} s after it "
        f"was mended: {one['message']}"
        for one in figures
    ]
