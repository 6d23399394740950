"""Two processes of the real program on one API server: one works, the other takes over when that one ends or is frozen.

The times in the lab, with a real API server and the default Lease, are `docs/high-availability.md`'s; here a short one.
"""

from __future__ import annotations

import asyncio
import re
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen

import pytest

from rollouts.api.resources import CANARIES, LEASES, ObjectKey
from rollouts.embedded import serving, write_kubeconfig
from rollouts.embedded.furnish import furnish
from rollouts.testing.memory_server import MemoryServer
from tests.app.test_controller import controller, get
from tests.engine.world import canary_manifest

LEASE_S = 5
SLACK_S = 4.0
"""For a machine that has other things to do."""

Process = tuple[Popen[bytes], int]


async def leads(process: Process) -> bool:
    """Whether that one says that it works."""
    _, text = await asyncio.to_thread(get, process[1], "/metrics")
    return re.search(r"^rollouts_leader 1\.0$", text, re.MULTILINE) is not None


async def until_leads(process: Process, within_s: float) -> float:
    """How long it takes until that one works."""
    began_s = time.monotonic()
    async with asyncio.timeout(within_s):
        while not await leads(process):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    return time.monotonic() - began_s


async def until_ready(process: Process) -> None:
    """Also the one that stands by is ready."""
    async with asyncio.timeout(30):
        while (await asyncio.to_thread(get, process[1], "/readyz"))[0] != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[MemoryServer]:
    """An API server, and `config` to reach it by."""
    memory = MemoryServer(lambda: datetime.now(UTC))
    furnish(memory)
    async with serving(memory) as url:
        write_kubeconfig(tmp_path / "config", url)
        yield memory


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("signum", "within_s"),
    [(signal.SIGTERM, 3.0), (signal.SIGKILL, LEASE_S + SLACK_S), (signal.SIGSTOP, LEASE_S + SLACK_S)],
    ids=["asked to end", "killed", "frozen"],
)
async def test_the_other_one_takes_over(
    server: MemoryServer, tmp_path: Path, signum: signal.Signals, within_s: float
) -> None:
    """Within 3 s of the request to end, else when the Lease has run out; and the Lease of the other is gone."""
    with ExitStack() as stack:

        def start(name: str) -> Process:
            settings = {"kubeconfig": tmp_path / "config", "listen": "127.0.0.1:0", "identity": name}
            return stack.enter_context(controller(tmp_path / name, **settings, lease_s=LEASE_S))

        first = await asyncio.to_thread(start, "one")
        await until_leads(first, 30)
        second = await asyncio.to_thread(start, "two")
        await until_ready(second)
        assert not await leads(second)
        first[0].send_signal(signum)
        took_s = await until_leads(second, within_s)
        print(f"{signum.name}: {took_s:.2f} s")
        assert server.stored(LEASES, ObjectKey("rollouts-system", "rollouts-one")) is None


async def shown(process: Process) -> set[str]:
    """The Canaries that have series there."""
    _, text = await asyncio.to_thread(get, process[1], "/metrics")
    return set(re.findall(r'^rollouts_canary_[a-z_]+{.*name="([^"]+)"', text, re.MULTILINE))


async def until_shown(wanted: Callable[..., bool], *processes: Process) -> None:
    """Until what each of them shows is as wanted."""
    async with asyncio.timeout(30):
        while not wanted(*[await shown(one) for one in processes]):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest.mark.timeout(120)
async def test_each_canary_has_its_series_at_one_replica(server: MemoryServer, tmp_path: Path) -> None:
    """Those that another replica takes over lose them where they had been; one that is deleted has them nowhere."""
    names = {f"app{number}" for number in range(12)}
    for name in names:
        server.put(CANARIES, canary_manifest(name))
    with ExitStack() as stack:

        def start(name: str) -> Process:
            settings = {"kubeconfig": tmp_path / "config", "listen": "127.0.0.1:0", "identity": name, "sharding": True}
            return stack.enter_context(controller(tmp_path / name, **settings, lease_s=LEASE_S))

        one = await asyncio.to_thread(start, "one")
        await until_shown(lambda ours: bool(ours == names), one)
        two = await asyncio.to_thread(start, "two")
        await until_shown(lambda ours, theirs: bool(theirs) and ours | theirs == names and not ours & theirs, one, two)
        gone = min(await shown(two))
        server.delete(CANARIES, ObjectKey(canary_manifest()["metadata"]["namespace"], gone))
        await until_shown(lambda ours, theirs: ours | theirs == names - {gone}, one, two)
        one[0].send_signal(signal.SIGTERM)
        await until_shown(lambda theirs: bool(theirs == names - {gone}), two)
        _, text = await asyncio.to_thread(get, two[1], "/metrics")
        assert not re.search(r"_created\b", text)
