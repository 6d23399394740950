"""Where in an object a value stands. The server has two spellings of it, which differ within a status."""

from __future__ import annotations

from dataclasses import dataclass

from rollouts.admission.complaint import below


@dataclass(frozen=True, slots=True)
class Place:
    """`field` is the whole path; `named` is what the texts of the validator call it, without `status`."""

    field: str = ""
    named: str = ""

    def of(self, name: str) -> Place:
        """A field of it."""
        return Place(below(self.field, name), below(self.named, name))

    def at(self, index: int) -> Place:
        """An item of it."""
        return Place(f"{self.field}[{index}]", f"{self.named}[{index}]")
