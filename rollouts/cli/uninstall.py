"""`rollouts uninstall`: gives every Canary back first, and takes the program out of the cluster after that."""

from __future__ import annotations

from typing import Annotated

import typer

from rollouts.cli.flags import Flags
from rollouts.cli.options import Context, Kubeconfig

TIMEOUT_S = 360.0
"""The controller gives up visibly after 5 minutes."""


def uninstall(
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it; without this it says what it would do.")] = False,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for all Canaries to be given back.")] = TIMEOUT_S,
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Give every Canary's traffic and target back, then delete what deploy/ has installed, the kinds included."""
    from rollouts.cli.cluster.session import run
    from rollouts.cli.cluster.uninstalling import uninstalled

    flags = Flags(context=context, kubeconfig=kubeconfig, everywhere=True)
    raise typer.Exit(run(flags, lambda session: uninstalled(session, timeout if yes else None, typer.echo)))
