"""The command line. Exit status 0 when every expectation was met, 1 when one was not, 130 when it was broken off."""

from __future__ import annotations

import sys
from pathlib import Path

from e2e.handover.judge import figure_lines
from e2e.play.program import Act, Program, parser_of, run

PROGRAM = Program("hand-over", "e2e.handover.inside", "hand-overs", figure_lines)


def main() -> int:
    """Run as the arguments say."""
    arguments = parser_of(PROGRAM, description=__doc__ or "", out=Path(".out/handover.json"))
    arguments.add_argument("--rounds", type=int, default=5, help="how often each of the four ways is taken")
    asked = arguments.parse_args()
    return run(PROGRAM, [Act(asked.dir, "core", "all", ("--rounds", str(asked.rounds)))], asked)


if __name__ == "__main__":
    sys.exit(main())
