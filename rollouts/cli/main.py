"""The command line: a registry of commands, each in a file of its own kind, and what ends all of them.

`rollouts --help` must stay quick, so nothing heavy (kubernetes_asyncio, pydantic, FastAPI, rich) is imported up here or
at the top of those files. Errors that are the caller's to mend go to stderr with the exit code that exits.py has for
them; anything else is a defect and shows its traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import PurePath

import typer

from rollouts.cli import acting, completion, local, looking
from rollouts.cli.convert import convert
from rollouts.cli.exits import REFUSED
from rollouts.cli.lint import lint
from rollouts.cli.refused import CommandRefused
from rollouts.cli.uninstall import uninstall
from rollouts.cli.usage import StatusCommand
from rollouts.errors import RolloutsError

app = typer.Typer(
    help="Progressive delivery for Kubernetes: canary releases judged by their SLO.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,  # `rollouts completion` prints the scripts, without a look at which shell calls
    rich_markup_mode=None,  # plain text on a pipe and a terminal alike, and a fifth of a second less
)

_LOOK: tuple[Callable[..., None], ...] = (
    looking.get, looking.watch, looking.describe, looking.history, looking.events,
)  # fmt: skip
_REST: tuple[Callable[..., None], ...] = (
    lint, convert, uninstall, local.simulate, local.demo, local.crds, local.controller, local.server, local.version,
    completion.completion,
)  # fmt: skip

for command in _LOOK:
    app.command()(command)
app.command(cls=StatusCommand)(looking.status)
app.command()(acting.promote)
app.command()(acting.set_weight)
for verb, text in acting.HELP.items():
    app.command(verb, help=text)(acting.plain(verb))
for command in _REST:
    app.command()(command)


def run() -> None:
    """The entry point of both console scripts."""
    called = PurePath(sys.argv[0]).name
    prog_name = "kubectl canary" if called == "kubectl-canary" else "rollouts"
    completion.answer_shell(app)
    try:
        app(prog_name=prog_name)
    except CommandRefused as refused:
        typer.echo(f"{prog_name}: {refused}", err=True)
        raise SystemExit(refused.exit_code) from refused
    except RolloutsError as refused:
        typer.echo(f"{prog_name}: {refused}", err=True)
        raise SystemExit(REFUSED) from refused
