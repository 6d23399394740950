"""`python -m tests.sim --seeds 1000 [--first N] [--trace]`: run seeds, and say how to repeat what fails."""

from __future__ import annotations

import argparse
import sys
import time

from tests.sim.plan import draw
from tests.sim.world import run

SHOWN = 10


def main() -> int:
    """0 when every seed held."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--trace", action="store_true", help="print what happened")
    asked = parser.parse_args()
    began, failed, crashes, virtual_s = time.process_time(), [], 0, 0.0
    for seed in range(asked.first, asked.first + asked.seeds):
        outcomes = run(draw(seed))
        crashes += outcomes.crashes
        virtual_s += outcomes.virtual_s
        if asked.trace:
            print("\n".join(outcomes.trace))
        if outcomes.flaws:
            failed.append(seed)
            if len(failed) <= SHOWN:
                print(f"seed {seed}: {outcomes.flaws[0]}\n  repeat: {outcomes.command()}", flush=True)
    took_s = time.process_time() - began
    print(
        f"{asked.seeds} seeds, {len(failed)} failed, {crashes} deaths, {virtual_s / 3600:.0f} virtual hours: "
        f"{took_s:.1f} s of one core, {asked.seeds / took_s:.1f} seeds a second"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
