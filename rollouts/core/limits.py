"""The limits of a metric: whether a value passes, and how a person reads it."""

from __future__ import annotations

from types import MappingProxyType

from rollouts.api.condition import NoAnswer, holds
from rollouts.api.metric import DURATION, SUCCESS_RATE, Metric, ThresholdRange
from rollouts.api.status import Verdict

_UNIT = MappingProxyType({SUCCESS_RATE: " %", DURATION: " ms"})
_IS = MappingProxyType({True: "is true", False: "is false", None: "is not set"})
_SHOWN_MAX = 80
"""Characters of a condition that are repeated in a message."""


def within(number: float, limits: ThresholdRange | None) -> bool:
    """Whether a value passes; where there are no limits every one does."""
    if limits is None:
        return True
    above = limits.min is None or number >= limits.min
    below = limits.max is None or number <= limits.max
    return above and below


def verdict_of(metric: Metric, number: float) -> Verdict:
    """What a value means by the limits alone.

    Of conditions the one for failure comes first. Where there is only one it decides both ways; where there are two and
    neither is true, nothing is decided.
    """
    if not metric.has_conditions:
        return Verdict.PASS if within(number, metric.threshold_range) else Verdict.FAIL
    failed, passed = (_answer(text, number) for text in (metric.failure_condition, metric.success_condition))
    if failed is True:
        return Verdict.FAIL
    if isinstance(failed, NoAnswer) or isinstance(passed, NoAnswer):
        return Verdict.ERROR
    if passed is None or passed:
        return Verdict.PASS
    return Verdict.FAIL if failed is None else Verdict.INCONCLUSIVE


def in_words(metric: Metric, number: float, count: float | None = None) -> str:
    """A value against its limits; with the number of requests that it speaks of, where that is known."""
    shown = f"{number:.2f}" if metric.built_in else f"{number:.6g}"
    failures = count is not None and metric.name == SUCCESS_RATE and count > 0
    counted = "" if count is None or failures else f" in {count:.0f} requests"
    limit = _limit(metric, number)
    words = f"{metric.name} {shown}{_unit(metric)}{counted}{f' ({limit})' if limit else ''}"
    return f"{words}, {_failed(number, count)}" if count is not None and failures else words


def _answer(text: str, number: float) -> bool | NoAnswer | None:
    return holds(text, number) if text else None


def _unit(metric: Metric) -> str:
    return _UNIT.get(metric.name, "")


def _failed(percent: float, count: float) -> str:
    """Failures are whole requests, and one at least where any failed."""
    whole = round(count)
    failed = min(whole, max(1, round(count * (1 - percent / 100)))) if percent < 100 else 0
    return f"{failed} of {whole} requests failed"


def _limit(metric: Metric, number: float) -> str:
    if metric.has_conditions:
        return _conditions(metric, number)
    limits, unit = metric.threshold_range, _unit(metric)
    if limits is None:
        return ""
    ends = []
    if limits.min is not None:
        ends.append(f"at least {limits.min:g}{unit}")
    if limits.max is not None:
        ends.append(f"at most {limits.max:g}{unit}")
    return f"limit {' and '.join(ends)}"


def _conditions(metric: Metric, number: float) -> str:
    """The condition that decided, and how; both, where neither did."""
    told = {"failureCondition": metric.failure_condition, "successCondition": metric.success_condition}
    answers = {name: (text, _answer(text, number)) for name, text in told.items() if text}
    failed = answers.get("failureCondition")
    if failed is not None and failed[1] is True:
        answers = {"failureCondition": failed}
    elif (passed := answers.get("successCondition")) is not None and passed[1] is True:
        answers = {"successCondition": passed}
    return ", ".join(
        f"{name} {_shown(text)} {f'has no answer: {answer.reason}' if isinstance(answer, NoAnswer) else _IS[answer]}"
        for name, (text, answer) in answers.items()
    )


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN_MAX else f"{text[: _SHOWN_MAX - 1]}…"
