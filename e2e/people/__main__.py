"""The command line: the whole story of people, or the releases that are named, in one lab.

Exit status 0 when every expectation was met, 1 when one was not, 130 when it was broken off.
"""

from __future__ import annotations

import sys
from pathlib import Path

from e2e.people.plan import RELEASES
from e2e.people.report import figure_lines
from e2e.play.program import Act, Program, parser_of, run

PROGRAM = Program("people", "e2e.people.inside", "releases", figure_lines)


def main() -> int:
    """Run as the arguments say."""
    parser = parser_of(PROGRAM, description=__doc__ or "", out=Path(".out/people.json"))
    names = [release.name for release in RELEASES]
    parser.add_argument("--only", choices=names, action="append", help="play this one; may be repeated")
    arguments = parser.parse_args()
    words = tuple(word for name in arguments.only or () for word in ("--only", name))
    return run(PROGRAM, [Act(arguments.dir, "istio", "all", words)], arguments)


if __name__ == "__main__":
    sys.exit(main())
