from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given

from rollouts.api.analysis import Analysis
from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus
from rollouts.core.plan import Step, current_step, next_step, next_weight_back, plan_of, step_count, step_index
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
    assert tuple(step.weight for step in plan_of(_analysis(**schedule))) == weights


@pytest.mark.parametrize(
    ("weight", "following", "index"),
    [(20, 40, 1), (40, 50, 2), (50, None, 3), (30, 40, 1), (5, 20, 0), (100, None, 3)],
)
def test_place_in_the_schedule(weight: int, following: int | None, index: int) -> None:
    """The next step and the number of the present one, also for a weight that an edited schedule no longer has."""
    analysis = _analysis(stepWeight=20, maxWeight=50)

    status = CanaryStatus(desired_weight=weight, step_index=1)
    found = next_step(analysis, status)

    assert (found.weight if found is not None else None, step_index(analysis, weight)) == (following, index)


def _steps(**schedule: Any) -> tuple[tuple[int, float, int, bool, bool], ...]:
    return tuple(
        (step.weight, step.dwell_s, step.checks, step.mirrored, step.confirmed)
        for step in plan_of(_analysis(**schedule))
    )


@pytest.mark.parametrize(
    ("schedule", "steps"),
    [
        pytest.param(
            {"iterations": 3, "match": [{"uri": {"prefix": "/new"}}]}, ((100, 10.0, 3, False, False),), id="A/B"
        ),
        pytest.param(
            {"iterations": 5}, ((0, 10.0, 5, False, False), (100, 10.0, 1, False, True)), id="blue-green"
        ),
        pytest.param(
            {"iterations": 5, "mirror": True}, ((0, 10.0, 5, True, False), (100, 10.0, 1, False, True)),
            id="blue-green, mirrored all through",
        ),
        pytest.param(
            {"stepWeights": [10, 20], "mirror": True},
            ((0, 10.0, 1, True, False), (10, 10.0, 1, False, False), (20, 10.0, 1, False, False)),
            id="mirrored once before the first weight",
        ),
        pytest.param(
            {"stepWeights": [10, 20, 30], "stepDwells": ["60s", "5s"]},
            ((10, 60.0, 1, False, False), (20, 10.0, 1, False, False), (30, 10.0, 1, False, False)),
            id="a dwell per step, never less than the interval, the last one for the rest",
        ),
        pytest.param(
            {"stepWeights": [10, 20], "match": [{"uri": {"prefix": "/new"}}]},
            ((10, 10.0, 1, False, False), (20, 10.0, 1, False, False)), id="weights of what matches",
        ),
    ],
)  # fmt: skip
def test_the_steps_of_each_strategy(
    schedule: dict[str, Any], steps: tuple[tuple[int, float, int, bool, bool], ...]
) -> None:
    """One list of steps says what each strategy does."""
    assert _steps(**schedule) == steps


@pytest.mark.parametrize(
    ("schedule", "weights"),
    [
        pytest.param({"stepWeightPromotion": 50}, [50, 0], id="even"),
        pytest.param({"stepWeightPromotion": 40}, [60, 20, 0], id="never below 0"),
        pytest.param({"stepWeightsPromotion": [70, 20]}, [70, 20, 0], id="listed"),
        pytest.param({}, [0], id="all at once"),
    ],
)
def test_the_way_back(schedule: dict[str, Any], weights: list[int]) -> None:
    """The canary's shares after promotion, from 100."""
    analysis, walked = _analysis(**schedule), [100]
    while walked[-1]:
        walked.append(next_weight_back(analysis, walked[-1]))
    assert walked[1:] == weights


def test_a_share_below_an_edited_schedule_is_a_step_of_its_own() -> None:
    """A run at 5 %, in a schedule that now begins at 20 %, is judged before it goes on."""
    analysis = _analysis(stepWeight=20, maxWeight=50)

    assert current_step(analysis, CanaryStatus(desired_weight=5, step_index=1)) == Step(5, 10.0)
    assert current_step(analysis, CanaryStatus(desired_weight=0, step_index=0)) is None


@given(specs())
def test_schedule_ascends_and_is_walked_to_its_end(spec: CanarySpec) -> None:
    """Every schedule ascends strictly to at most its total, and next_step visits all of it."""
    weights = [step.weight for step in plan_of(spec.analysis)]

    walked, status = [], CanaryStatus()
    while (step := next_step(spec.analysis, status)) is not None:
        walked.append(step.weight)
        status = CanaryStatus(desired_weight=step.weight, step_index=len(walked))

    assert walked == weights
    assert 0 <= weights[0] <= weights[-1] <= spec.analysis.weight_total
    assert all(one < other for one, other in pairwise(weights))


def test_the_longest_even_schedule_fits_the_status() -> None:
    """A hundred steps, and the one before them in which requests are only copied."""
    count = step_count(_analysis(stepWeight=1, mirror=True))

    assert (count, CanaryStatus(step_index=count, step_count=count).step_count) == (101, 101)
