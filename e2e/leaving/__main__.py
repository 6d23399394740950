"""The command line: each way to leave, in one lab.

Exit status 0 when every expectation was met, 1 when one was not, 130 when it was broken off.
"""

from __future__ import annotations

import sys

from e2e.leaving.judge import figure_lines
from e2e.leaving.runs import WAYS
from e2e.play.program import Program, main_of_named

PROGRAM = Program("leaving", "e2e.leaving.inside", "leavings", figure_lines)


def main() -> int:
    """Run as the arguments say."""
    return main_of_named(PROGRAM, __doc__, sorted(WAYS))


if __name__ == "__main__":
    sys.exit(main())
