"""Writes docs/metrics.md from the metrics that there are: `make docs`. A test holds the page against them."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry

from rollouts.telemetry.book import LABELS, Entry
from rollouts.telemetry.report import Reporter

_OF_CANARY = "rollouts_canary_"
_HEAD = """\
# Metrics

`make docs` writes this page from the program itself; a test fails when they differ.

The controller serves its own metrics at `/metrics`, on port 8080 if not set otherwise. What a label may be, and what
bounds it, is said below. No label has pods, revisions, users, messages or addresses.
`deploy/monitoring/dashboard.json` is a dashboard of them for Grafana, `deploy/monitoring/rules.yaml` has alerts.
`make lab-dashboard` evaluates every query of both on a real Prometheus that scrapes the real controller.

## Of each Canary

They are exported by the replica that works on the Canary and by no other. They go when it is deleted, and when another
replica takes it over: before that one begins. Prometheus drops them at its next scrape.

"""
_PROCESS = """
## Of the process

A histogram has `_bucket` (with `le`), `_sum` and `_count`. Those of steps and releases are of all Canaries together,
and speak of what ended while this process worked on it.

"""
_LABELS = """
## Labels

| label | values |
|---|---|
"""
_NOTES = """
## What to know

- A limit that is an expression (`successCondition`, `failureCondition`) is no number: there is no
  `rollouts_canary_metric_limit`. With sequential evaluation value and limit are percent of good requests; that the
  canary may not be worse than the primary either (`compare: primary`) is no number.
- A check without a value now has no `rollouts_canary_metric_value`: no old number is shown for the present one.
- `rollouts_canary_notices_lost` and all else of a Canary comes from its status, so a restart or a hand-over changes no
  number. What the process counts begins at 0 with it.
- A Canary has 16 series, and 9 at most for each check.
"""


def page() -> str:
    """The whole page."""
    entries = Reporter(CollectorRegistry()).book.entries
    of_canary = [entry for entry in entries if entry.name.startswith(_OF_CANARY)]
    others = [entry for entry in entries if entry not in of_canary]
    labels = "".join(f"| `{name}` | {text} |\n" for name, text in LABELS.items())
    return f"{_HEAD}{_table(of_canary)}{_PROCESS}{_table(others)}{_LABELS}{labels}{_NOTES}"


def _table(entries: Iterable[Entry]) -> str:
    rows = (
        f"| `{one.name}` | {one.kind} | {', '.join(f'`{label}`' for label in one.labels)} | {one.text} |\n"
        for one in sorted(entries, key=lambda one: one.name)
    )
    return "| metric | type | labels | meaning |\n|---|---|---|---|\n" + "".join(rows)
