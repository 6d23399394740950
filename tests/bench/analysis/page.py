"""docs/analysis-figures.md: all tables, what the columns mean, and where the method loses, in words around figures."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.analysis import births, catalog, tables
from tests.bench.analysis.births import Lost
from tests.bench.analysis.cells import SEED, Results
from tests.bench.analysis.losses import losses
from tests.bench.analysis.rows import Row
from tests.bench.analysis.rules import GRID

COMMAND = "make bench-analysis ANALYSIS_ARGS=--write"
_ABOUT = """\
# What the sequential judgement finds, misses and costs

Written by `{command}`; seed {seed}, {runs} simulated rollouts a cell. Don't edit it.

A simulation, not production: Poisson traffic, binomial failures, scrapes every 15 s, an hour; steps of 10 to 50 % and
then 100 %. The judge is the shipped one (`rollouts/core/evidence`), with `stepDuration: 1m`, `maxHold: 5m`,
`promote: evidence`, `onInconclusive: advance`, `onNoData: advance`, `objective: 99`, `compare: primary`, no warm-up.
The dispersion is learned from the hour before. Where nothing else is said 0.1 % of the primary's requests are bad, and
rps are the requests a second of both versions together. All methods are granted exact counts.

| column | rule |
|---|---|
| F5, F10, F1 | Flagger, `threshold` 5, 10, 1, `interval: 1m`, 99 % |
| A0, A3 | Argo Rollouts, background analysis, `failureLimit` 0, 3, 1 min, steps of 2 min |
| K60 | Kayenta's Mann-Whitney test on 60 minutes, canary and a fresh baseline at 10 % each |
| SEQ | `evaluation: sequential`, `compare: primary` |
| SEQ-slo | the same against the objective alone |
"""
_BURSTS = """\
In the bursts failures come as a gamma law (shape 0.05) has it, minute by minute. "Of each": the canary and both halves
of the primary's pods by themselves. "Of a whole version": the halves together, so that how failures split over them
tells nothing: the case that the dispersion does not cover."""
_FAIR = f"""\
Bad requests against the best of the whole grid of {len(GRID)} threshold rules with at most 1 % false rollbacks in each
healthy service, the best picked anew for each row, with the result in sight. Under 1 the rule wins."""

_COUNTING = """\
All tables above grant exact counts to every method. Their own would lose bad requests: what `increase()` makes of a new
canary's counters, beside the shipped counting (`rollouts/core/counting.py`)."""


def page(results: Results, rows: Sequence[Row], counted: Sequence[Lost]) -> str:
    """The whole page."""
    about = _ABOUT.format(command=COMMAND, seed=SEED, runs=results.runs)
    counting = ["## Counting", "", _COUNTING, "", *births.lines(counted), ""]
    return "\n".join([about, *_found(results, rows), *_fought(results), *counting, *_lost(results)]) + "\n"


def _found(results: Results, rows: Sequence[Row]) -> list[str]:
    return [
        "## Requirements", "", *tables.requirements(rows), "",
        "## Exactly at the limit", "", *tables.edges(results), "",
        "## False rollbacks, % of healthy releases", "", *tables.false_rollbacks(results), "",
        _BURSTS, "", *tables.holds(results), "", *tables.promotions(results), "",
        "## Bad releases", "", "Missed % / median minutes to rollback / bad requests too many in 60 minutes.", "",
        *tables.bad_releases(results, catalog.BAD), "",
    ]  # fmt: skip


def _fought(results: Results) -> list[str]:
    return [
        "## The fair fight", "", _FAIR, "", *tables.fair_fight(results), "",
        "One rule for all, bad requests:", "", *tables.one_setting(results), "",
        "## What the method was not made on", "",
        "Bad releases: missed % / median minutes to rollback / bad requests.", "", *tables.unseen(results), "",
    ]  # fmt: skip


def _lost(results: Results) -> list[str]:
    return ["## Where it loses", "", *losses(results)]
