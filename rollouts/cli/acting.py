"""The commands by which a person acts on a release. All have the same flags; what each means is said in their help."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated

import typer

from rollouts.cli.flags import Asking, Order, Place
from rollouts.cli.options import Name
from rollouts.cli.spread import spread

Full = Annotated[bool, typer.Option("--full", help="To the primary at once, past all steps that are left.")]
Weight = Annotated[str, typer.Argument(help="Parts of weightTotal, as 40, or a share, as 40%.", metavar="N")]


def plain(verb: str, text: str) -> Callable[..., None]:
    """The command of a verb that has no flags of its own; `text` is its help."""

    def command(name: Name, *, asking: Asking, place: Place) -> None:
        _act(place, Order(verb, name, asking))

    command.__doc__ = text
    return spread(command)


pause = plain("pause", "Hold the weight. Checks go on, and one that fails still rolls back.")
resume = plain("resume", "End the pause.")
override = plain("override", "Release this revision whatever windows, freeze and limit say. Checks and gates stay.")
abort = plain("abort", "End the release now: all traffic back to the side that serves.")
retry = plain("retry", "Release the failed revision again.")
undo = plain("undo", "Back to the version before: ends a release, or, with subsets, calls the old version back.")
approve = plain("approve", "Open the gate that the release waits at, for this one revision.")
reject = plain("reject", "Refuse at that gate: the release ends.")


@spread
def promote(name: Name, *, full: Full = False, asking: Asking, place: Place) -> None:
    """Go to the next step without waiting for its judgement; with --full, to the primary at once."""
    _act(place, Order("promote", name, asking, full=full))


@spread
def set_weight(name: Name, weight: Weight, *, asking: Asking, place: Place) -> None:
    """Give the canary this weight now; the schedule goes on from there."""
    _act(place, Order("set-weight", name, asking, weight=weight))


def _act(place: Place, order: Order) -> None:
    from rollouts.cli.cluster.acted import act

    raise typer.Exit(act(place.flags, order, os.urandom(16)))
