"""The commands by which a person acts on a release. All have the same flags; what each means is said in their help."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated

import typer

from rollouts.cli.flags import Flags
from rollouts.cli.options import Context, Kubeconfig, Name, Namespace, ToldForm

Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; kept with the Canary.", show_default=False)]
Revision = Annotated[
    str, typer.Option(help="The revision that it is meant for; by default the one under way.", show_default=False)
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Whether to wait until the controller has taken it.")]
Timeout = Annotated[float, typer.Option(min=1, help="Seconds to wait for that.")]
Server = Annotated[
    str,
    typer.Option(
        envvar="ROLLOUTS_SERVER", show_default=False,
        help="URL of the rollouts API server: it writes, by your token, so that no right to patch is needed.",
    ),
]  # fmt: skip
Full = Annotated[bool, typer.Option("--full", help="To the primary at once, past all steps that are left.")]
Weight = Annotated[str, typer.Argument(help="Parts of weightTotal, as 40, or a share, as 40%.", metavar="N")]

HELP = {
    "pause": "Hold the weight. Checks go on, and one that fails still rolls back.",
    "resume": "End the pause.",
    "override": "Release this revision whatever windows, freeze and limit say. Checks and gates stay.",
    "abort": "End the release now: all traffic back to the side that serves.",
    "retry": "Release the failed revision again.",
    "undo": "Back to the version before: ends a release, or, with subsets, calls the old version back.",
    "approve": "Open the gate that the release waits at, for this one revision.",
    "reject": "Refuse at that gate: the release ends.",
}
"""The verbs without flags of their own."""
WAIT_S = 30.0


def plain(verb: str) -> Callable[..., None]:
    """The command of a verb that has no flags of its own."""

    def command(  # noqa: PLR0913 - the flags of one command
        name: Name,
        *,
        reason: Reason = "",
        revision: Revision = "",
        wait: Wait = True,
        timeout: Timeout = WAIT_S,
        server: Server = "",
        output: ToldForm = None,
        namespace: Namespace = "",
        context: Context = "",
        kubeconfig: Kubeconfig = "",
    ) -> None:
        from rollouts.cli.cluster.acted import Order, act

        order = Order(verb, name, reason, revision, wait=wait, timeout_s=timeout, server=server, form=output or "")
        raise typer.Exit(act(Flags(kubeconfig, context, namespace), order, os.urandom(16)))

    return command


def promote(  # noqa: PLR0913 - the flags of one command
    name: Name,
    *,
    full: Full = False,
    reason: Reason = "",
    revision: Revision = "",
    wait: Wait = True,
    timeout: Timeout = WAIT_S,
    server: Server = "",
    output: ToldForm = None,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Go to the next step without waiting for its judgement; with --full, to the primary at once."""
    from rollouts.cli.cluster.acted import Order, act

    order = Order(
        "promote", name, reason, revision, full=full, wait=wait, timeout_s=timeout, server=server, form=output or ""
    )
    raise typer.Exit(act(Flags(kubeconfig, context, namespace), order, os.urandom(16)))


def set_weight(  # noqa: PLR0913 - the flags of one command
    name: Name,
    weight: Weight,
    *,
    reason: Reason = "",
    revision: Revision = "",
    wait: Wait = True,
    timeout: Timeout = WAIT_S,
    server: Server = "",
    output: ToldForm = None,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Give the canary this weight now; the schedule goes on from there."""
    from rollouts.cli.cluster.acted import Order, act

    order = Order(
        "set-weight", name, reason, revision, weight=weight, wait=wait, timeout_s=timeout, server=server,
        form=output or "",
    )  # fmt: skip
    raise typer.Exit(act(Flags(kubeconfig, context, namespace), order, os.urandom(16)))
