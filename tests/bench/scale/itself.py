"""What the controller needs for 100 Canaries, against the figures that it has to keep: `make bench-self`.

The program is a process of its own, as it is shipped; the API server, the controllers of Deployments and the Prometheus
are in this one, which counts what reaches it. Time is real, and so is the processor's. Exit status 1 if a figure is
above its limit; `--write` puts the table into docs/scale.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rollouts.demo.clock import WallClock
from rollouts.telemetry.logging import set_up_logging
from tests.bench.scale import figures, page
from tests.bench.scale.figures import Figure
from tests.bench.scale.ground import Ground, grounded
from tests.bench.scale.measuring import Measuring
from tests.bench.scale.real import answering

CANARIES, FURTHER = 100, 100
CRDS = Path(__file__).resolve().parents[3] / "crds"
KIB = 1024


def main(words: list[str] | None = None) -> int:
    """Measure all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--canaries", type=int, default=CANARIES)
    parser.add_argument(
        "--further", type=int, default=FURTHER, help="Canaries that are added, twice, for the memory of one"
    )
    parser.add_argument("--write", action="store_true", help="write the table into docs/scale.md")
    asked = parser.parse_args(words)
    set_up_logging("error")
    before = os.getloadavg()[1]
    with tempfile.TemporaryDirectory() as folder:
        measured = asyncio.run(_measured(Path(folder), asked.canaries, asked.further))
    measured.append(_machine(before))
    print(figures.line(measured[-1]))
    print("\n".join(figures.elsewhere()))
    broken = [figure.name for figure in measured if figure.broken]
    print(f"above the limit: {', '.join(broken) or 'none'}")
    if asked.write:
        page.write("self", figures.table(measured))
    return 1 if broken else 0


async def _measured(folder: Path, size: int, further: int) -> list[Figure]:
    ground = Ground(WallClock(), folder, size + 2 * further)
    async with grounded(ground), answering(ground.prometheus) as url:
        measured = [*_crds()]
        async for figure in Measuring(ground, url, size).figures():
            print(figures.line(figure), flush=True)  # at once: what comes later may fail
            measured.append(figure)
        return measured


def _machine(load_before: float) -> Figure:
    """Times and the processor's are worth what it had to spare."""
    note = f"of 5 minutes, before {load_before:.1f}; {os.cpu_count()} processors"
    return Figure("load of the machine at the end", os.getloadavg()[1], None, note=note)


def _crds() -> Iterator[Figure]:
    largest = max(CRDS.glob("*.yaml"), key=lambda file: file.stat().st_size)
    yield Figure("the largest CRD", largest.stat().st_size / KIB, 200, "KiB", largest.stem)


if __name__ == "__main__":
    sys.exit(main())
