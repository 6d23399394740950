"""The command line: the whole story of people, or the releases that are named, in one lab.

Exit status 0 when every expectation was met, 1 when one was not, 130 when it was broken off.
"""

from __future__ import annotations

import sys

from e2e.people.plan import RELEASES
from e2e.people.report import figure_lines
from e2e.play.program import Program, main_of_named

PROGRAM = Program("people", "e2e.people.inside", "releases", figure_lines)


def main() -> int:
    """Run as the arguments say."""
    return main_of_named(PROGRAM, __doc__ or "", [release.name for release in RELEASES])


if __name__ == "__main__":
    sys.exit(main())
