"""The command line: ten releases in a lab of their own.

Exit status 0 when every expectation was met, 1 when one was not, 130 when it was broken off.
"""

from __future__ import annotations

import sys
from pathlib import Path

from e2e.endurance.judge import figure_lines
from e2e.play.program import Act, Program, parser_of, run

PROGRAM = Program("endurance", "e2e.endurance.inside", "runs", figure_lines)


def main() -> int:
    """Run as the arguments say."""
    arguments = parser_of(PROGRAM, description=__doc__, out=Path(".out/endurance.json")).parse_args()
    return run(PROGRAM, [Act(arguments.dir, "istio", "all")], arguments)


if __name__ == "__main__":
    sys.exit(main())
