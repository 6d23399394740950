"""A primary that was deleted while a release without analysis was the one side that served."""

from __future__ import annotations

from rollouts.api.status import Phase
from tests.core.acts import Act
from tests.core.given import spec_of
from tests.core.pods import Pods
from tests.core.world import World


def test_without_analysis_a_canary_that_serves_alone_is_promoted_though_the_primary_is_gone() -> None:
    """It waited for the pods of a primary that only its own promotion could make, for ever and without a deadline."""
    spec = spec_of(60, stepWeight=4, maxWeight=4, threshold=1).model_copy(update={"skip_analysis": True})
    world = World(spec, Pods("a"), now=-60.0)
    world.run(0.0)
    world.run(60.0, [(5.0, Act("apply", "b")), (6.0, Act("delete", "primary")), (40.0, Act("apply", "c"))])
    world.run(200.0)

    assert (world.status.phase, world.status.last_promoted_spec) == (Phase.SUCCEEDED, "c")
    assert world.primary is not None
    assert world.primary.source_revision == "c"
    assert world.route is not None
    assert world.route.weight == 0
