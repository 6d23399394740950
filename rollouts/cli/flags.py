"""Flags in groups, as commands take them (spread.py): which cluster and what in it, and how an action is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from rollouts.cli.options import Context, Everywhere, Kubeconfig, Labels, Namespace, ToldForm
from rollouts.cli.refused import CommandRefused


@dataclass(frozen=True, slots=True)
class Flags:
    """Which Canaries, as kubectl's flags say it; what is empty is left to the environment."""

    namespace: Namespace = ""
    everywhere: Everywhere = False
    labels: Labels = ""
    context: Context = ""
    kubeconfig: Kubeconfig = ""

    def beside(self, name: str) -> Flags:
        """The same, for that Canary if there is a name. Raises CommandRefused for what contradicts each other."""
        if name and self.everywhere:
            raise CommandRefused("a name goes with one namespace: leave out -A, or the name")
        if name and self.labels:
            raise CommandRefused("a name needs no labels: leave out -l, or the name")
        if self.namespace and self.everywhere:
            raise CommandRefused("-n names one namespace and -A means all: leave out either")
        return self


@dataclass(frozen=True, slots=True)
class Place:
    """Where one Canary is: the flags of commands that can't mean several."""

    namespace: Namespace = ""
    context: Context = ""
    kubeconfig: Kubeconfig = ""

    @property
    def flags(self) -> Flags:
        """The same among all flags."""
        return Flags(namespace=self.namespace, context=self.context, kubeconfig=self.kubeconfig)


@dataclass(frozen=True, slots=True)
class Asking:
    """How any action is asked for."""

    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; kept with the Canary.", show_default=False)] = ""
    revision: Annotated[
        str, typer.Option(help="The revision that it is meant for; by default the one under way.", show_default=False)
    ] = ""
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Whether to wait until the controller has taken it.")
    ] = True
    timeout_s: Annotated[float, typer.Option("--timeout", min=1, help="Seconds to wait for that.")] = 30.0
    server: Annotated[
        str,
        typer.Option(
            envvar="ROLLOUTS_SERVER", show_default=False,
            help="URL of the rollouts API server: it writes, by your token, so that no right to patch is needed.",
        ),
    ] = ""  # fmt: skip
    output: ToldForm = None


@dataclass(frozen=True, slots=True)
class Order:
    """One action on one Canary, as it was written."""

    verb: str
    name: str
    asking: Asking
    full: bool = False
    weight: str = ""
