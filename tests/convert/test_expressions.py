from __future__ import annotations

import pytest

from rollouts.api.condition import holds
from rollouts.convert.expressions import Condition, Untold, condition_of

SAID = [
    ("result[0] >= 0.95", "result >= 0.95", "", False),
    ("result >= 0.95 and result < 2", "result >= 0.95 && result < 2.0", "", False),
    ("len(result) == 0 || result[0] < 5", "result < 5.0", "", True),
    ("result[0] < 5 || isNaN(result[0])", "result < 5.0", "", True),
    ("len(result) > 0 && result[0] > 1", "result > 1.0", "", False),
    ("not (result[0] > 5)", "!(result > 5.0)", "", False),
    ("asFloat(result[0]) * 2 > 1", "result * 2.0 > 1.0", "", False),
    ("default(result, 0) < 10", "result < 10.0", "", False),
    ("all(result, {# < 0.5})", "result < 0.5", "", False),
    ("result.successPercent >= 90", "result >= 90.0", "successPercent", False),
    ("result.data.ok == true", "result == 1.0", "data.ok", False),
    ("result", "result == 1.0", "", False),
]
UNSAID = [
    "result == 'fine'",
    "result.a > 1 && result.b < 2",
    "count(result, # > 1) > 2",
    "result ~ 3",
    "any(result, # > 1)",
]


@pytest.mark.parametrize(("theirs", "ours", "field", "passes"), SAID)
def test_a_condition_on_one_number_is_said_in_cel(theirs: str, ours: str, field: str, passes: bool) -> None:  # noqa: FBT001
    """And CEL reads it: it is true or false for each number."""
    assert condition_of(theirs) == Condition(ours, field, passes)
    assert isinstance(holds(ours, 0.5), bool)


@pytest.mark.parametrize("theirs", UNSAID)
def test_what_is_no_condition_on_one_number_is_told(theirs: str) -> None:
    """With the reason, and never half of it."""
    assert isinstance(condition_of(theirs), Untold)
