"""One part of the lab, as a value: what to run, what must be ready before, how to see it is ready.

The plan (all parts) travels as JSON from `up` to the supervisor.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Probe:
    """A URL that answers 200 when the part is ready. `authority` is a file that may come later."""

    url: str
    token: str = ""
    authority: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A process of the lab. Without a probe it is a task: ready when it has ended with 0."""

    name: str
    argv: tuple[str, ...]
    needs: tuple[str, ...] = ()
    probe: Probe | None = None
    environ: dict[str, str] = field(default_factory=dict)
    deadline_s: float = 60.0
    may_stop: bool = False
    """Whether it can be stopped and started again without harm to what the lab is."""


def dump_plan(parts: Iterable[Part]) -> str:
    """The plan as JSON."""
    return json.dumps([asdict(part) for part in parts], indent=1)


def load_plan(text: str) -> tuple[Part, ...]:
    """The plan that `dump_plan` wrote."""
    return tuple(_load_part(**entry) for entry in json.loads(text))


def unmet_needs(parts: Iterable[Part]) -> dict[str, tuple[str, ...]]:
    """Parts that could never start, with the needs that stand in no earlier part of the plan."""
    known: set[str] = set()
    unmet = {}
    for part in parts:
        missing = tuple(need for need in part.needs if need not in known)
        if missing:
            unmet[part.name] = missing
        known.add(part.name)
    return unmet


def _load_part(  # noqa: PLR0913 - the fields of a Part
    *,
    name: str,
    argv: list[str],
    needs: list[str],
    probe: dict[str, str] | None,
    environ: dict[str, str],
    deadline_s: float,
    may_stop: bool,
) -> Part:
    return Part(
        name=name,
        argv=tuple(argv),
        needs=tuple(needs),
        probe=Probe(**probe) if probe else None,
        environ=environ,
        deadline_s=deadline_s,
        may_stop=may_stop,
    )
