"""Findings as text for people and editors, and as JSON for programs. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rollouts.lint.finding import Finding, Level

TEXT, JSON = "text", "json"


def render_text(found: Sequence[Finding], *, verbose: bool) -> str:
    """One line each, as compilers write them."""
    lines = [
        f"{one.file}:{one.line}: {one.level}: {one.object}: {one.message} [{one.rule}]"
        for one in _shown(found, verbose=verbose)
    ]
    return "".join(f"{line}\n" for line in lines)


def render_json(found: Sequence[Finding], *, verbose: bool) -> str:
    """One object: `findings` in their order, and how many of each level; the shape only grows."""
    shown = [
        {
            "file": one.file,
            "line": one.line,
            "level": one.level.value,
            "rule": one.rule,
            "object": one.object,
            "field": one.field,
            "message": one.message,
        }
        for one in _shown(found, verbose=verbose)
    ]
    counts = {level.value: sum(one.level is level for one in found) for level in Level}
    return json.dumps({"findings": shown, "counts": counts}, indent=1) + "\n"


def summary(found: Sequence[Finding], objects: int) -> str:
    """One line for people, when all is said."""
    errors, warnings, unseen = (sum(one.level is level for one in found) for level in Level)
    hidden = f"; {unseen} could not be looked at, --verbose names them" if unseen else ""
    return f"{objects} objects: {errors} errors, {warnings} warnings{hidden}"


def has_errors(found: Sequence[Finding]) -> bool:
    """Whether anything of them is an error."""
    return any(one.level is Level.ERROR for one in found)


def _shown(found: Sequence[Finding], *, verbose: bool) -> list[Finding]:
    return [one for one in found if verbose or one.level is not Level.INFO]
