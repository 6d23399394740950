"""`rollouts uninstall`: Canaries first, the program only after them, and nothing without being told to."""

from __future__ import annotations

import asyncio

from rollouts.api.resources import CANARIES, DEPLOYMENTS, ObjectKey
from rollouts.cli import exits
from tests.cli.conftest import SHOP, Shop

CONTROLLER = ObjectKey("rollouts-system", "rollouts-controller")
HOLD = "rollouts.dev/release"


def _install(shop: Shop, *, finalizer: bool) -> None:
    """The controller's Deployment, one of somebody else with its label, and a Canary that the controller holds."""
    labels = {"app.kubernetes.io/part-of": "rollouts"}
    for key in (CONTROLLER, ObjectKey("default", "mine")):
        metadata = {"name": key.name, "namespace": key.namespace, "labels": labels}
        shop.server.put(DEPLOYMENTS, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {}})
    if finalizer:
        canary = shop.server.stored(CANARIES, SHOP) or {}
        canary["metadata"]["finalizers"] = [HOLD]
        shop.server.put(CANARIES, canary)


async def _give_back(shop: Shop) -> None:
    """Be the controller: let the Canary go once it is being deleted. The program has to be there until then."""
    ends_at = asyncio.get_running_loop().time() + 60
    while "deletionTimestamp" not in ((canary := shop.server.stored(CANARIES, SHOP)) or {}).get("metadata", {}):
        assert asyncio.get_running_loop().time() < ends_at
        await asyncio.sleep(0.02)
    assert shop.server.stored(DEPLOYMENTS, CONTROLLER) is not None
    assert canary is not None
    canary["metadata"]["finalizers"] = []
    shop.server.put(CANARIES, canary)


async def test_without_a_yes_nothing_is_done(shop: Shop) -> None:
    """What would be done is said, and the exit code tells that it was not."""
    _install(shop, finalizer=False)

    done = await shop.cli("uninstall")

    assert done.code == exits.REFUSED, done
    assert "canary default/shop" in done.out
    assert "Deployment rollouts-system/rollouts-controller" in done.out
    assert shop.server.stored(CANARIES, SHOP) is not None
    assert shop.server.stored(DEPLOYMENTS, CONTROLLER) is not None


async def test_canaries_are_given_back_before_the_program_goes(shop: Shop) -> None:
    """The controller is there until the last Canary is gone; what only looks like ours stays."""
    _install(shop, finalizer=True)

    done, _ = await asyncio.gather(shop.cli("uninstall", "--yes"), _give_back(shop))

    assert done.code == exits.DONE, done
    assert shop.server.stored(CANARIES, SHOP) is None
    assert shop.server.stored(DEPLOYMENTS, CONTROLLER) is None
    assert shop.server.stored(DEPLOYMENTS, ObjectKey("default", "mine")) is not None
    assert shop.server.stored(DEPLOYMENTS, SHOP) is not None


async def test_a_canary_that_does_not_go_keeps_the_program(shop: Shop) -> None:
    """Nobody would give its traffic back otherwise: it is named, and the exit code is 1."""
    _install(shop, finalizer=True)

    done = await shop.cli("uninstall", "--yes", "--timeout", "1")

    assert done.code == exits.FAILED, done
    assert "not given back within 1 s: default/shop" in done.out
    assert shop.server.stored(DEPLOYMENTS, CONTROLLER) is not None


async def test_what_does_not_go_is_named(shop: Shop) -> None:
    """Something holds the program's own object: who would install again at once is told."""
    _install(shop, finalizer=False)
    held = shop.server.stored(DEPLOYMENTS, CONTROLLER) or {}
    held["metadata"]["finalizers"] = ["somebody.else/x"]
    shop.server.put(DEPLOYMENTS, held)

    done = await shop.cli("uninstall", "--yes", "--timeout", "1")

    assert done.code == exits.FAILED, done
    assert "not gone within 1 s: Deployment rollouts-system/rollouts-controller" in done.out
