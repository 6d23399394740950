from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.core.counting import Scraped, Series
from rollouts.core.measurement import NoData, Outcome, Rejected, Unreachable, Value
from rollouts.metrics.prometheus_answer import REASON_MAX, Answer, Rows, read_answer, read_rows
from tests.adapters.prometheus_server import Canned, failure, success, vector

NOT_PROMETHEUS = Unreachable("HTTP 200, but not a query result: check that the URL is that of a Prometheus")
HISTOGRAM = [{"metric": {}, "histogram": [1, {"count": "3"}]}]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(vector("99.5"), Value(99.5), id="vector of one"),
        pytest.param(vector("0"), Value(0.0), id="zero"),
        pytest.param(success("scalar", [1, "1"]), Value(1.0), id="scalar"),
        pytest.param(vector("1e-3"), Value(0.001), id="exponent"),
        pytest.param(vector(), NoData(), id="empty"),
        pytest.param(vector("NaN"), NoData(), id="NaN"),
        pytest.param(success("scalar", [1, "NaN"]), NoData(), id="scalar NaN"),
        pytest.param(
            vector("+Inf"), Rejected("the query gives +Inf, which no limit can judge: it divides by zero"), id="Inf"
        ),
        pytest.param(
            vector("1", "2"),
            Rejected("the query gives 2 series instead of one: aggregate them, say with sum()"),
            id="two series",
        ),
        pytest.param(
            success("matrix", [{"metric": {}, "values": [[1, "1"]]}]),
            Rejected("the query gives a matrix instead of one number at one instant"),
            id="matrix",
        ),
        pytest.param(
            success("string", [1, "5"]),
            Rejected("the query gives a string instead of one number at one instant"),
            id="string",
        ),
        pytest.param(
            success("vector", HISTOGRAM),
            Rejected("the query gives a histogram, not a number: take a quantile or a rate of it"),
            id="native histogram",
        ),
        pytest.param(
            failure(400, "bad_data", "invalid parameter: \x1b[31mparse\nerror"),
            Rejected("Prometheus rejects the query: invalid parameter: [31mparse error"),
            id="400",
        ),
        pytest.param(
            failure(422, "execution", "many-to-many matching not allowed"),
            Rejected("Prometheus rejects the query: many-to-many matching not allowed"),
            id="422",
        ),
        pytest.param(Canned(400, b"<html>"), Unreachable("HTTP 400"), id="400, not Prometheus's"),
        pytest.param(
            Canned(401),
            Rejected("the credentials for Prometheus are refused (HTTP 401): check token or password"),
            id="401",
        ),
        pytest.param(
            Canned(403),
            Rejected("the credentials for Prometheus are refused (HTTP 403): check token or password"),
            id="403",
        ),
        pytest.param(Canned(404, b"not found"), Unreachable("HTTP 404"), id="404"),
        pytest.param(Canned(429), Unreachable("HTTP 429"), id="429"),
        pytest.param(failure(503, "timeout", "query timed out"), Unreachable("HTTP 503: query timed out"), id="503"),
        pytest.param(Canned(200, b"<html>log in</html>"), NOT_PROMETHEUS, id="not JSON"),
        pytest.param(Canned(200, b""), NOT_PROMETHEUS, id="no body"),
        pytest.param(Canned(200, b"[" * 100_000), NOT_PROMETHEUS, id="nested without end"),
        pytest.param(Canned(200, b"[]"), NOT_PROMETHEUS, id="a list"),
        pytest.param(Canned(200, b'{"status":"success"}'), NOT_PROMETHEUS, id="no data"),
        pytest.param(Canned(200, b'{"status":"error","data":{}}'), NOT_PROMETHEUS, id="error with 200"),
        pytest.param(success("vector", [{"metric": {}, "value": [1, 5]}]), NOT_PROMETHEUS, id="number for a string"),
        pytest.param(vector("five"), NOT_PROMETHEUS, id="word for a number"),
        pytest.param(success("tensor", []), NOT_PROMETHEUS, id="unknown type"),
    ],
)
def test_each_answer_has_one_meaning(answer: Canned, expected: Outcome) -> None:
    """Only one finite number is a value; the rest says whether the query, the credentials or the way is at fault."""
    assert read_answer(answer.status, answer.body).outcome == expected


def test_what_rests_on_part_of_the_data_is_no_value() -> None:
    """Thanos and Mimir answer with 200 when a store is down: the errors may be in it."""
    answer = success("vector", [{"metric": {}, "value": [1, "7"]}], warnings=["store down\n", "x" * 999])
    read = read_answer(200, answer.body)
    assert read.outcome == Unreachable("only part of the data answered: store down")
    assert read.warnings[0] == "store down"
    assert len(read.warnings[1]) == REASON_MAX
    assert read_rows(200, answer.body) == Rows(failure=read.outcome)
    empty = read_answer(200, success("vector", [], warnings=["store down"]).body)
    assert empty.outcome == read.outcome


def test_advice_is_no_warning() -> None:
    """Infos say nothing against the value, also where an older Prometheus has them among the warnings."""
    told = ["PromQL info: metric might not be a counter", "PromQL info: input to histogram_quantile was fixed"]
    for answer in (success("scalar", [1, "7"], infos=told), success("scalar", [1, "7"], warnings=told)):
        assert read_answer(200, answer.body) == Answer(Value(7.0))


def test_a_doubt_about_the_query_is_told_of_the_query() -> None:
    """Such a warning is no outage: another query, or one about less, may do."""
    doubt = "PromQL warning: encountered a mix of histograms and floats"
    answer = success("vector", [{"metric": {}, "value": [1, "7"]}], warnings=["PromQL info: x", doubt])
    expected = Rejected(f"Prometheus doubts the value: {doubt}")
    assert read_answer(200, answer.body).outcome == expected
    assert read_rows(200, answer.body) == Rows(failure=expected, of_query=True)


def test_rows_have_their_labels_and_the_scrapes_times() -> None:
    """Of an instant vector one sample each; a number that is none stays so, for whoever puts rows together."""
    labels, samples = frozenset({("pod", "0")}), (Scraped(1.5, 3.0), Scraped(2.5, 5.0))
    matrix = success("matrix", [{"metric": {"pod": "0"}, "values": [[1.5, "3"], [2.5, "5"]]}])
    assert read_rows(200, matrix.body) == Rows((Series(labels, samples),))
    (row,) = read_rows(200, vector("NaN").body).series
    assert row.labels == labels
    assert math.isnan(row.samples[0].value)
    assert read_rows(200, vector().body) == Rows()


def test_only_another_query_helps_where_the_query_is_refused() -> None:
    """Refused credentials are refused for a part of it too."""
    assert read_rows(422, failure(422, "execution", "too many samples").body).of_query
    assert not read_rows(401, b"").of_query
    assert not read_rows(503, b"").of_query


@given(
    st.integers(100, 599),
    st.binary(max_size=64)
    | st.recursive(
        st.none() | st.booleans() | st.text(max_size=300) | st.floats(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["status", "data", "resultType", "result", "value", "error", "warnings"]), inner
            )
        ),
    ).map(lambda payload: json.dumps(payload).encode()),
)
def test_any_body_has_a_meaning(status: int, body: bytes) -> None:
    """Nothing that can come back raises, and every reason fits on one short line."""
    for outcome in (read_answer(status, body).outcome, read_rows(status, body).failure):
        if isinstance(outcome, Rejected | Unreachable):
            assert 0 < len(outcome.reason) <= REASON_MAX
            assert outcome.reason.isprintable()
