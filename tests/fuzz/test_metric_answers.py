"""Whatever a metric source answers: it is a value, no data, or an error; nonsense is never a number that passes."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.api.metric import FailureStatus
from rollouts.api.resources import ObjectKey
from rollouts.core.counting import Births, absorb, open_ledger
from rollouts.core.measurement import NoData, Outcome, Rejected, Unreachable, Value
from rollouts.core.tally import Counter
from rollouts.metrics.grouping import counters_in
from rollouts.metrics.istio_counters import Edges, count_answers, count_pair, count_slow, is_failure
from rollouts.metrics.json_path import PATH_MAX, PathInvalidError, check_path
from rollouts.metrics.pause import Pause
from rollouts.metrics.prometheus_answer import REASON_MAX, read_answer, read_rows
from rollouts.metrics.shapes import Member, read, shape_of
from rollouts.metrics.web_answer import read_web_answer
from rollouts.reach.retry_after import http_date, retry_after_s
from tests.fuzz.effort import bounded_work, examples
from tests.fuzz.matter import NUMBERS, TIMES, bodies, deep, texts, values

LABELS = {
    "__name__": "istio_requests_total",
    "response_code": "500",
    "grpc_response_status": "0",
    "le": "500",
    "pod": "a",
}
INSTANT = {"metric": LABELS, "value": [1767355200.5, "99.5"]}
RANGE = {"metric": LABELS, "values": [[1767355200, "1"], [1767355201, "2"]]}


def said(kind: str, result: Any, **more: Any) -> dict[str, Any]:
    """What Prometheus answers."""
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


GOOD = (
    said("vector", [INSTANT]), said("scalar", [1767355200, "1"]), said("vector", []), said("matrix", [RANGE]),
    said("vector", [INSTANT, {"metric": {}, "value": [1, "2"]}]), said("vector", [INSTANT], warnings=["partial"]),
    said("vector", [{"metric": {}, "histogram": [1, {}]}]), {"status": "error", "errorType": "bad_data", "error": "no"},
)  # fmt: skip
STATUSES = st.sampled_from([200, 200, 200, 200, 204, 206, 301, 400, 401, 403, 404, 422, 429, 500, 503, 999])
PATHS = (
    "$",
    "$.a",
    "$.data.result[0].value[1]",
    "$..*",
    "$..[?@.a]",
    "$[?@.a == $.b]",
    "$[0:1000000000:1]",
    "$['a','b']",
)


def _is_an_outcome(outcome: Outcome) -> None:
    assert isinstance(outcome, Value | NoData | Rejected | Unreachable)
    if isinstance(outcome, Value):
        assert math.isfinite(outcome.number)
    if isinstance(outcome, Rejected | Unreachable):
        assert 0 < len(outcome.reason) <= REASON_MAX
        assert outcome.reason.isprintable()


@examples(120)
@given(status=STATUSES, body=bodies(GOOD))
def test_prometheus_may_answer_anything(status: int, body: bytes) -> None:
    """One instant: a value comes from 200 alone, from one sample, and has the digits that were sent."""
    with bounded_work():
        outcome = read_answer(status, body).outcome
    _is_an_outcome(outcome)
    if isinstance(outcome, Value):
        assert status == 200
        data = json.loads(body)["data"]
        sent = data["result"][1] if data["resultType"] == "scalar" else data["result"][0]["value"][1]
        assert sent.isascii()
        assert float(sent) == outcome.number


@examples(120)
@given(status=STATUSES, body=bodies(GOOD))
def test_series_may_be_anything(status: int, body: bytes) -> None:
    """What is read of them can be counted: by one side, by both, over what was there before."""
    with bounded_work():
        rows = read_rows(status, body)
        assert not (rows.series and rows.failure)
        assert len({one.labels for one in rows.series}) == len(rows.series)
        assert all(one.samples and all(math.isfinite(sample.at) for sample in one.samples) for one in rows.series)
        counters = counters_in(rows.series)
        if isinstance(counters, Rejected | Unreachable):
            return
        for births in Births:
            _, grown = absorb(open_ledger(counters[:1], births), counters)
            by_family = {Counter.REQUESTS: grown, Counter.BAD: grown}
            for arm in (
                count_answers(by_family, FailureStatus(http=("5xx",), grpc=(2, 14))),
                count_slow(by_family, Edges.around(500.0, counters)),
                count_pair(by_family),
            ):
                assert arm.requests >= 0
                assert not math.isnan(arm.requests + arm.bad)


QUERIES = (
    'sum(rate(istio_requests_total{destination_workload_namespace="shop",destination_workload="app"}[10s]))',
    "vector(1)",
)


@examples(60)
@given(query=st.sampled_from(QUERIES), body=bodies(GOOD))
def test_a_grouped_answer_may_be_anything(query: str, body: bytes) -> None:
    """Each member has a number or none."""
    shaped = shape_of(query, ObjectKey("shop", "app"))
    assert shaped is not None
    shape, member = shaped
    found = read(shape, [member, Member(ObjectKey("shop", "other"))], read_rows(200, body).series)
    assert all(number is None or isinstance(number, float) for number in found.values())


@examples(150)
@given(status=STATUSES, document=st.one_of(values, st.just(deep(500))), path=st.sampled_from(PATHS))
def test_a_web_source_may_answer_anything(status: int, document: Any, path: str) -> None:
    """With any path of ours over it."""
    with bounded_work():
        outcome = read_web_answer(status, json.dumps(document).encode(errors="replace"), path)
    _is_an_outcome(outcome)
    assert not isinstance(outcome, Value) or 200 <= status < 300


@examples(60)
@given(body=bodies([{"a": 1}, {"a": "2.5"}, {"a": ["3"]}]))
def test_a_web_source_may_answer_half(body: bytes) -> None:
    """Bytes that are no JSON have no value."""
    with bounded_work():
        outcome = read_web_answer(200, body, "$.a")
    _is_an_outcome(outcome)


@examples(150)
@given(path=st.one_of(texts, st.text("$@.[]*?!<>=&|()'\"0123456789:,a_ -\\", max_size=40).map(lambda rest: "$" + rest)))
def test_a_path_may_be_anything(path: str) -> None:
    """It can be used, or is refused with a reason."""
    with bounded_work():
        try:
            check_path(path)
        except PathInvalidError as refused:
            assert str(refused)
            return
        assert len(path) <= PATH_MAX
        _is_an_outcome(read_web_answer(200, b'{"a": [{"b": 1}, {"b": "x"}], "c": null}', path))


DATES = (
    "Mon, 04 May 2026 12:00:00 GMT",
    "Mon, 04 May 99999999999999999999 12:00:00 GMT",
    "4 May 2026 12:00 +9999999999",
)


@examples(120)
@given(
    asked=st.one_of(
        st.sampled_from([*DATES, *NUMBERS, *TIMES]), st.text("MonTueJa 0123456789:,+-GMT", max_size=40), texts
    ),
    date=st.one_of(st.sampled_from(DATES), texts),
)
def test_a_server_may_ask_for_any_pause(asked: str, date: str) -> None:
    """It is a number of seconds from 0 on, or nothing, and no pause outlasts a release."""
    headers = {"Retry-After": asked, "Date": date}
    seconds = retry_after_s(headers)
    assert seconds is None or (seconds >= 0 and math.isfinite(seconds))
    at = http_date(date)
    assert at is None or at - datetime.now(UTC) != timedelta.max
    pause = Pause()
    pause.note(429, headers, 0.0)
    assert pause.reason(601.0) == ""


@pytest.mark.parametrize(
    "text", ["1_000", " 1", "١", "0x10", "Infinity", "infinity", "nan(1)", "1" * 5000 + "x", True, None, 1]
)
def test_found_number_that_prometheus_does_not_write(text: object) -> None:
    """Python takes more for a number than Prometheus writes: none of it is a value."""
    body = json.dumps(said("vector", [{"metric": {}, "value": [1, text]}])).encode()
    assert isinstance(read_answer(200, body).outcome, Unreachable)
    assert read_rows(200, body).failure is not None


def test_found_series_twice() -> None:
    """One answer in which a series stands twice says nothing: the last one is not believed more than the first."""
    assert read_rows(200, json.dumps(said("vector", [INSTANT, INSTANT])).encode()).failure is not None


def test_found_series_without_samples() -> None:
    """A series with no sample, or one at no instant, ended the question of everybody that had been asked with it."""
    for samples in ([], [[math.nan, "1"]], [["x", "1"]], [[True, "1"]]):
        body = json.dumps(said("matrix", [{"metric": {}, "values": samples}])).encode()
        assert isinstance(read_rows(200, body).failure, Unreachable)


def test_found_grpc_status_of_other_digits() -> None:
    """A label may hold a digit that is no number of ours, or one of 5000 digits."""
    for told in ("²", "9" * 5000, "-1"):
        assert not is_failure(frozenset({("grpc_response_status", told)}), FailureStatus(grpc=(2,)))


def test_found_date_that_no_calendar_has() -> None:
    """What the library lets through of a year, or an offset, of twenty digits."""
    for date in DATES[1:]:
        assert http_date(date) is None
        assert retry_after_s({"Retry-After": date, "Date": DATES[0]}) is None
