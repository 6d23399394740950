"""The command line: all mishaps, in one lab.

Exit status 0 when every expectation was met, 1 when one was not, 130 when it was broken off.
"""

from __future__ import annotations

import sys

from e2e.mishaps.judge import figure_lines
from e2e.mishaps.mishap import MISHAPS
from e2e.play.program import Program, main_of_named

PROGRAM = Program("mishaps", "e2e.mishaps.inside", "mishaps", figure_lines)


def main() -> int:
    """Run as the arguments say."""
    return main_of_named(PROGRAM, __doc__, [mishap.name for mishap in MISHAPS])


if __name__ == "__main__":
    sys.exit(main())
