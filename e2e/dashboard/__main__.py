"""The command line. Exit status 0 when every expectation was met, 1 when one was not, 130 when it was broken off."""

from __future__ import annotations

import sys

from e2e.dashboard.judge import figure_lines
from e2e.play.program import Program, main_of

PROGRAM = Program("dashboard", "e2e.dashboard.inside", "queries", figure_lines)

if __name__ == "__main__":
    sys.exit(main_of(PROGRAM, __doc__ or ""))
