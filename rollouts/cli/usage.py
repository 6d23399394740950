"""The one command whose exit codes are an answer: flags that can't be meant must not look like one."""

from __future__ import annotations

from typing import Any, cast

import typer
from typer.core import TyperCommand

from rollouts.cli.exits import USAGE

_WRONG_USAGE = cast("type[Exception]", typer.BadParameter.__mro__[1])
"""What the parser raises for any flag that can't be meant: it is of a module that has another name in each version."""


class StatusCommand(TyperCommand):
    """Ends with USAGE where others end with 2. Derived, because the parser offers no other way in."""

    def make_context(self, *args: Any, **more: Any) -> Any:
        """As ever, but for the exit code of what is wrong."""
        try:
            return super().make_context(*args, **more)
        except _WRONG_USAGE as wrong:
            wrong.exit_code = USAGE  # type: ignore[attr-defined]
            raise
