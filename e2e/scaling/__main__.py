"""The command line: the stories beside a HorizontalPodAutoscaler, and those beside KEDA's ScaledObject.

Exit status 0 when every expectation was met, 1 when one was not, 130 when it was broken off.
"""

from __future__ import annotations

import sys
from pathlib import Path

from e2e.play.program import Act, Program, parser_of, run
from e2e.scaling.modes import MODES
from e2e.scaling.report import figure_lines

PROGRAM = Program("scaling", "e2e.scaling.inside", "runs", figure_lines)


def main() -> int:
    """Run as the arguments say."""
    parser = parser_of(PROGRAM, description=__doc__, out=Path(".out/scaling.json"))
    parser.add_argument("--only", choices=MODES, action="append", help="play these stories; may be repeated")
    arguments = parser.parse_args()
    acts = [Act(arguments.dir / mode, "istio", mode) for mode in MODES if mode in (arguments.only or MODES)]
    return run(PROGRAM, acts, arguments)


if __name__ == "__main__":
    sys.exit(main())
