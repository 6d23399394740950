from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.metric import Metric
from rollouts.api.status import MetricResult, Verdict
from rollouts.core.deciding import deciding, worst
from rollouts.core.judge import as_told, counted, judge, judge_all, judge_hook, metric_of, probes_of
from rollouts.core.measurement import (
    Accepted,
    HookOutcome,
    NoData,
    Outcome,
    Probe,
    Refused,
    Rejected,
    Sample,
    Signal,
    Subject,
    Unreachable,
    Value,
)
from tests.core.given import at, sample, told

SUCCESS: dict[str, Any] = {"name": "request-success-rate", "thresholdRange": {"min": 99}}
DURATION: dict[str, Any] = {"name": "request-duration", "thresholdRange": {"max": 500}}
BETWEEN: dict[str, Any] = {"name": "request-duration", "thresholdRange": {"min": 0.5, "max": 500}}


def _judged(metric: dict[str, Any], outcome: Outcome) -> MetricResult:
    parsed = Metric.model_validate(metric)
    return judge(parsed, sample(probes_of([parsed], 60.0)[0], 7, outcome))


@pytest.mark.parametrize(
    ("metric", "outcome", "verdict", "message"),
    [
        (SUCCESS, Value(100.0), "Pass", "request-success-rate 100.00 % (limit at least 99 %)"),
        (SUCCESS, Value(99.0), "Pass", "request-success-rate 99.00 % (limit at least 99 %)"),
        (SUCCESS, Value(98.998), "Fail", "request-success-rate 99.00 % (limit at least 99 %)"),
        (SUCCESS, Value(50.0), "Fail", "request-success-rate 50.00 % (limit at least 99 %)"),
        (DURATION, Value(500.0), "Pass", "request-duration 500.00 ms (limit at most 500 ms)"),
        (DURATION, Value(2000.0), "Fail", "request-duration 2000.00 ms (limit at most 500 ms)"),
        (BETWEEN, Value(0.25), "Fail", "request-duration 0.25 ms (limit at least 0.5 ms and at most 500 ms)"),
        (BETWEEN, Value(501.0), "Fail", "request-duration 501.00 ms (limit at least 0.5 ms and at most 500 ms)"),
        (SUCCESS, NoData(), "NoData", "request-success-rate: no request of the canary was measured"),
        (SUCCESS, Unreachable("no answer within 5 s"), "Error", "request-success-rate: no answer within 5 s"),
        (SUCCESS, Rejected("parse error"), "Error", "request-success-rate: parse error"),
    ],
)
def test_verdict_in_words(metric: dict[str, Any], outcome: Outcome, verdict: str, message: str) -> None:
    """What each answer means, and how a person reads it; both ends of a range pass."""
    result = _judged(metric, outcome)

    assert (result.verdict, result.message) == (verdict, message)


def test_result_says_what_was_measured_when() -> None:
    """The value has three decimals, the instant is the sample's, and without a value there is none."""
    assert _judged(SUCCESS, Value(99.87654)) == MetricResult(
        name="request-success-rate", verdict=Verdict.PASS, value=99.877, measured_at=at(7),
        message="request-success-rate 99.88 % (limit at least 99 %)",
    )  # fmt: skip
    assert _judged(SUCCESS, NoData()).value is None


def test_long_words_are_cut() -> None:
    """A reason of any length leaves the status within its bounds."""
    assert len(_judged(SUCCESS, Unreachable("x" * 9000)).message) == 256


def test_probes_follow_the_metrics() -> None:
    """One question for each metric about the canary, with the metric's own look-back."""
    metrics = [Metric.model_validate(DURATION | {"interval": "1m30s"}), Metric.model_validate(SUCCESS)]

    assert probes_of(metrics, 3600.0) == (
        Probe(Signal.DURATION, Subject.CANARY, 90.0),
        Probe(Signal.SUCCESS_RATE, Subject.CANARY, 60.0),
    )


ORDERS: dict[str, Any] = {"name": "orders", "query": "orders", "thresholdRange": {"max": 5}}
MANY: dict[str, Any] = SUCCESS | {"minRequests": 50}


def test_probes_of_a_metric_of_the_users_own_name_it() -> None:
    """Two of them differ in nothing else."""
    metrics = [Metric.model_validate(ORDERS | {"name": name}) for name in ("orders", "refunds")]

    assert probes_of(metrics, 10.0) == tuple(
        Probe(Signal.CUSTOM, Subject.CANARY, 10.0, name) for name in ("orders", "refunds")
    )


