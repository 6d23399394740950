"""The command line: parses words and calls the one module that does the work, imported only then.

`rollouts --help` must stay quick, so nothing heavy (kubernetes_asyncio, FastAPI) is imported up here. Errors that
are the caller's to mend go to stderr with exit code 2; anything else is a defect and shows its traceback.
"""

from __future__ import annotations

import sys
from pathlib import PurePath

import typer

from rollouts import __version__
from rollouts.errors import RolloutsError

EXIT_REFUSED = 2

app = typer.Typer(
    help="Progressive delivery for Kubernetes: canary releases judged by their SLO.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text on a pipe and a terminal alike, and a fifth of a second less
)


@app.command()
def controller() -> None:
    """Run the controller until it is told to stop. Settings come from the environment (ROLLOUTS_...)."""
    from rollouts.app import main

    main()


@app.command()
def crds() -> None:
    """Print the CustomResourceDefinitions as YAML, for `kubectl apply --server-side -f -`."""
    from rollouts.api.crd import canary_crd_yaml

    typer.echo(canary_crd_yaml(), nl=False)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def run() -> None:
    """The entry point of both console scripts."""
    called = PurePath(sys.argv[0]).name
    prog_name = "kubectl canary" if called == "kubectl-canary" else "rollouts"
    try:
        app(prog_name=prog_name)
    except RolloutsError as refused:
        typer.echo(f"{prog_name}: {refused}", err=True)
        raise SystemExit(EXIT_REFUSED) from refused
