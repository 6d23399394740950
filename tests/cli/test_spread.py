"""Flags in groups: what typer sees of them, and what the command gets."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import signature
from typing import Annotated

import typer
from typer.testing import CliRunner

from rollouts.cli.spread import spread


@dataclass(frozen=True, slots=True)
class Size:
    """A group."""

    height: Annotated[int, typer.Option(help="In parts.")] = 1
    width_m: Annotated[float, typer.Option("--width")] = 2.0


SEEN: list[object] = []


@spread
def draw(what: Annotated[str, typer.Argument()], *, size: Size, twice: bool = False) -> None:
    """Draw it."""
    SEEN.append((what, size, twice))


def test_fields_stand_where_their_group_stood() -> None:
    """In their order, with their defaults, and under the command's own name and help."""
    assert [(one.name, one.default) for one in list(signature(draw).parameters.values())[1:]] == [
        ("height", 1), ("width_m", 2.0), ("twice", False),
    ]  # fmt: skip
    assert (draw.__name__, draw.__doc__) == ("draw", "Draw it.")


def test_the_command_gets_its_group_whole() -> None:
    """Of what was written, and of the defaults for the rest."""
    app = typer.Typer()
    app.command()(draw)
    SEEN.clear()
    done = CliRunner().invoke(app, ["a line", "--width", "3.5"])
    assert (done.exit_code, SEEN) == (0, [("a line", Size(1, 3.5), False)]), done.output


def test_two_commands_share_a_group() -> None:
    """And neither sees what the other was given."""

    @spread
    def erase(*, size: Size) -> None:
        SEEN.append(size)

    SEEN.clear()
    erase(height=4, width_m=1.0)
    draw(what="b", height=5, width_m=2.0, twice=True)
    assert [Size(4, 1.0), ("b", Size(5, 2.0), True)] == SEEN
