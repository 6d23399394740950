"""How long the commands take to start, and what those that talk to a cluster do beyond importing their library.

Each is started several times as a process of its own, and the best counts. What is held against the limit is the time
on the processor, the system's part included: on a machine with nothing else to do that is how long it takes, and on
one that is shared it does not count the company. The time by the clock is printed beside it.
Commands that talk to a cluster run against the embedded one; what `import kubernetes_asyncio` takes by itself, measured
in the same run, is taken off. Exit status 1 if one is above its limit. Run with `make bench-cli`.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import ClientSession

from rollouts.api.resources import CANARIES
from rollouts.cli.main import app
from rollouts.embedded import serving, write_kubeconfig
from rollouts.testing.memory_server import MemoryServer
from tests.cli.conftest import CANARY, SHOP

LIMIT_S = 0.25
ROUNDS = 5
IMPORT = ("-c", "import kubernetes_asyncio.client, kubernetes_asyncio.config")
COMPLETE = {"_ROLLOUTS_COMPLETE": "complete_bash", "COMP_WORDS": "rollouts st", "COMP_CWORD": "1"}
STARTS: Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]] = {
    "--help": (("--help",), {}),
    "get --help": (("get", "--help"), {}),
    "status --help": (("status", "--help"), {}),
    "completion bash": (("completion", "bash"), {}),
    "a TAB in bash": ((), COMPLETE),
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
    """How long a process took, in seconds."""

    cpu_s: float = 0.0
    wall_s: float = 0.0


def main() -> int:
    """Measure all of them."""
    known = {str(command.name or getattr(command.callback, "__name__", "")) for command in app.registered_commands}
    print(f"best of {ROUNDS} starts; limit {LIMIT_S:.2f} s")
    print("  without a cluster:")
    slow = 0
    for name, (words, environment) in STARTS.items():
        command = name.split()[0]
        if command in {"lint", "convert"} and command not in known:
            print(f"    {name:18} not there yet")
            continue
        slow += _told(name, _best(("-m", "rollouts", *words), environment), Took())
    slow += asyncio.run(_talking())
    print("above the limit: " + (str(slow) if slow else "none"))
    return 1 if slow else 0


async def _talking() -> int:
    """Those that talk to a cluster, which this process is."""
    server, slow = MemoryServer(lambda: datetime.now(UTC)), 0
    with tempfile.TemporaryDirectory() as folder:
        async with serving(server) as url:
            path = Path(folder) / "kubeconfig"
            write_kubeconfig(path, url)
            async with ClientSession(url) as session:
                await session.post(CANARIES.path(namespace=SHOP.namespace), json=CANARY)
            server.set_status(CANARIES, SHOP, {
                "phase": "Progressing", "observedGeneration": 1, "lastAppliedSpec": "a" * 16, "stepIndex": 1,
            })  # fmt: skip
            environment = {"KUBECONFIG": str(path)}
            imported = await asyncio.to_thread(_best, IMPORT, {})
            print(f"  with one, beyond the {imported.cpu_s:.2f} s of importing kubernetes_asyncio:")
            for name, words in TALKS.items():
                took = await asyncio.to_thread(_best, ("-m", "rollouts", *words), environment)
                slow += _told(name, took, imported)
    return slow


def _told(name: str, took: Took, beside: Took) -> bool:
    """Print it, without what is beside it. Whether it is above the limit."""
    cpu_s = took.cpu_s - beside.cpu_s
    of_limit = cpu_s / LIMIT_S
    print(f"    {name:18} {cpu_s:5.2f} s   {of_limit:5.2f} of the limit   (by the clock {took.wall_s:.2f} s in all)")
    return cpu_s > LIMIT_S


def _best(words: tuple[str, ...], environment: Mapping[str, str]) -> Took:
    """The least of all rounds, of both times."""
    took = []
    for _ in range(ROUNDS):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            [sys.executable, *words], env={**os.environ, **environment}, capture_output=True, timeout=60, check=False
        )
        wall_s, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode not in {0, 2}:  # `status` of a release that runs is 2
            raise RuntimeError(f"{words}: {done.stderr.decode()}")
        took.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall_s))
    return Took(min(cpu for cpu, _ in took), min(wall for _, wall in took))


if __name__ == "__main__":
    sys.exit(main())
