"""Where each command is, and how the one that is called is loaded without the others.

A shell asks for completions at every TAB, and a pipeline starts the program again and again: so what is not called is
not imported. `rollouts --help`, which tells of all, loads all. Knows no flag, and nothing of what a command does.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperGroup
from typer.main import get_command

from rollouts.cli.usage import StatusCommand

COMMANDS: Mapping[str, str] = {
    "get": "looking:get",
    "watch": "looking:watch",
    "describe": "looking:describe",
    "history": "looking:history",
    "events": "looking:events",
    "status": "looking:status",
    "promote": "acting:promote",
    "set-weight": "acting:set_weight",
    "pause": "acting:pause",
    "resume": "acting:resume",
    "override": "acting:override",
    "abort": "acting:abort",
    "retry": "acting:retry",
    "undo": "acting:undo",
    "approve": "acting:approve",
    "reject": "acting:reject",
    "lint": "lint:lint",
    "convert": "convert:convert",
    "uninstall": "uninstall:uninstall",
    "simulate": "local:simulate",
    "demo": "local:demo",
    "crds": "local:crds",
    "controller": "local:controller",
    "server": "local:server",
    "version": "local:version",
    "completion": "completion:completion",
}
"""Each in the order in which people read of them: the module here, and the function in it."""
_TALKING = frozenset({"looking", "acting", "uninstall"})
"""Modules of commands that talk to a cluster."""


class Loaded(Mapping[str, Any]):
    """The commands by name. Each is made when it is first asked for."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """The command of that name. Raises KeyError if there is none."""
        if name not in self._made:
            self._made[name] = _made(name, *COMMANDS[name].split(":"))
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Commands(TyperGroup):
    """All of them as one program. Derived, because the parser offers no other way in."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = cast("Any", Loaded())  # the parser only reads it

    def get_help_option(self, ctx: Any) -> Any:
        """As ever, but not given is False and not None: for that the parser would load pydantic, to make it None."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.default = False
        return option

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As ever; and no search for garbage while that command loads the cluster's library, a thousand modules that
        stay. session.py begins it again.
        """
        found = super().resolve_command(ctx, args)
        if COMMANDS[args[0]].partition(":")[0] in _TALKING:
            gc.disable()
        return found


def _made(name: str, module: str, function: str) -> Any:
    called = getattr(import_module(f"rollouts.cli.{module}"), function)
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(name, cls=StatusCommand if name == "status" else None)(called)
    return get_command(alone)
