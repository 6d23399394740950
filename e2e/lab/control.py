"""Asks a lab's supervisor to stop a part and to start it again.

The supervisor signals its own child, which nobody else can have taken the place of; what becomes of it stands in the
lab's status. Only parts that may be stopped are: kwok, started again, would give out addresses that are in use.
"""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TYPE_CHECKING

from e2e.lab.errors import LabError
from e2e.lab.part import load_plan

if TYPE_CHECKING:
    from e2e.lab.layout import Layout


class Verb(StrEnum):
    """What can be asked."""

    STOP = "stop"
    """End it: SIGTERM, after a while SIGKILL."""
    START = "start"
    """Start it again, once it has ended."""


def ask(layout: Layout, verb: Verb, part: str) -> None:
    """Say it to the supervisor; it does so at once, and does not answer.

    Raises LabError for a part that may not be stopped, and when no lab is up.
    """
    try:
        may_stop = sorted(one.name for one in load_plan(layout.plan.read_text()) if one.may_stop)
        if part not in may_stop:
            raise LabError(f"{part} can't be stopped and started: {', '.join(may_stop) or 'no part of this lab'} can")
        descriptor = os.open(layout.control, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        raise LabError(f"no lab is up in {layout.root}: {error}") from error
    try:
        os.write(descriptor, f"{verb} {part}\n".encode())
    finally:
        os.close(descriptor)


def read_asked(data: bytes) -> list[tuple[Verb, str]]:
    """What was written by `ask`, perhaps several times. Whole lines: each is written at once."""
    asked = []
    for line in data.decode().splitlines():
        verb, _, part = line.partition(" ")
        asked.append((Verb(verb), part))
    return asked
