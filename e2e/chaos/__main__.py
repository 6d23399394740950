"""The command line: all faults, or those that are named, in one lab.

With --resume what passed on this very commit before is not played again, with --kept nothing is; with --write the table
of docs/reliability.md is written, from all faults' last outcomes. Exit status 0 when every expectation was met, 1 when
one was not, 130 when it was broken off.
"""

from __future__ import annotations

import sys
from pathlib import Path

from e2e.chaos import parts
from e2e.chaos.fault import FAULTS
from e2e.chaos.table import PAGE, figure_lines, table, with_table
from e2e.play.program import Act, Program, parser_of, run

PROGRAM = Program("chaos", "e2e.chaos.inside", "faults", figure_lines)


def main() -> int:
    """Run as the arguments say."""
    parser = parser_of(PROGRAM, description=__doc__ or "", out=Path(".out/chaos.json"))
    names = [fault.name for fault in FAULTS]
    parser.add_argument("--only", choices=names, action="append", help="play this one; may be repeated")
    parser.add_argument("--resume", action="store_true", help="leave out what passed on this commit")
    parser.add_argument(
        "--kept", action="store_true", help="play nothing: for --write, from parts of other commits too"
    )
    parser.add_argument("--write", action="store_true", help=f"write the table of {PAGE.name}")
    asked = parser.parse_args()
    folder, at, status = parts.PARTS.absolute(), parts.commit(), 0
    due = [name for name in asked.only or names if not (asked.resume and parts.passed(parts.read(folder, name), at))]
    if asked.kept:
        print("chaos: nothing is played")
    elif due:
        words = ["--parts", str(folder), "--at", at, *(word for name in due for word in ("--only", name))]
        status = run(PROGRAM, [Act(asked.dir, "istio", "all", tuple(words))], asked)
    else:
        print(f"chaos: all {len(asked.only or names)} faults passed before, on {at}")
    return status or (_write(folder) if asked.write else 0)


def _write(folder: Path) -> int:
    """The table from all faults' last outcomes; not if one is missing or was not passed."""
    found = {fault.name: parts.read(folder, fault.name) for fault in FAULTS}
    sound = {name: part for name, part in found.items() if part and all(one["ok"] for one in part["results"])}
    if missing := [name for name in found if name not in sound]:
        print(f"chaos: the table is not written: {', '.join(missing)} not played, or not passed", file=sys.stderr)
        return 1
    lines = table({name: part["figure"] for name, part in sound.items()})
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), lines), encoding="utf-8")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
