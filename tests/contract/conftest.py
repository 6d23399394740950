from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contract.clusters import FACTORIES, Arranged, Factory


@pytest.fixture(params=FACTORIES)
async def arranged(request: pytest.FixtureRequest) -> AsyncIterator[Arranged]:
    """Each cluster in turn."""
    factory: Factory = request.param
    async with factory() as made:
        yield made
