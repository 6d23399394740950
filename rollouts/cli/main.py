"""The command line: what starts it, and what ends all of its commands. Which there are, commands.py has.

Errors that are the caller's to mend go to stderr with the exit code that exits.py has for them; anything else is a
defect and shows its traceback. Nothing heavy (kubernetes_asyncio, pydantic, FastAPI, rich) is imported here, nor at the
top of the files that hold commands.
"""

from __future__ import annotations

import os
import sys
from pathlib import PurePath

import typer

from rollouts.cli.commands import Commands
from rollouts.cli.completion import answer_shell
from rollouts.cli.exits import REFUSED
from rollouts.cli.refused import CommandRefused
from rollouts.errors import RolloutsError

app = Commands(
    name="rollouts",
    help="Progressive delivery for Kubernetes: canary releases judged by their SLO.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain text on a pipe and a terminal alike, and a fifth of a second less
)


def run() -> None:
    """The entry point of both console scripts."""
    called = PurePath(sys.argv[0]).name
    prog_name = "kubectl canary" if called == "kubectl-canary" else "rollouts"
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # else it looks for some in all installed packages
    answer_shell(app, sys.argv[1:])
    try:
        app(prog_name=prog_name)
    except CommandRefused as refused:
        typer.echo(f"{prog_name}: {refused}", err=True)
        raise SystemExit(refused.exit_code) from refused
    except RolloutsError as refused:
        typer.echo(f"{prog_name}: {refused}", err=True)
        raise SystemExit(REFUSED) from refused
