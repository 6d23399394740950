"""Which results of a judgement decide, and which of them is the worst. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from rollouts.api.status import MetricResult, Verdict

_WORST_FIRST = (
    Verdict.FAIL, Verdict.ERROR, Verdict.SHARED_BREACH, Verdict.NO_DATA, Verdict.INCONCLUSIVE, Verdict.PASS,
)  # fmt: skip


def worst(results: Iterable[MetricResult]) -> MetricResult:
    """The result that decides: a failure before an error, a breach of both, no data, one that tells nothing yet, a
    pass; the first of its kind. A dry run decides nothing.
    """
    return min(deciding(results), key=lambda result: _WORST_FIRST.index(result.verdict))


def deciding(results: Iterable[MetricResult]) -> tuple[MetricResult, ...]:
    """Those that are part of the decision: all but dry runs."""
    return tuple(result for result in results if not result.dry_run)
