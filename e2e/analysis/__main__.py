"""The command line: all stories of real metrics, or those that are named, in one lab.

Exit status 0 when every expectation was met, 1 when one was not, 130 when it was broken off.
"""

from __future__ import annotations

import sys

from e2e.analysis.report import figure_lines
from e2e.analysis.stories import STORIES
from e2e.play.program import Program, main_of_named

PROGRAM = Program("analysis", "e2e.analysis.inside", "releases", figure_lines)


def main() -> int:
    """Run as the arguments say."""
    return main_of_named(PROGRAM, __doc__ or "", list(STORIES))


if __name__ == "__main__":
    sys.exit(main())
