"""The page about refusals has every reason that the program can give, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from rollouts.engine.policies import SELECTORS
from rollouts.engine.record import REFUSALS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "refusals.md").read_text()


def _given() -> Iterator[str]:
    """The reasons that stand in the code."""
    for path in (ROOT / "rollouts").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
                if path.name == "vetting.py":
                    continue  # those that an answer brought, see below
                reason = node.args[0]
                if isinstance(reason, ast.Constant) and isinstance(reason.value, str):
                    yield reason.value
                else:
                    # What is not written there is the name of an error of the API server's, or was read from a status.
                    known = {"record.py", "reconcile.py", "conditions.py"}
                    assert path.name in known, f"{path}: a reason that nobody can look up"


def _brought() -> Iterator[str]:
    """Those that an answer about a query can bring."""
    for path in (ROOT / "rollouts" / "engine").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Rejected":
                kinds = [one for kind in node.args[1:] for one in ast.walk(kind) if isinstance(one, ast.Constant)]
                yield from (str(one.value) for one in kinds)


def test_every_reason_stands_on_the_page() -> None:
    """With what it is and the way out."""
    given = {*_given(), *_brought(), *(refusal.__name__ for refusal in REFUSALS)}
    lines = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
    assert {reason for reason, _, _ in lines} == given
    assert len(lines) == len(given)


def test_every_kind_that_is_looked_at_is_named() -> None:
    """The list of policies is the program's."""
    assert [resource.kind for resource in SELECTORS if resource.kind not in PAGE] == []
