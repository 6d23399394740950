"""The instants of a Canary's life at which it is deleted: each phase of the table, and how to get there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rollouts.api.resources import DEPLOYMENTS, VIRTUAL_SERVICES
from rollouts.api.status import Phase
from rollouts.testing.hooks import NO, YES
from tests.deletion.cell import Cell
from tests.deletion.modes import CONFIRM_PROMOTION, CONFIRM_ROLLOUT
from tests.engine.world import KEY

Holds = Callable[[Cell], object]


@dataclass(frozen=True, slots=True)
class Instant:
    """A place in the life of a Canary."""

    name: str
    holds: Holds
    released: bool = True
    """Whether a new version was applied before."""
    closed: str = ""
    """The gate that is not opened."""
    healthy: bool = True

    async def reach(self, cell: Cell) -> None:
        """Let the Canary get there, and not a moment further."""
        for gate in (CONFIRM_ROLLOUT, CONFIRM_PROMOTION):
            cell.hooks.script(gate, NO if gate == self.closed else YES)
        if self.released:
            await cell.until(lambda: _rests(cell, Phase.INITIALIZED))
            cell.healthy = self.healthy
            patch = {"spec": {"template": cell.mode.template("app:2"), "replicas": 3}}
            cell.server.edit(DEPLOYMENTS, cell.mode.released, patch)
        await cell.until(lambda: self.holds(cell))


def _in(phase: Phase) -> Holds:
    return lambda cell: cell.status.phase is phase


def _rests(cell: Cell, phase: Phase) -> bool:
    found = cell.server.stored(DEPLOYMENTS, cell.mode.released) or {"spec": {}}
    return cell.status.phase is phase and cell.status.drained and found["spec"].get("replicas") == 0


def _at_rest(phase: Phase) -> Holds:
    """Drained, and what is out of service is at zero."""
    return lambda cell: _done(cell, phase)


def _done(cell: Cell, phase: Phase) -> bool:
    sizes = [one["spec"].get("replicas") for one in cell.server.all_of(DEPLOYMENTS)]
    return cell.status.phase is phase and cell.status.drained and 0 in sizes


def _being_made(cell: Cell) -> bool:
    """Something is made or marked already, and nothing is ready."""
    if cell.mode.made:
        return cell.server.stored(DEPLOYMENTS, cell.mode.primary) is not None
    return "rollouts.dev/" in str((cell.server.stored(VIRTUAL_SERVICES, KEY) or {})["metadata"].get("annotations"))


def _without_weight(cell: Cell) -> bool:
    return cell.status.phase is Phase.PROGRESSING and cell.status.desired_weight == 0


def _with_weight(cell: Cell) -> bool:
    return cell.status.phase is Phase.PROGRESSING and cell.status.observed_weight == 20


INSTANTS = (
    Instant("Initializing, untouched", _in(Phase.INITIALIZING), released=False),
    Instant("Initializing", lambda cell: cell.status.phase is Phase.INITIALIZING and _being_made(cell), released=False),
    Instant("Initialized", _at_rest(Phase.INITIALIZED), released=False),
    Instant("Waiting", _in(Phase.WAITING), closed=CONFIRM_ROLLOUT),
    Instant("Progressing without weight", _without_weight),
    Instant("Progressing with weight", _with_weight),
    Instant("WaitingPromotion", _in(Phase.WAITING_PROMOTION), closed=CONFIRM_PROMOTION),
    Instant("Promoting", _in(Phase.PROMOTING)),
    Instant("Finalising", _in(Phase.FINALISING)),
    Instant("Succeeded", _at_rest(Phase.SUCCEEDED)),
    Instant("Failed, draining", _in(Phase.FAILED), healthy=False),
    Instant("Failed", _at_rest(Phase.FAILED), healthy=False),
)
