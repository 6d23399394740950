"""What a run's records look like to a person and in a file. Pure text out of values."""

import json
from collections.abc import Iterable, Sequence

from e2e.lab.load.aggregate import Answerer, Summary, by_second, by_version, error_words, summarise
from e2e.lab.load.record import Record

HEADER = (
    f"{'':>19} {'version':<12} {'workload':<20} {'requests':>8} {'errors':>6} {'resent':>6}"
    f" {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8}"
)


def render_seconds(records: Iterable[Record], *, since_s: float) -> list[str]:
    """A line for each second and answering version; seconds are counted from `since_s`."""
    rows = by_second(records)
    return [_line(f"{row.second - int(since_s)} s", row.answerer, row.summary) for row in rows]


def render_totals(records: Sequence[Record]) -> list[str]:
    """A line for each answering version, one for all, and one for what went wrong if anything did."""
    lines = [_line("", who, summary) for who, summary in by_version(records).items()]
    lines.append(_line("all", Answerer("", ""), summarise(records)))
    words = error_words(records)
    if words:
        lines.append("errors: " + ", ".join(f"{word} {count}" for word, count in words.items()))
    return lines


def render_jsonl(records: Iterable[Record]) -> str:
    """One JSON object a line, in the order of the requests' ends."""
    return "".join(json.dumps(record.as_json(), separators=(",", ":")) + "\n" for record in records)


def _line(label: str, who: Answerer, summary: Summary) -> str:
    latencies = (summary.p50_ms, summary.p95_ms, summary.p99_ms)
    shown = " ".join(f"{'-' if value is None else format(value, '.1f'):>8}" for value in latencies)
    return (
        f"{label:>19} {who.version or '-':<12} {who.workload or '-':<20} {summary.requests:>8}"
        f" {summary.errors:>6} {summary.resent:>6} {shown}"
    )
