"""What the world may do between a decision and its writes: the primary gets what was judged, or nothing."""

from __future__ import annotations

import pytest

from rollouts.api.ownership import REVISION_ANNOTATION
from rollouts.api.resources import CANARIES, DEPLOYMENTS
from rollouts.api.status import Phase
from rollouts.ports import PatchStatus, Write
from tests.engine.world import KEY, PRIMARY_KEY, World


@pytest.mark.parametrize("at_once", [True, False], ids=["heard while the status is written", "heard afterwards"])
async def test_a_version_applied_while_promotion_is_written_down_reaches_no_primary(*, at_once: bool) -> None:
    """The template that was not judged is not copied under the name of the one that was; it gets its own release."""
    world = World()
    await world.initialize()
    images: list[tuple[str, str]] = []

    def meddle(write: Write) -> None:
        if isinstance(write, PatchStatus) and write.status["phase"] == Phase.PROMOTING and world.image(KEY) == "app:2":
            world.cluster.lagging = not at_once
            world.release("app:3")

    def look(write: Write) -> None:
        if write.resource == CANARIES and world.cluster.lagging:
            world.cluster.lagging = False
        primary = world.get(DEPLOYMENTS, PRIMARY_KEY)
        images.append((world.image(PRIMARY_KEY), primary["metadata"]["annotations"][REVISION_ANNOTATION]))

    world.cluster.before, world.cluster.after = meddle, look
    world.release()
    await world.run_until(lambda: world.image(KEY) == "app:3")
    world.cluster.catch_up()
    await world.run_until(lambda: world.status.phase is Phase.PROGRESSING)
    assert {image for image, _ in images} <= {"app:1", "app:2"}
    world.cluster.before = lambda _write: None
    await world.run_until_quiet()
    assert (world.status.phase, world.image(PRIMARY_KEY)) == (Phase.SUCCEEDED, "app:3")
    assert len({revision for _, revision in images}) == len({image for image, _ in images})
