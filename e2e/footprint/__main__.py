"""The command line: one lab, a minute of rest, a release of all.

Exit status 0 when the process stays within what deploy/base/deployment.yaml asks for, 1 when not.
"""

from __future__ import annotations

import sys

from e2e.footprint.judge import figure_lines
from e2e.play.program import Program, main_of

PROGRAM = Program("footprint", "e2e.footprint.inside", "footprints", figure_lines)


def main() -> int:
    """Run as the arguments say."""
    return main_of(PROGRAM, __doc__ or "")


if __name__ == "__main__":
    sys.exit(main())
