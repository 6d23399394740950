"""Conditions in CEL: what can be read, what is refused and in which words, and what holds for a number."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from rollouts.api.condition import NoAnswer, check_condition, holds
from rollouts.api.metric import Metric

LIKE_2_0 = "write numbers that result is reckoned with as 2.0, not 2"


@pytest.mark.parametrize(
    ("text", "number", "answer"),
    [
        ("result >= 99", 99.0, True),
        ("result >= 99", 98.9, False),
        ("result > 0.5 && result < 2.0", 1.0, True),
        ("result > 0.5 && result < 2.0", 2.0, False),
        ("result < 0 || [1, 2, 3].exists(x, result == x)", 3.0, True),
        ("result * 100.0 / 2.0 > 40.0", 1.0, True),
    ],
)
def test_a_condition_holds_or_not(text: str, number: float, answer: bool) -> None:  # noqa: FBT001 - a table
    """It is accepted, and says what it says of a number."""
    check_condition(text)

    assert holds(text, number) is answer


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("result >", "at character 9: Syntax error"),
        ("resul > 1", "at character 1: undeclared reference to 'resul'"),
        ("result", "it gives 0.0 where true or false is needed"),
        ("'yes'", "it gives 'yes' where true or false is needed"),
        ("result > '1'", "No matching overloads found"),
        ("result * 2 > 1.0", LIKE_2_0),
        ("result * 2.0 > 1", LIKE_2_0),
        ("1 / 0 > 1", "divide by zero"),
        ("(" * 60 + "true" + ")" * 60, "recursion limit"),
    ],
)
def test_what_can_not_judge_is_refused(text: str, says: str) -> None:
    """With the place of the mistake, or with the way out, when the spec is read; not when a release needs it."""
    metric = {"name": "orders", "query": "orders", "successCondition": text}

    with pytest.raises(ValidationError, match="successCondition") as refused:
        Metric.model_validate(metric)

    assert says in str(refused.value)


def test_what_fails_for_one_number_alone_has_no_answer_for_that() -> None:
    """It is no expression to be refused, and nobody is judged by a guess."""
    text = "result < 1000.0 || int(result) % 0 == 1"
    check_condition(text)

    assert holds(text, 5.0) is True
    assert holds(text, 5000.0) == NoAnswer("modulus by zero")


def test_who_has_no_condition_does_not_load_the_library() -> None:
    """It takes 8 MB, in each process that has one."""
    loads = "import sys; import rollouts.api.canary; sys.exit('cel_expr_python' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", loads], check=False).returncode == 0
