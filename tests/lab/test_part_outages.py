"""Parts that are taken away for a while, and what the mesh does without them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator

import pytest

from e2e.lab import LabError
from e2e.lab.load import LoadClient
from e2e.play.kubectl import apply
from e2e.play.parts import Parts
from e2e.play.waiting import until
from tests.lab.mesh_shop import MeshShop, mesh_shop

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

DOWN_S = 5.0
SAME_WITHIN_S = 5.0
BACK_WITHIN_S = 45.0
"""Envoy asks for its istiod again after up to 30 s, as in any mesh."""


@pytest.fixture
async def shop() -> AsyncIterator[MeshShop]:
    """A Service with two versions behind it."""
    async with mesh_shop() as shop:
        yield shop


async def test_without_istiod_traffic_goes_on_and_a_weight_written_meanwhile_is_in_force_after_it(
    shop: MeshShop,
) -> None:
    """No request fails, none goes by the new weight before istiod is back, and all do soon after."""
    client, parts = os.environ["MESH_URL"], Parts(os.environ)
    await shop.route(shop.shares(100, 0), through=[client])
    async with LoadClient(client, rate_per_s=200, headers={"host": shop.host}) as load:
        load.start()
        async with parts.without("istiod"):
            await apply(shop.virtual_service(shop.shares(0, 100)))
            await asyncio.sleep(DOWN_S)
            started_at_s = time.time()

        async def shifted() -> bool:
            return {version for _, version in await shop.answered(client, 0.1)} == {"v2"}

        await until(shifted, what="the weight is in force", within_s=BACK_WITHIN_S)
        in_force_at_s = time.time()
        await load.stop()
    print(f"in force {in_force_at_s - started_at_s:.1f} s after istiod was started again")
    assert {(record.status, record.error) for record in load.records} == {(200, "")}
    assert {record.version for record in load.records if record.done_at_s < started_at_s} == {"v1"}
    assert load.records[-1].version == "v2"


@pytest.mark.parametrize("part", ["client", "prometheus", "envoy"])
async def test_a_part_comes_back_as_another_process(part: str, shop: MeshShop) -> None:
    """It is ready again; a sidecar is the same pod's, with the same routes."""
    parts, client = Parts(os.environ), os.environ["MESH_URL"]
    await shop.route(shop.shares(0, 100), through=[client])
    before = parts.pid(part)
    async with parts.without(part):
        pass
    assert parts.pid(part) not in {0, before}

    async def same() -> bool:
        return (await shop.answered(client, 0.2)).keys() == {(200, "v2")}

    # On a busy machine a proxy that has just come back may give a 503 before its first connection stands.
    await until(same, what="all requests go by the same routes", within_s=SAME_WITHIN_S)


async def test_a_part_that_the_lab_is_lost_without_is_not_stopped() -> None:
    """The refusal names those that can be."""
    with pytest.raises(LabError, match=r"kwok can't be stopped.*istiod"):
        await Parts(os.environ).stop("kwok")
