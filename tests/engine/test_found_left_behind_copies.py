"""A deleted Canary took copies of configuration along that another one, deleted before it, had left to who serves."""

from __future__ import annotations

from rollouts.api.ownership import COPY_OF_ANNOTATION, Owner
from rollouts.api.resources import CONFIG_MAPS, ObjectKey
from tests.engine.leaving import delete, run_until_gone
from tests.engine.test_config_tracking import BOTH, config_map, copies, world_with
from tests.engine.world import NAMESPACE


async def test_a_deletion_takes_no_copy_that_another_canary_has_left_to_its_primary() -> None:
    """That one gave up and left its primary serving: without what its pods read, the next of them would not start."""
    left = config_map("theirs", "settings-cart-primary-1234567890")
    left["metadata"] |= {
        "labels": Owner(NAMESPACE, "cart", "another").labels(), "annotations": {COPY_OF_ANNOTATION: "settings"},
    }  # fmt: skip
    world = world_with(*BOTH, (CONFIG_MAPS, left))
    await world.run_until(lambda: world.replicas() == 0)
    delete(world)
    await run_until_gone(world)

    assert copies(world, CONFIG_MAPS) == ["settings-cart-primary-1234567890"]
    assert world.get(CONFIG_MAPS, ObjectKey(NAMESPACE, "settings"))
