"""What stories of autoscalers rely on in the double, and what Kubernetes' own does in the lab: one case for both."""

from __future__ import annotations

import pytest

from tests.contract.autoscalers import TELLERS, Scaled, Teller, until

AT_WORK, OFF = "ValidMetricFound", "ScalingDisabled"


@pytest.mark.parametrize("tell", TELLERS)
def test_it_keeps_to_its_bounds_and_leaves_nothing_alone(tell: Teller) -> None:
    """Without any load: its least, also when that is raised and lowered again; at 0 it is switched off until scaled."""

    async def story(scaled: Scaled) -> None:
        await until(scaled, 2, AT_WORK)
        await scaled.bounds(5, 6)  # the hold, while a run lasts
        await until(scaled, 5, AT_WORK)
        await scaled.size(3)
        await until(scaled, 5, AT_WORK)
        await scaled.bounds(2, 6)  # and its end
        await until(scaled, 2, AT_WORK)
        await scaled.size(6)  # whoever scales it: the autoscaler has the last word
        await until(scaled, 2, AT_WORK)
        await scaled.size(0)
        await until(scaled, 0, OFF)
        await scaled.wait(10.0)
        assert await scaled.look() == (0, OFF)
        await scaled.size(1)
        await until(scaled, 2, AT_WORK)

    tell(story)
