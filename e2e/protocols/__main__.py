"""The command line: three Canaries, three protocols, two releases each, in one lab.

Exit status 0 when every expectation was met, 1 when one was not, 130 when it was broken off.
"""

from __future__ import annotations

import sys

from e2e.play.program import Program, main_of
from e2e.protocols.judge import figure_lines

PROGRAM = Program("protocols", "e2e.protocols.inside", "releases", figure_lines)


def main() -> int:
    """Run as the arguments say."""
    return main_of(PROGRAM, __doc__ or "")


if __name__ == "__main__":
    sys.exit(main())
