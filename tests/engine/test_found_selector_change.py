"""A Deployment that is deleted and made again with another label, as its selector can't be changed otherwise."""

from __future__ import annotations

import pytest

from rollouts.api.resources import DEPLOYMENTS, SERVICES, Manifest
from rollouts.api.status import ConditionType, Phase
from tests.engine.world import KEY, PRIMARY_KEY, World, deployment_manifest


def relabelled(image: str) -> Manifest:
    """The target under another value of the label by which it and its copy part."""
    labels = {"app": "web"}
    made = deployment_manifest(image, selector={"matchLabels": labels})
    made["spec"]["template"]["metadata"]["labels"] = labels
    return made


@pytest.mark.parametrize("image", ["app:1", "app:2"], ids=["same image", "new image"])
@pytest.mark.parametrize("running", [False, True], ids=["at rest", "mid-run"])
async def test_the_primary_goes_on_serving(image: str, *, running: bool) -> None:
    """The Services select the primary's pods as before, nothing is released, and people are told what to do."""
    world = World()
    await world.initialize()
    if running:
        world.release()
        await world.run_until(lambda: world.weight == 20)
    world.cluster.delete(DEPLOYMENTS, KEY)
    await world.settle()
    world.cluster.put(DEPLOYMENTS, relabelled(image))
    await world.run_until_quiet()
    selected = world.get(DEPLOYMENTS, PRIMARY_KEY)["spec"]["template"]["metadata"]["labels"]
    for key in (KEY, PRIMARY_KEY):
        assert world.get(SERVICES, key)["spec"]["selector"].items() <= selected.items()
    ready = world.condition(ConditionType.READY)
    assert (world.weight, world.status.phase) == (0, Phase.FAILED if running else Phase.INITIALIZED)
    assert (ready.status, ready.reason) == ("False", "SelectorChanged")
    assert "app-primary" in ready.message
    assert [reason for reason, _ in world.events()].count("SelectorChanged") == 1


async def test_the_old_label_mends_it() -> None:
    """With the label of before, the Deployment is released as any other."""
    world = World()
    await world.initialize()
    for manifest in (relabelled("app:1"), deployment_manifest("app:2")):
        world.cluster.delete(DEPLOYMENTS, KEY)
        await world.settle()
        world.cluster.put(DEPLOYMENTS, manifest)
        await world.run_until_quiet()
    assert (world.status.phase, world.image(PRIMARY_KEY)) == (Phase.SUCCEEDED, "app:2")
