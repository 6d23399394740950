"""Which parts of an object were converted, and what became of the others: nothing can be passed over in silence.

A `Cursor` walks an object and writes into its `Ledger` what was used or spoken of. What is in neither when all is done
is told as not converted, whatever it is: so a field that nobody thought of is told too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Path = tuple[str | int, ...]


class Outcome(StrEnum):
    """What became of a part that is not found again as it was."""

    LOST = "not converted"
    """What it asked for is not done."""
    CHANGED = "changed"
    """It is done in another way, or to another degree."""
    ADDED = "added"
    """It was not asked for, and ours needs it."""
    NEEDLESS = "not needed"
    """Nothing is missed without it."""


_OF_THE_WHOLE = frozenset({Outcome.LOST, Outcome.NEEDLESS})


@dataclass(frozen=True, slots=True)
class Note:
    """What became of one part, and why."""

    path: Path
    outcome: Outcome
    reason: str

    @property
    def field(self) -> str:
        """The path as people write it."""
        return words_of(self.path)


@dataclass(slots=True)
class Ledger:
    """Of one object."""

    used: set[Path] = field(default_factory=set)
    """Parts of which all is found again."""
    notes: list[Note] = field(default_factory=list)

    def close(self, value: Any) -> None:
        """Tell of each part of that object which nobody has used or spoken of."""
        for path in leaves_of(value):
            if not self.covers(path):
                self.notes.append(Note(path, Outcome.LOST, "this version knows no such field, or not in this form"))

    def covers(self, path: Path) -> bool:
        """Whether a single value was used or spoken of. What was changed as a whole is spoken of by its parts alone."""
        spoken = self.used | {note.path for note in self.notes if note.outcome in _OF_THE_WHOLE}
        if any(path[:end] in spoken for end in range(len(path) + 1)):
            return True
        return any(note.path == path and note.outcome is Outcome.CHANGED for note in self.notes)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A part of an object, where it stands, and the ledger that it belongs to."""

    value: Any
    path: Path
    ledger: Ledger

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return self.value is not None

    def at(self, *steps: str | int) -> Cursor:
        """A part of it; an empty one where there is none."""
        found = self.value
        for step in steps:
            if isinstance(found, dict):
                found = found.get(step)
            elif isinstance(found, list) and isinstance(step, int) and step < len(found):
                found = found[step]
            else:
                found = None
        return Cursor(found, (*self.path, *steps), self.ledger)

    def has(self, name: str) -> bool:
        """Whether that field says something."""
        return self.at(name).value is not None

    def take(self, *steps: str | int) -> Any:
        """The value of a part, which is used as a whole."""
        part = self.at(*steps)
        if part.value is not None:
            self.ledger.used.add(part.path)
        return part.value

    def text(self, *steps: str | int) -> str:
        """A text or a number, used; empty where there is none. What is neither stays untouched."""
        part = self.at(*steps)
        if isinstance(part.value, bool) or not isinstance(part.value, str | int | float):
            return ""
        self.ledger.used.add(part.path)
        return str(part.value)

    def use(self, *names: str) -> None:
        """These fields are used, each as a whole; any other is still to be told of."""
        for name in names:
            self.take(name)

    def number(self, *steps: str | int) -> int | None:
        """A whole number, used; None where there is none. A text of digits counts."""
        part = self.at(*steps)
        value = int(part.value) if isinstance(part.value, str) and part.value.isdigit() else part.value
        if isinstance(value, bool) or not isinstance(value, int):
            return None
        self.ledger.used.add(part.path)
        return value

    def flag(self, *steps: str | int) -> bool:
        """Whether it is true; used."""
        return self.take(*steps) is True if isinstance(self.at(*steps).value, bool) else False

    def items(self, *steps: str | int) -> list[Cursor]:
        """The entries of a list."""
        part = self.at(*steps)
        return [part.at(index) for index in range(len(part.value))] if isinstance(part.value, list) else []

    def names(self) -> list[str]:
        """The fields that it has."""
        return [str(name) for name, value in self.value.items() if value is not None] if self.is_object else []

    @property
    def is_object(self) -> bool:
        """Whether it has fields."""
        return isinstance(self.value, dict)

    def note(self, outcome: Outcome, reason: str, *steps: str | int) -> None:
        """Say what became of a part; of one that is not there, nothing, unless it was added."""
        part = self.at(*steps)
        if part.value is not None or outcome is Outcome.ADDED:
            self.ledger.notes.append(Note(part.path, outcome, reason))

    def lost(self, reason: str, *steps: str | int) -> None:
        """A part is not converted."""
        self.note(Outcome.LOST, reason, *steps)

    def changed(self, reason: str, *steps: str | int) -> None:
        """A part is converted to something else."""
        self.note(Outcome.CHANGED, reason, *steps)

    def added(self, reason: str, *steps: str | int) -> None:
        """Something was added that the object did not say there."""
        self.note(Outcome.ADDED, reason, *steps)

    def needless(self, reason: str, *steps: str | int) -> None:
        """A part is not needed."""
        self.note(Outcome.NEEDLESS, reason, *steps)


def copied(source: Cursor, fields: Mapping[str, str] | tuple[str, ...]) -> dict[str, Any]:
    """The fields that are there, by their new names."""
    names = fields if isinstance(fields, Mapping) else {name: name for name in fields}
    return {new: source.take(old) for old, new in names.items() if source.has(old)}


def leaves_of(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of all single values; an empty object or list is one, nothing is none."""
    if isinstance(value, dict) and value:
        for name, below in value.items():
            yield from leaves_of(below, (*path, name))
    elif isinstance(value, list) and value:
        for index, below in enumerate(value):
            yield from leaves_of(below, (*path, index))
    elif value is not None:
        yield path


def words_of(path: Path) -> str:
    """`spec.analysis.metrics[0].name`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if _is_plain(step) else f'["{step}"]'
    return text.lstrip(".")


def _is_plain(step: Any) -> bool:
    return isinstance(step, str) and not set(step) & set('."[]/ ')
