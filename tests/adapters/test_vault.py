from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from rollouts.errors import Forbidden, KubeError, Unavailable
from rollouts.metrics.vault import DOUBTED, FRESH, SECRETS_MAX, USABLE, Vault
from tests.adapters.source_doubles import HandClock

SECOND = timedelta(seconds=1)


class Shelf:
    """Implements `ports.Secrets`: one Secret for all names, and how often somebody has looked."""

    def __init__(self) -> None:
        self.data: Mapping[str, bytes] | None = {"token": b"1"}
        self.trouble: KubeError | None = None
        self.looks = 0

    async def secret(self, namespace: str, name: str) -> Mapping[str, bytes] | None:  # noqa: ARG002 - all are one
        self.looks += 1
        await asyncio.sleep(0)
        if self.trouble is not None:
            raise self.trouble
        return self.data

    async def manifest(self, namespace: str, name: str) -> Any:
        return {"metadata": {"namespace": namespace, "name": name}}


@pytest.fixture
def shelf() -> Shelf:
    """With a token."""
    return Shelf()


@pytest.fixture
def clock() -> HandClock:
    """One that stands still."""
    return HandClock()


@pytest.fixture
def vault(shelf: Shelf, clock: HandClock) -> Vault:
    """Before the shelf."""
    return Vault(shelf, clock)


async def test_a_secret_is_read_once_for_all_who_ask_in_time(vault: Vault, shelf: Shelf, clock: HandClock) -> None:
    """At once or a little later; then its new content counts."""
    found = await asyncio.gather(*(vault.secret("ns", "a") for _ in range(10)))
    shelf.data = {"token": b"2"}
    clock.at += FRESH - SECOND
    assert [*found, await vault.secret("ns", "a")] == [{"token": b"1"}] * 11
    assert shelf.looks == 1
    clock.at += SECOND
    assert await vault.secret("ns", "a") == {"token": b"2"}
    await vault.secret("other", "a")
    assert shelf.looks == 3


async def test_after_a_refusal_it_is_looked_at_sooner(vault: Vault, shelf: Shelf, clock: HandClock) -> None:
    """But not at each question: what was read after the refusal is as good as ever."""
    await vault.secret("ns", "a")
    shelf.data = {"token": b"2"}
    vault.doubt()
    assert await vault.secret("ns", "a") == {"token": b"1"}
    clock.at += DOUBTED
    assert await vault.secret("ns", "a") == {"token": b"2"}
    clock.at += FRESH - SECOND
    await vault.secret("ns", "a")
    assert shelf.looks == 2


async def test_while_the_api_server_is_away_the_last_content_counts(
    vault: Vault, shelf: Shelf, clock: HandClock
) -> None:
    """For a while, and each time it is asked again."""
    await vault.secret("ns", "a")
    shelf.trouble = Unavailable("away")
    clock.at += FRESH
    assert await vault.secret("ns", "a") == {"token": b"1"}
    clock.at += USABLE
    with pytest.raises(Unavailable):
        await vault.secret("ns", "a")
    assert shelf.looks == 3


@pytest.mark.parametrize("trouble", [None, Forbidden("no right")], ids=["deleted", "forbidden"])
async def test_a_secret_that_is_taken_away_counts_no_more(
    vault: Vault, shelf: Shelf, clock: HandClock, trouble: KubeError | None
) -> None:
    """From the next look on; and when it is back, at once."""
    await vault.secret("ns", "a")
    shelf.data, shelf.trouble = None, trouble
    clock.at += FRESH
    if trouble is None:
        assert await vault.secret("ns", "a") is None
    else:
        with pytest.raises(Forbidden):
            await vault.secret("ns", "a")
    shelf.data, shelf.trouble = {"token": b"3"}, None
    assert await vault.secret("ns", "a") == {"token": b"3"}


async def test_it_does_not_grow_for_ever(vault: Vault, shelf: Shelf) -> None:
    """The one that nobody has wanted for longest is forgotten."""
    for number in range(SECRETS_MAX):
        await vault.secret("ns", str(number))
    await vault.secret("ns", "0")
    await vault.secret("ns", "new")
    looks = shelf.looks
    await vault.secret("ns", "0")
    assert shelf.looks == looks
    await vault.secret("ns", "1")
    assert shelf.looks == looks + 1


async def test_whole_secrets_and_reprs_are_never_kept_or_shown(vault: Vault) -> None:
    """A manifest is handed on; what is kept has no repr."""
    await vault.secret("ns", "a")
    assert await vault.manifest("ns", "a") == {"metadata": {"namespace": "ns", "name": "a"}}
    assert "b'1'" not in repr(vars(vault))
