"""The tables of exit codes that scripts rely on, held against the codes."""

from __future__ import annotations

import re
from pathlib import Path

from rollouts.cli import exits

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
OF_STATUS = {"USAGE", "UNREACHED"}
"""What `status` has beside the others' codes, whose 2 means something else there."""


def test_the_tables_have_each_code_once() -> None:
    """One for `status`, one for the other commands."""
    codes = {name: value for name, value in vars(exits).items() if name.isupper()}
    _, *parts = re.split(r"^\| exit code \|", PAGE, flags=re.MULTILINE)
    of_status, of_others = ([int(code) for code in re.findall(r"^\| (\d+) \|", part, re.MULTILINE)] for part in parts)

    assert sorted(of_status) == sorted(codes.values())
    assert sorted(of_others) == sorted(value for name, value in codes.items() if name not in OF_STATUS)
