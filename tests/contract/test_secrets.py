"""What the engine relies on in `ports.Secrets`: the same cases for the double in memory and for a real API server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rollouts.errors import Forbidden
from tests.contract.secret_readers import FACTORIES, Arranged, Factory


@pytest.fixture(params=FACTORIES)
async def arranged(request: pytest.FixtureRequest) -> AsyncIterator[Arranged]:
    """Each reader in turn."""
    factory: Factory = request.param
    async with factory() as made:
        yield made


async def test_values_come_as_bytes(arranged: Arranged) -> None:
    """Decoded, whatever they are, and by their keys."""
    data = {"token": b"Bearer x\n", "raw": bytes(range(256)), "empty": b""}
    await arranged.owner.make("hook", data)

    assert await arranged.secrets.secret(arranged.namespace, "hook") == data


async def test_a_secret_may_be_empty(arranged: Arranged) -> None:
    """Then it has no keys, and is there."""
    await arranged.owner.make("hook", None)

    assert await arranged.secrets.secret(arranged.namespace, "hook") == {}


@pytest.mark.parametrize("namespace", ["", "-elsewhere"], ids=["in the namespace", "nor the namespace"])
async def test_what_is_not_there_is_none(arranged: Arranged, namespace: str) -> None:
    """Absence is a value."""
    assert await arranged.secrets.secret(arranged.namespace + namespace, "hook") is None


async def test_the_whole_object_can_be_had(arranged: Arranged) -> None:
    """With its data as the server encodes it, or None where there is none."""
    await arranged.owner.make("hook", {"token": b"x"})

    found = await arranged.secrets.manifest(arranged.namespace, "hook")
    assert found is not None
    assert (found["metadata"]["name"], found["data"]) == ("hook", {"token": "eA=="})
    assert await arranged.secrets.manifest(arranged.namespace, "other") is None


async def test_a_missing_right_is_named(arranged: Arranged) -> None:
    """As RBAC writes it, and also where there is nothing to read."""
    arranged.owner.forbid()

    with pytest.raises(Forbidden) as refused:
        await arranged.secrets.secret(arranged.namespace, "hook")
    assert (refused.value.verb, refused.value.resource, refused.value.status) == ("get", "secrets", 403)
