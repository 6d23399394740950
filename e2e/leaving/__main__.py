"""The command line: each way to leave, in one lab.

Exit status 0 when every expectation was met, 1 when one was not, 130 when it was broken off.
"""

from __future__ import annotations

import sys
from pathlib import Path

from e2e.leaving.judge import figure_lines
from e2e.leaving.runs import WAYS
from e2e.play.program import Act, Program, parser_of, run

PROGRAM = Program("leaving", "e2e.leaving.inside", "leavings", figure_lines)


def main() -> int:
    """Run as the arguments say."""
    parser = parser_of(PROGRAM, description=__doc__, out=Path(".out/leaving.json"))
    parser.add_argument("--only", choices=sorted(WAYS), action="append", help="leave in this way; may be repeated")
    arguments = parser.parse_args()
    words = tuple(word for name in arguments.only or () for word in ("--only", name))
    return run(PROGRAM, [Act(arguments.dir, "istio", "all", words)], arguments)


if __name__ == "__main__":
    sys.exit(main())
