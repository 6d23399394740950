"""The one error that commands end with where the caller can mend it: what is wrong, what to do, and the exit code."""

from __future__ import annotations

from rollouts.cli.exits import REFUSED
from rollouts.errors import Retry, RolloutsError


class CommandRefused(RolloutsError):
    """The message is the last line that the caller sees."""

    retry = Retry.ON_CHANGE

    def __init__(self, message: str, exit_code: int = REFUSED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
