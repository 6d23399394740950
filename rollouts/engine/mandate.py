"""What a process may work on, as the engine asks for it: everything where it is alone, else what its seat says."""

from __future__ import annotations

from typing import Protocol

from rollouts.api.resources import ObjectKey


class Mandate(Protocol):
    """What says which Canaries are this process's to work on."""

    def holds(self, key: ObjectKey) -> bool:
        """Whether to work on a Canary now."""
        ...

    def left_s(self) -> float | None:
        """For how many seconds anything may be written; None for ever, not above 0 for not at all."""
        ...


class Everything:
    """Implements `Mandate` for a process that is alone."""

    def holds(self, key: ObjectKey) -> bool:  # noqa: ARG002 - as the Protocol says
        """Always."""
        return True

    def left_s(self) -> float | None:
        """For ever."""
        return None


EVERYTHING = Everything()
