"""The page about the metrics is what the program exports."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from rollouts.telemetry.book import LABELS, Book
from rollouts.telemetry.page import page
from rollouts.telemetry.report import Reporter

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_page_is_what_there_is() -> None:
    """docs/metrics.md is what `make docs` writes now."""
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_every_metric_of_the_registry_has_its_row() -> None:
    """Whoever makes one past the book would find it missing here, with its type."""
    registry = CollectorRegistry()
    Reporter(registry)
    text = page()
    exported = {(metric.name, metric.type) for metric in registry.collect()}
    assert len(exported) > 20
    for name, kind in exported:
        shown = f"{name}_total" if kind == "counter" else name
        assert text.count(f"| `{shown}` | {kind} |") == 1, shown


def test_every_label_is_used_and_none_is_unexplained() -> None:
    """What bounds the values of a label is said of each."""
    used = {label for entry in Reporter(CollectorRegistry()).book.entries for label in entry.labels}
    assert used == LABELS.keys()
    with pytest.raises(ValueError, match="label pod"):
        Book(CollectorRegistry()).gauge("rollouts_things", "Things.", "pod")
