"""How long the commands take to start, and what those that talk to a cluster do beyond importing their library.

Each is started again and again as a process of its own, and the best start by the clock is held against the limit: the
others had company on the machine. They take turns, and who is above the limit gets more tries. The time on the
processor is printed beside it. Python's bytecode is there, as it is where a program was installed. Commands that talk
to a cluster run against the embedded one; what `import kubernetes_asyncio` takes by itself, measured in the same turns,
is taken off. Exit status 1 if one is above its limit. Run with `make bench-cli`.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import ClientSession

from rollouts.api.resources import CANARIES
from rollouts.embedded import serving, write_kubeconfig
from rollouts.testing.memory_server import MemoryServer
from tests.cli.conftest import CANARY, SHOP

LIMIT_S = 0.25
ROUNDS = 5
"""Starts of each."""
MOST = 25
"""Starts of one that is above the limit."""
IMPORT = ("-c", "import gc; gc.disable(); import kubernetes_asyncio.client, kubernetes_asyncio.config; gc.freeze()")
"""In the way in which the commands do it, without a search for garbage: else they would be credited with that."""
COMPLETE = {"_ROLLOUTS_COMPLETE": "complete_bash", "COMP_WORDS": "rollouts st", "COMP_CWORD": "1"}
STARTS: Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]] = {
    "--help": (("--help",), {}),
    "get --help": (("get", "--help"), {}),
    "status --help": (("status", "--help"), {}),
    "completion bash": (("completion", "bash"), {}),
    "a TAB in bash": ((), COMPLETE),
    "a TAB for a flag": ((), COMPLETE | {"COMP_WORDS": "rollouts get --", "COMP_CWORD": "2"}),
    "lint --help": (("lint", "--help"), {}),
    "convert --help": (("convert", "--help"), {}),
}
TALKS: Mapping[str, tuple[str, ...]] = {
    "get": ("get",),
    "get -o wide -A": ("get", "-o", "wide", "-A"),
    "describe": ("describe", "shop"),
    "status": ("status", "shop"),
    "events": ("events",),
    "history": ("history", "shop"),
    "pause --no-wait": ("pause", "shop", "--no-wait"),
}


@dataclass(frozen=True, slots=True)
class Took:
    """How long a process took, in seconds; the least of all its starts, each for itself."""

    wall_s: float = 0.0
    cpu_s: float = 0.0

    def least(self, other: Took) -> Took:
        """The best of both."""
        return Took(min(self.wall_s, other.wall_s), min(self.cpu_s, other.cpu_s))

    def beyond(self, other: Took) -> Took:
        """What it took more."""
        return Took(self.wall_s - other.wall_s, self.cpu_s - other.cpu_s)


@dataclass(frozen=True, slots=True)
class Start:
    """What is started."""

    words: tuple[str, ...]
    environment: Mapping[str, str]

    def once(self) -> Took:
        """Start it, and wait for its end."""
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            [sys.executable, *self.words], env=self.environment, capture_output=True, timeout=60, check=False
        )
        wall_s, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode not in {0, 2}:  # `status` of a release that runs is 2
            raise RuntimeError(f"{self.words}: {done.stderr.decode()}")
        return Took(wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> int:
    """Measure all of them."""
    print(f"best of {ROUNDS} starts, {MOST} of those above the limit of {LIMIT_S:.2f} s")
    with _installed() as environment:
        starts = {
            name: Start(("-m", "rollouts", *words), {**environment, **more}) for name, (words, more) in STARTS.items()
        }
        best, _ = _measured(starts, None)
        print("  without a cluster:")
        slow = sum(_told(name, took) for name, took in best.items())
        slow += asyncio.run(_talking(environment))
    print("above the limit: " + (str(slow) if slow else "none"))
    return 1 if slow else 0


@contextmanager
def _installed() -> Iterator[dict[str, str]]:
    """The environment in which all bytecode is kept, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        yield {**kept, "PYTHONPYCACHEPREFIX": folder}


async def _talking(environment: Mapping[str, str]) -> int:
    """Those that talk to a cluster, which this process is."""
    server = MemoryServer(lambda: datetime.now(UTC))
    with tempfile.TemporaryDirectory() as folder:
        async with serving(server) as url:
            path = Path(folder) / "kubeconfig"
            write_kubeconfig(path, url)
            async with ClientSession(url) as session:
                await session.post(CANARIES.path(namespace=SHOP.namespace), json=CANARY)
            server.set_status(CANARIES, SHOP, {
                "phase": "Progressing", "observedGeneration": 1, "lastAppliedSpec": "a" * 16, "stepIndex": 1,
            })  # fmt: skip
            reaching = {**environment, "KUBECONFIG": str(path)}
            starts = {name: Start(("-m", "rollouts", *words), reaching) for name, words in TALKS.items()}
            best, imported = await asyncio.to_thread(_measured, starts, Start(IMPORT, environment))
    print(f"  with one, beyond the {imported.wall_s:.2f} s of importing kubernetes_asyncio:")
    return sum(_told(name, took.beyond(imported)) for name, took in best.items())


def _measured(starts: Mapping[str, Start], beside: Start | None) -> tuple[dict[str, Took], Took]:
    """The best of each, and of what is to be taken off. The first start of each writes bytecode and does not count."""
    for start in (*starts.values(), *([beside] if beside else [])):
        start.once()
    best: dict[str, Took] = {}
    least = beside.once() if beside else Took()
    for number in range(MOST):
        for name, start in starts.items():
            if number < ROUNDS or best[name].beyond(least).wall_s > LIMIT_S:
                took = start.once()
                best[name] = best.get(name, took).least(took)
        least = least.least(beside.once()) if beside else least
    return best, least


def _told(name: str, took: Took) -> bool:
    """Print it. Whether it is above the limit."""
    of_limit = took.wall_s / LIMIT_S
    print(f"    {name:18} {took.wall_s:5.2f} s   {of_limit:5.2f} of the limit   ({took.cpu_s:.2f} s on the processor)")
    return took.wall_s > LIMIT_S


if __name__ == "__main__":
    sys.exit(main())
