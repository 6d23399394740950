"""The releases of a Canary as a table, and for programs. What is known of them, core/history.py says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rollouts.cli.cluster.times import lasted, since
from rollouts.core.history import Run


def rows(runs: Sequence[Run], now: datetime) -> list[list[str]]:
    """The cells of a table, newest first."""
    return [list(_cells(run, now)) for run in reversed(runs)]


def as_told(run: Run) -> dict[str, object]:
    """For programs."""
    stamps = {"began": run.began, "ended": run.ended}
    return {
        "revision": run.revision, "outcome": run.outcome,
        **{name: at.isoformat() if at is not None else None for name, at in stamps.items()},
        "greatestPercent": run.greatest, "why": run.why,
    }  # fmt: skip


def _cells(run: Run, now: datetime) -> Iterator[str]:
    yield run.revision or "-"
    yield run.outcome
    yield since(run.began, now)
    ended = run.ended or now
    yield lasted((ended - run.began).total_seconds()) if run.began is not None else "-"
    yield f"{run.greatest:g} %"
    yield run.why