@pytest.mark.parametrize(("reporter", "name"), [("destination", ""), ("source", "request-success-rate")])
def test_requests_are_counted_where_a_number_of_them_is_needed(reporter: str, name: str) -> None:
    """In the same look-back, by whom the metric trusts."""
    metric = Metric.model_validate(MANY | {"reporter": reporter})

    assert probes_of([metric, Metric.model_validate(DURATION)], 60.0) == (
        Probe(Signal.SUCCESS_RATE, Subject.CANARY, 60.0),
        Probe(Signal.REQUESTS, Subject.CANARY, 60.0, name),
        Probe(Signal.DURATION, Subject.CANARY, 60.0),
    )


@pytest.mark.parametrize(("run_s", "asked"), [(29.9, 0), (30.0, 1)])
def test_a_metric_with_a_delay_is_not_asked_for_before(run_s: float, asked: int) -> None:
    """Counted from the start of the run."""
    assert len(probes_of([Metric.model_validate(SUCCESS | {"initialDelay": "30s"})], run_s)) == asked


def test_a_metric_that_is_not_asked_for_is_not_decided() -> None:
    """Its result has the instant of the others; alone, that of the judgement."""
    late = Metric.model_validate(DURATION | {"initialDelay": "5m"})
    first = Metric.model_validate(SUCCESS)
    answer = sample(probes_of([first], 60.0)[0], 7, Value(100.0))

    together, alone = judge_all([first, late], [answer], at(9)), judge_all([late], [], at(9))

    told = "request-duration is not judged before 5m of the run are over (initialDelay)"
    assert [(one.verdict, one.measured_at) for one in together] == [("Pass", at(7)), ("Inconclusive", at(7))]
    assert [(one.message, one.value, one.measured_at) for one in alone] == [(told, None, at(9))]


@pytest.mark.parametrize(
    ("rate", "count", "verdict", "value", "message"),
    [
        (Value(96.0), Value(50.0), "Fail", 96.0, " 96.00 % (limit at least 99 %), 2 of 50 requests failed"),
        (Value(96.0), Value(49.5), "Fail", 96.0, " 96.00 % (limit at least 99 %), 2 of 50 requests failed"),
        (Value(96.0), Value(49.4), "NoData", 96.0, ": 49 requests of the canary in 60 s, 50 make a judgement"),
        (Value(0.0), Value(1.0), "NoData", 0.0, ": 1 request of the canary in 60 s, 50 make a judgement (minRequests)"),
        (Value(96.0), NoData(), "NoData", 96.0, ": the canary's requests could not be counted yet (minRequests)"),
        (Value(96.0), Unreachable("reset"), "Error", None, ": the canary's requests could not be counted: reset"),
        (NoData(), Value(0.4), "NoData", None, ": no request of the canary was measured"),
        (NoData(), Value(2.0), "NoData", None, ": 2 requests of the canary in 60 s, 50 make a judgement (minRequests)"),
        (NoData(), Value(60.0), "NoData", None, ": no request of the canary was measured"),
        (NoData(), NoData(), "NoData", None, ": no request of the canary was measured"),
        (Unreachable("reset"), Value(2.0), "Error", None, ": reset"),
        (Rejected("no"), Value(99.0), "Error", None, ": no"),
    ],
)
def test_few_requests_are_no_data(
    rate: Outcome, count: Outcome, verdict: str, value: float | None, message: str
) -> None:
    """With a value, which says that the canary has some."""
    metric = Metric.model_validate(MANY)
    asked = probes_of([metric], 60.0)

    (result,) = judge_all([metric], [sample(asked[0], 7, rate), sample(asked[1], 7, count)], at(7))

    assert (result.verdict, result.value) == (verdict, value)
    assert result.message.startswith(f"request-success-rate{message}")


def test_a_value_of_the_users_own_is_kept_as_it_is() -> None:
    """Nobody knows its unit."""
    assert (_judged(ORDERS, Value(0.00012)).value, _judged(ORDERS, NoData()).message) == (
        0.00012, "orders: the query has no value",
    )  # fmt: skip


