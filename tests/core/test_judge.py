from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.metric import Metric
from rollouts.api.status import MetricResult, Verdict
from rollouts.core.judge import judge, judge_hook, probes_of, worst
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


@pytest.mark.parametrize(
    ("verdicts", "decides"),
    [
        ("Pass Pass", 0), ("Pass Fail", 1), ("Error Fail", 1), ("NoData Error", 1), ("Pass NoData", 1),
        ("Fail Error", 0), ("Fail Fail", 0), ("NoData Pass", 0),
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
