"""`python -m tests.sim --seeds 1000 [--first N] [--trace]`: run seeds, and say how to repeat what fails.

`--case NAME` runs one plan of cases.py instead, `--replicas` the same seeds with replicas that take each other's place.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.sim.cases import cases
from tests.sim.draw import draw
from tests.sim.replicas import draw_replicas
from tests.sim.world import run

SHOWN = 10


def main() -> int:
    """0 when every seed held."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--trace", action="store_true", help="print what happened")
    parser.add_argument("--case", help="the name of one plan that is not drawn")
    parser.add_argument("--replicas", action="store_true", help="several replicas that share the Canaries by Leases")
    asked = parser.parse_args()
    drawn = map(draw_replicas if asked.replicas else draw, _seeds(asked))
    plans = [plan for plan in cases() if plan.name == asked.case] if asked.case else drawn
    began, failed, crashes, virtual_s, count = time.process_time(), [], 0, 0.0, 0
    for plan in plans:
        outcomes, count = run(plan), count + 1
        crashes += outcomes.crashes
        virtual_s += outcomes.virtual_s
        if asked.trace:
            print("\n".join(outcomes.trace))
        if outcomes.flaws:
            failed.append(plan.seed)
            if len(failed) <= SHOWN:
                print(
                    f"{plan.name or f'seed {plan.seed}'}: {outcomes.flaws[0]}\n  repeat: {outcomes.command()}",
                    flush=True,
                )
    took_s = time.process_time() - began
    print(
        f"{count} seeds, {len(failed)} failed, {crashes} deaths, {virtual_s / 3600:.0f} virtual hours: "
        f"{took_s:.1f} s of one core, {count / took_s:.1f} seeds a second"
    )
    return 1 if failed else 0


def _seeds(asked: argparse.Namespace) -> range:
    return range(asked.first, asked.first + asked.seeds)


if __name__ == "__main__":
    sys.exit(main())
