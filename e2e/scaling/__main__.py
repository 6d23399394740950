"""The command line: all stories in a lab of their own.

Exit status 0 when every expectation was met, 1 when one was not, 130 when it was broken off.
"""

from __future__ import annotations

import sys

from e2e.play.program import Program, main_of
from e2e.scaling.report import figure_lines

PROGRAM = Program("scaling", "e2e.scaling.inside", "runs", figure_lines)


if __name__ == "__main__":
    sys.exit(main_of(PROGRAM, __doc__))
