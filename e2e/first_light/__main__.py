"""The command line: the whole story in a lab of its own, then what a bare cluster is told in another.

Exit status 0 when every expectation was met, 1 when one was not, 130 when it was broken off.
"""

from __future__ import annotations

import sys
from pathlib import Path

from e2e.first_light.report import figure_lines
from e2e.play.program import Act, Program, parser_of, run

PROGRAM = Program("first light", "e2e.first_light.inside", "releases", figure_lines)


def main() -> int:
    """Run as the arguments say."""
    parser = parser_of(PROGRAM, description=__doc__, out=Path(".out/lab.json"))
    parser.add_argument("--quick", action="store_true", help="one good and one bad release, 5 s a step")
    parser.add_argument("--deletions", action="store_true", help="only Canaries that are deleted in mid-run")
    arguments = parser.parse_args()
    mode = "quick" if arguments.quick else "deletions" if arguments.deletions else "full"
    acts = [Act(arguments.dir, "istio", mode)]
    if mode == "full":
        acts.append(Act(arguments.dir.with_name(f"{arguments.dir.name}-core"), "core", "core"))
    return run(PROGRAM, acts, arguments)


if __name__ == "__main__":
    sys.exit(main())
