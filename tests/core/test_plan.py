from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given

from rollouts.api.canary import Analysis, CanarySpec
from rollouts.core.plan import next_weight, step_index, step_weights
from tests.core.chance import specs
from tests.core.given import spec_of


def _analysis(**schedule: Any) -> Analysis:
    return spec_of(**schedule).analysis


@pytest.mark.parametrize(
    ("schedule", "weights"),
    [
        pytest.param({"stepWeight": 10, "maxWeight": 50}, (10, 20, 30, 40, 50), id="even"),
        pytest.param({"stepWeight": 20, "maxWeight": 50}, (20, 40, 50), id="never overshot"),
        pytest.param({"stepWeight": 30}, (30, 60, 90, 100), id="up to everything"),
        pytest.param({"stepWeight": 100}, (100,), id="all at once"),
        pytest.param({"stepWeight": 80, "maxWeight": 50}, (50,), id="step above the maximum"),
        pytest.param({"stepWeights": [1, 2, 10, 80]}, (1, 2, 10, 80), id="listed"),
        pytest.param({"stepWeights": [1, 80], "maxWeight": 50}, (1, 80), id="maxWeight is not for a list"),
    ],
)
def test_schedule(schedule: dict[str, Any], weights: tuple[int, ...]) -> None:
    """The weights of the steps, as a user counts them."""
    assert step_weights(_analysis(**schedule)) == weights


@pytest.mark.parametrize(
    ("weight", "following", "index"),
    [(0, 20, 0), (20, 40, 1), (40, 50, 2), (50, None, 3), (30, 40, 1), (5, 20, 0), (100, None, 3)],
)
def test_place_in_the_schedule(weight: int, following: int | None, index: int) -> None:
    """The next step and the number of the present one, also for a weight that an edited schedule no longer has."""
    analysis = _analysis(stepWeight=20, maxWeight=50)

    assert (next_weight(analysis, weight), step_index(analysis, weight)) == (following, index)


@given(specs())
def test_schedule_ascends_and_is_walked_to_its_end(spec: CanarySpec) -> None:
    """Every schedule ascends strictly from above 0 to at most 100, and next_weight visits all of it."""
    weights = step_weights(spec.analysis)

    walked, weight = [], next_weight(spec.analysis, 0)
    while weight is not None:
        walked.append(weight)
        weight = next_weight(spec.analysis, weight)

    assert tuple(walked) == weights
    assert 0 < weights[0] <= weights[-1] <= 100
    assert all(one < other for one, other in pairwise(weights))
