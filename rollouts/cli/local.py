"""The commands that need no cluster that is there already: the controller, what is printed, played or simulated."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rollouts import __version__
from rollouts.cli.exits import FAILED
from rollouts.cli.spread import spread

OUT = Path(".out")


class CustomKind(StrEnum):
    """The kinds that are ours, as their files in crds/ are called."""

    CANARY = "canary"
    TEMPLATE = "analysistemplate"
    PROVIDER = "alertprovider"


def controller() -> None:
    """Run the controller until it is told to stop. Settings come from the environment (ROLLOUTS_...)."""
    from rollouts.app import main

    main()


def server() -> None:
    """Serve /api/v1 until it is told to stop, apart from the controller. Settings come from the environment."""
    from rollouts.app import serve_main

    serve_main()


def crds(*, only: Annotated[CustomKind | None, typer.Option(help="One of them, without the others.")] = None) -> None:
    """Print the CustomResourceDefinitions as YAML, for `kubectl apply --server-side -f -`."""
    from rollouts.api import crd

    written = {
        CustomKind.CANARY: crd.canary_crd_yaml,
        CustomKind.TEMPLATE: crd.template_crd_yaml,
        CustomKind.PROVIDER: crd.provider_crd_yaml,
    }
    typer.echo("---\n".join(written[kind]() for kind in ([only] if only else CustomKind)), nl=False)


def demo(  # noqa: PLR0913 - the flags of one command
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Stay up after the stories, until Ctrl-C.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of the live view.")] = False,
    record: Annotated[Path | None, typer.Option(help="Write a recording of the live view to this .svg file.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of demo.json, the kubeconfig and the controller's log.")] = OUT,
    deadline: Annotated[float, typer.Option(help="Seconds that a story may take before it counts as failed.")] = 30.0,
    seed: Annotated[int, typer.Option(help="Of the simulated users' requests.")] = 0,
) -> None:
    """Show three releases on a simulated cluster with simulated users, by the real controller, in a minute.

    Exit status: 0 if all went as told, 1 if not, 2 for flags that can't be meant, 130 if it was stopped before the end.
    """
    from rollouts.demo.options import Options
    from rollouts.demo.run import run_demo

    raise typer.Exit(run_demo(Options(keep, plain, record, out, deadline, seed)))


class Output(StrEnum):
    """How a simulation is written."""

    TEXT = "text"
    JSON = "json"
    SVG = "svg"


class Expected(StrEnum):
    """How a release is to come out."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled-back"


@dataclass(frozen=True, slots=True)
class Play:
    """What is played, and how it is shown."""

    signal: Annotated[str, typer.Option(help="Name of a ready signal, or a file of your own.")] = "healthy"
    seed: Annotated[int, typer.Option(help="What is left to chance: when pods start.")] = 0
    name: Annotated[str, typer.Option(help="Which Canary, if there are several.")] = ""
    trace: Annotated[bool, typer.Option("--trace", help="Also what was measured, and why it waited.")] = False
    output: Annotated[Output, typer.Option("--output", "-o", help="text, json or svg.")] = Output.TEXT


@spread
def simulate(
    canary: Annotated[str, typer.Argument(help="YAML file with the Canary, or - for standard input.")],
    *,
    play: Play,
    expect: Annotated[Expected | None, typer.Option(help="Exit status 1 if it comes out otherwise.")] = None,
) -> None:
    """Show what a Canary would do on given signals, by the real engine, in virtual time. No cluster is needed."""
    from rollouts.simulate.command import Options, simulated
    from rollouts.telemetry.logging import set_up_logging

    set_up_logging("error")  # what it decides is the output, not the log
    text, ending = simulated(Options(canary, *astuple(play)))
    typer.echo(text, nl=False)
    if expect is not None and str(ending) != str(expect):
        typer.echo(f"expected {expect}, but it is {ending}", err=True)
        raise SystemExit(FAILED)


def version() -> None:
    """Print the version."""
    typer.echo(__version__)
