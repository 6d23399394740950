"""The command line: all stories in a lab of their own, or one of them.

Exit status 0 when every expectation was met, 1 when one was not, 130 when it was broken off.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

from e2e.play.program import Act, Program, parser_of, run
from e2e.strategies.playbook import STORIES
from e2e.strategies.report import figure_lines

PROGRAM = Program("strategies", "e2e.strategies.inside", "runs", figure_lines)
_SEEDS = 1_000_000


def main() -> int:
    """Run as the arguments say."""
    parser = parser_of(PROGRAM, description=__doc__, out=Path(".out/strategies.json"))
    parser.add_argument("--only", choices=sorted(STORIES), default="all", help="play one story")
    parser.add_argument("--seed", type=int, default=Random().randrange(_SEEDS), help="when the controller is killed")
    arguments = parser.parse_args()
    print(f"strategies: seed {arguments.seed}", flush=True)
    return run(PROGRAM, [Act(arguments.dir, "istio", arguments.only, ("--seed", str(arguments.seed)))], arguments)


if __name__ == "__main__":
    sys.exit(main())
