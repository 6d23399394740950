"""One thing that lint has to say: where, how bad, by which rule, of which object, and what to do. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    ERROR = "error"
    """The API server or the controller refuses it."""
    WARNING = "warning"
    """It is taken, and hardly meant so."""
    INFO = "info"
    """It can't be looked at, since it is not in the files."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the output."""

    file: str
    line: int
    level: Level
    rule: str
    object: str
    """Kind, namespace and name, as people write it."""
    message: str
    field: str = ""
    """The field it is about, if it is about one."""
