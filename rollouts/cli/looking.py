"""The commands that look at Canaries in a cluster, and change nothing. Each parses its flags and hands on."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

import typer

from rollouts.cli import exits
from rollouts.cli.flags import Flags, Place
from rollouts.cli.options import (
    Context,
    DataForm,
    Everywhere,
    Kubeconfig,
    Name,
    Namespace,
    ObjectForm,
    SomeName,
)
from rollouts.cli.spread import spread


@spread
def get(name: SomeName = "", *, output: ObjectForm = None, flags: Flags) -> None:
    """List Canaries: phase, weight, step, and what each waits for."""
    from rollouts.cli.cluster.listing import listing, nothing
    from rollouts.cli.cluster.paint import Paint
    from rollouts.cli.cluster.session import Session, name_of, run

    flags = flags.beside(name)

    async def work(session: Session) -> int:
        text = await listing(session, name_of(name) if name else "", output or "", Paint.of())
        if output is None and text.count("\n") <= 1:
            typer.echo(nothing(session), err=True)
        else:
            typer.echo(text, nl=False)
        return exits.DONE

    raise typer.Exit(run(flags, work))


@spread
def watch(name: SomeName = "", *, flags: Flags) -> None:
    """Show Canaries as they change: a live table on a terminal, a line for each change on a pipe. Ctrl-C ends it."""
    from rich.console import Console

    from rollouts.cli.cluster import board
    from rollouts.cli.cluster.session import Session, name_of, run

    flags = flags.beside(name)

    async def work(session: Session) -> int:
        console = Console(highlight=False, markup=False, emoji=False)
        return await board.watch(session, name_of(name) if name else "", console, _tell)

    raise typer.Exit(run(flags, work))


@spread
def describe(name: Name, *, output: DataForm = None, place: Place) -> None:
    """Say why a Canary is where it is, what comes next and when, and what you can do."""
    from rollouts.cli.cluster import describing
    from rollouts.cli.cluster.paint import Paint
    from rollouts.cli.cluster.session import Session, name_of, run
    from rollouts.cli.cluster.written import in_form

    async def work(session: Session) -> int:
        found = await describing.describe(session, name_of(name))
        text = in_form(output, describing.as_told(found)) if output else describing.page(found, Paint.of(), program())
        typer.echo(text, nl=False)
        return exits.DONE

    raise typer.Exit(run(place.flags, work))


@spread
def history(name: Name, *, output: DataForm = None, place: Place) -> None:
    """List the releases of a Canary, newest first, as far as the cluster still has their events."""
    from rollouts.cli.cluster import runs
    from rollouts.cli.cluster.events import KEPT, read_events
    from rollouts.cli.cluster.paint import Paint
    from rollouts.cli.cluster.session import Session, name_of, run
    from rollouts.cli.cluster.written import in_form
    from rollouts.core.history import runs_of

    async def work(session: Session) -> int:
        wanted = name_of(name)
        canary = await session.canary(wanted)
        found = runs_of(await read_events(session, wanted), canary)
        if output:
            typer.echo(in_form(output, [runs.as_told(one) for one in reversed(found)]), nl=False)
            return exits.DONE
        titles = ("REVISION", "OUTCOME", "BEGAN", "LASTED", "GREATEST WEIGHT", "SAID LAST")
        if found:
            typer.echo(Paint.of().table(titles, runs.rows(found, session.now())), nl=False)
        typer.echo(f"{'' if found else 'no release yet; '}older ones: {KEPT}", err=True)
        return exits.DONE

    raise typer.Exit(run(place.flags, work))


def events(  # noqa: PLR0913 - the flags of one command
    name: SomeName = "",
    *,
    output: DataForm = None,
    namespace: Namespace = "",
    everywhere: Everywhere = False,
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """List what people were told of Canaries, oldest first."""
    from rollouts.cli.cluster import events as told
    from rollouts.cli.cluster.paint import Paint
    from rollouts.cli.cluster.session import Session, name_of, run
    from rollouts.cli.cluster.written import in_form, listed

    flags = Flags(namespace, everywhere, context=context, kubeconfig=kubeconfig).beside(name)

    async def work(session: Session) -> int:
        wanted = name_of(name) if name else ""
        found = await told.read_events(session, wanted)
        if wanted and not found:
            await session.canary(wanted)  # no events, or no such Canary
        if output:
            typer.echo(in_form(output, listed(found)), nl=False)
        elif found:
            text = told.table(found, session.now(), Paint.of(), names=not wanted, namespaces=not session.namespace)
            typer.echo(text, nl=False)
        else:
            typer.echo(f"no events; {told.KEPT}", err=True)
        return exits.DONE

    raise typer.Exit(run(flags, work))


@dataclass(frozen=True, slots=True)
class Waiting:
    """Which release is meant, and how long it is waited for."""

    watch: Annotated[bool, typer.Option("--watch", "-w", help="Wait until the release is over.")] = False
    timeout: Annotated[str, typer.Option(help="With --watch: how long, as 90s or 15m. Default: for ever.")] = ""
    revision: Annotated[str, typer.Option(help="The release of this revision, or of one that begins so.")] = ""
    since: Annotated[
        str, typer.Option(help="A release that began then or later: 2026-01-31T12:00:00Z. For configuration alone.")
    ] = ""


@spread
def status(name: Name, *, waiting: Waiting, output: DataForm = None, place: Place) -> None:
    """Tell whether the release that is under way succeeded, for scripts and pipelines.

    Exit code: 0 succeeded, 1 failed, 2 not over (with --watch: not in time), 3 no such Canary, 64 flags that can't be
    meant, 69 no answer: no cluster, no right.
    """
    from rollouts.cli.cluster.gated import Question, answer

    question = Question(name, waiting.watch, waiting.timeout, waiting.revision, waiting.since, output or "")
    raise typer.Exit(answer(place.flags, question))


def program() -> str:
    """What the caller typed to get here."""
    return "kubectl canary" if sys.argv[0].endswith("kubectl-canary") else "rollouts"


def _tell(line: str) -> None:
    typer.echo(line)
