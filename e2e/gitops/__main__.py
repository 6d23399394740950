"""The command line: syncs as `kubectl apply` does them, and as `kubectl apply --server-side --force-conflicts` does;
and a tool that compares and heals in either way, with all that deploy/ has for it and without.

Exit status 0 when every expectation was met, 1 when one was not, 130 when it was broken off.
"""

from __future__ import annotations

import sys
from pathlib import Path

from e2e.gitops.drifting import MODE as DRIFT
from e2e.gitops.inserted import INSERTED
from e2e.gitops.report import figure_lines
from e2e.gitops.sync import WAYS
from e2e.play.program import Act, Program, parser_of, run

PROGRAM = Program("gitops", "e2e.gitops.inside", "runs", figure_lines)


def main() -> int:
    """Run as the arguments say."""
    parser = parser_of(PROGRAM, description=__doc__, out=Path(".out/gitops.json"))
    parser.add_argument(
        "--only",
        choices=sorted((*WAYS, *INSERTED, DRIFT)),
        action="append",
        help="play this one; may be repeated",
    )
    arguments = parser.parse_args()
    modes = (*WAYS, *INSERTED, DRIFT)
    acts = [Act(arguments.dir / name, "istio", name) for name in modes if name in (arguments.only or modes)]
    return run(PROGRAM, acts, arguments)


if __name__ == "__main__":
    sys.exit(main())
