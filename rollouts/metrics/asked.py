"""What is told of each question that was really sent to a source: for whoever counts them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from rollouts.api.provider import ProviderType
from rollouts.core.measurement import Rejected, Unreachable


class Came(StrEnum):
    """What came of it."""

    ANSWERED = "answered"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question."""

    source: ProviderType
    came: Came
    seconds: float
    """Until the answer was read, or given up."""


OnAsked = Callable[[Asked], None]


def came_of(outcome: object) -> Came:
    """No data is an answer too."""
    if isinstance(outcome, Unreachable):
        return Came.UNREACHABLE
    return Came.REJECTED if isinstance(outcome, Rejected) else Came.ANSWERED


def nobody(_asked: Asked) -> None:
    """Where nobody counts."""