def test_errors_of_a_metric_are_counted_in_a_row() -> None:
    """From the judgement before on; any other verdict ends the row."""
    metrics = [Metric.model_validate(one) for one in (SUCCESS, DURATION)]
    probes = probes_of(metrics, 60.0)

    def judged(second: float, *outcomes: Outcome) -> tuple[MetricResult, ...]:
        answers = [sample(probe, second, outcome) for probe, outcome in zip(probes, outcomes, strict=True)]
        return judge_all(metrics, answers, at(second))

    first = counted(judged(1, Rejected("no"), Unreachable("no")), ())
    second = counted(judged(2, NoData(), Unreachable("no")), first)
    assert [one.errors for one in (*first, *second)] == [1, 1, 0, 2]


def test_a_dry_run_decides_nothing_and_says_so() -> None:
    """Its verdict is what it would have been."""
    metrics = [Metric.model_validate(one) for one in (SUCCESS, DURATION | {"dryRun": True})]
    outcomes = Value(100.0), Value(900.0)
    answers = [sample(probe, 7, one) for probe, one in zip(probes_of(metrics, 60.0), outcomes, strict=True)]

    rate, slow = (as_told(result) for result in judge_all(metrics, answers, at(7)))

    assert worst([rate, slow]) is rate
    assert deciding([rate, slow]) == (rate,)
    assert (slow.verdict, slow.dry_run) == ("Fail", True)
    assert slow.message == "dry run, would have failed: request-duration 900.00 ms (limit at most 500 ms)"
    assert as_told(slow.model_copy(update={"verdict": Verdict.PASS, "message": "m"})).message == "dry run: m"


@pytest.mark.parametrize(
    ("probe", "name"),
    [
        (Probe(Signal.SUCCESS_RATE), "request-success-rate"),
        (Probe(Signal.UNREACHED), "request-success-rate"),
        (Probe(Signal.CALLERS_DURATION), "request-duration"),
        (Probe(Signal.REQUESTS, metric="request-duration"), "request-duration"),
        (Probe(Signal.CUSTOM, metric="orders"), "orders"),
        (Probe(Signal.CUSTOM, metric="refunds"), None),
        (Probe(Signal.REQUESTS), None),
    ],
)
def test_whom_a_probe_is_asked_for(probe: Probe, name: str | None) -> None:
    """By its name, else by its signal."""
    metric = metric_of([Metric.model_validate(one) for one in (SUCCESS, DURATION, ORDERS)], probe)

    assert (metric and metric.name) == name


@pytest.mark.parametrize(
    ("verdicts", "decides"),
    [
        ("Pass Pass", 0), ("Pass Fail", 1), ("Error Fail", 1), ("NoData Error", 1), ("Pass NoData", 1),
        ("Fail Error", 0), ("Fail Fail", 0), ("NoData Pass", 0), ("Pass Inconclusive", 1), ("Inconclusive NoData", 1),
    ],
)  # fmt: skip
def test_the_worst_decides(verdicts: str, decides: int) -> None:
    """A failure before an error, before no data, before a pass; of equals the first."""
    results = [MetricResult(name="m", verdict=Verdict(word), measured_at=at(0)) for word in verdicts.split()]

    assert worst(results) is results[decides]


@pytest.mark.parametrize(
    ("outcome", "verdict", "message"),
    [
        (Accepted(), "Pass", "rollout passed"),
        (Accepted("99 of 99"), "Pass", "rollout passed: 99 of 99"),
        (Refused("2 of 99 failed"), "Fail", "rollout: 2 of 99 failed"),
        (Unreachable("no answer within 10 s"), "Error", "rollout: no answer within 10 s"),
        (Rejected("no such Secret"), "Error", "rollout: no such Secret"),
        (Value(1.0), "Error", "rollout: no answer of a webhook"),
        (NoData(), "Error", "rollout: no answer of a webhook"),
    ],
)
def test_verdict_of_a_test(outcome: HookOutcome | Outcome, verdict: str, message: str) -> None:
    """Consent passes, a refusal fails, and whatever else comes says nothing of the canary."""
    result = judge_hook(Sample(told("rollout", 7).probe, at(7), outcome))

    assert (result.verdict, result.message, result.name, result.measured_at) == (verdict, message, "rollout", at(7))


@pytest.mark.parametrize("outcome", [Accepted(), Refused("no")])
def test_an_answer_of_the_wrong_kind_is_an_error(outcome: HookOutcome) -> None:
    """It is no pass of a metric."""
    metric = Metric.model_validate(SUCCESS)

    assert judge(metric, Sample(probes_of([metric], 60.0)[0], at(7), outcome)).verdict is Verdict.ERROR
