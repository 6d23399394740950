"""Figures out of records."""

import pytest

from e2e.lab.load.aggregate import Answerer, Summary, by_second, by_version, error_words, percentile, summarise
from e2e.lab.load.record import Record
from e2e.lab.load.report import render_jsonl, render_totals


def _record(sent_at_s: float, latency_ms: float, status: int = 200, version: str = "1") -> Record:
    workload = "shop" if status else ""
    return Record(sent_at_s, sent_at_s + latency_ms / 1000, latency_ms, status, "" if status else "refused",
                  version if status else "", workload)  # fmt: skip


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        pytest.param([], 50, None, id="nothing"),
        pytest.param([7.0], 99, 7.0, id="one"),
        pytest.param([1.0, 2.0, 3.0, 4.0], 50, 2.0, id="even median is the lower"),
        pytest.param([float(n) for n in range(1, 101)], 99, 99.0, id="a hundred"),
        pytest.param([float(n) for n in range(1, 102)], 99, 100.0, id="a hundred and one"),
        pytest.param([1.0, 2.0], 100, 2.0, id="the largest"),
    ],
)
def test_a_percentile_is_the_nearest_rank(values: list[float], percent: float, expected: float | None) -> None:
    """It is always a value that really occurred."""
    assert percentile(values, percent) == expected


def test_errors_are_statuses_from_500_and_missing_answers() -> None:
    """A 404 is an answer, a 500 and a refused connection are errors."""
    records = [_record(0, 1), _record(0, 3, 404), _record(0, 2, 500), _record(0, 4, 0)]
    assert summarise(records) == Summary(4, 2, 0, 2.0, 4.0, 4.0)
    assert error_words(records) == {"500": 1, "refused": 1}


def test_nothing_sums_up_to_no_percentile() -> None:
    """Absent data is said to be absent, not zero."""
    assert summarise([]) == Summary(0, 0, 0, None, None, None)


def test_figures_stand_under_who_answered() -> None:
    """Requests that nobody answered have a row of their own."""
    found = by_version([_record(0, 1, version="1"), _record(0, 2, version="2"), _record(0, 3, 0)])
    assert {who: summary.requests for who, summary in found.items()} == {
        Answerer("", ""): 1,
        Answerer("1", "shop"): 1,
        Answerer("2", "shop"): 1,
    }


def test_figures_stand_under_the_second_of_sending() -> None:
    """A request belongs to the second it was sent in, however late its answer."""
    rows = by_second([_record(10.9, 5000), _record(11.0, 1), _record(10.1, 1, version="2")])
    assert [(row.second, row.answerer.version, row.summary.requests) for row in rows] == [
        (10, "1", 1),
        (10, "2", 1),
        (11, "1", 1),
    ]


def test_a_report_names_versions_and_errors() -> None:
    """The totals show each version, all together, and what went wrong."""
    lines = render_totals([_record(0, 1), _record(0, 2, 0)])
    assert [line.split()[0] for line in lines] == ["-", "1", "all", "errors:"]
    assert lines[-1] == "errors: refused 1"
    assert render_jsonl([_record(0, 1)]).count("\n") == 1
