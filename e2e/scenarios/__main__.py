"""The command line: all scenarios, each in a lab of its own, or one of them.

Exit status 0 when every expectation was met, 1 when one was not, 130 when it was broken off.
"""

from __future__ import annotations

import sys
from pathlib import Path

from e2e.play.program import Act, Program, parser_of, run
from e2e.scenarios.playbook import STAGES
from e2e.scenarios.report import figure_lines

PROGRAM = Program("scenarios", "e2e.scenarios.inside", "runs", figure_lines)


def main() -> int:
    """Run as the arguments say."""
    parser = parser_of(PROGRAM, description=__doc__, out=Path(".out/scenarios.json"))
    parser.add_argument("--only", choices=sorted(STAGES), action="append", help="play this scenario; may be repeated")
    arguments = parser.parse_args()
    acts = [Act(arguments.dir / name, "istio", name) for name in STAGES if name in (arguments.only or STAGES)]
    return run(PROGRAM, acts, arguments)


if __name__ == "__main__":
    sys.exit(main())
