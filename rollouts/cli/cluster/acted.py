"""The commands of `acting.py`: one order carried out, waited for, and told, with its exit code."""

from __future__ import annotations

import typer

from rollouts.api.actions import Verb
from rollouts.cli import exits
from rollouts.cli.cluster.by_server import posted, reach_of
from rollouts.cli.cluster.intents import Asked, Outcome, annotated, as_told, fresh_id, in_words
from rollouts.cli.cluster.session import Session, name_of, run
from rollouts.cli.cluster.taking import taken
from rollouts.cli.cluster.written import in_form
from rollouts.cli.flags import Flags, Order
from rollouts.cli.refused import CommandRefused

REASON_MAX = 256


def act(flags: Flags, order: Order, random_bytes: bytes) -> int:
    """Carry it out and return the exit code. Raises RolloutsError where it could not be asked."""
    asking = order.asking
    if len(asking.reason) > REASON_MAX:
        raise CommandRefused(f"--reason has {len(asking.reason)} characters: at most {REASON_MAX} are kept")
    name, server = name_of(order.name), reach_of(asking.server) if asking.server else ""
    asked = Asked(
        Verb(order.verb), fresh_id(random_bytes), asking.reason, asking.revision, full=order.full, weight=order.weight
    )

    async def work(session: Session) -> int:
        if server:
            outcome = await posted(session, server, name, asked)
        else:
            outcome = await annotated(session, name, asked)
        if asking.wait:
            outcome = await taken(session, outcome, asking.timeout_s)
        return told(outcome, order)

    return run(flags, work)


def told(outcome: Outcome, order: Order) -> int:
    """Write what became of it; the exit code."""
    found, form = outcome.taken, order.asking.output
    if form == "name":
        typer.echo(f"canary.rollouts.dev/{outcome.key.name}")
    elif form:
        typer.echo(in_form(form, as_told(outcome)), nl=False)
    refused = found is not None and found.outcome == "Refused"
    late = found is None and order.asking.wait
    if not form or refused or late:
        typer.echo(in_words(outcome) + (_late(order) if late else ""), err=refused or late)
    return exits.FAILED if refused or late else exits.DONE


def _late(order: Order) -> str:
    """What to look at where nobody takes an action."""
    return (
        f" after {order.asking.timeout_s:g} s: the controller may be down, or busy with another release; it takes it "
        "when it comes to it. `rollouts describe` shows the last actions, and deploy/ how the controller is run"
    )
