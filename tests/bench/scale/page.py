"""docs/scale.md: the page, of which the tables between marks are written by the commands that print them."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "scale.md"


def write(mark: str, table: str, path: Path = PAGE) -> None:
    """Put a table where the page has `<!-- MARK -->`, in place of what is there up to `<!-- /MARK -->`."""
    text = path.read_text(encoding="utf-8")
    between = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)", re.DOTALL)
    if not between.search(text):
        raise ValueError(f"{path} has no place for {mark}")
    path.write_text(between.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text), encoding="utf-8")
