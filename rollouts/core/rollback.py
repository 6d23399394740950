"""Rollback hooks: whoever looks for an event in mid-run looks first whether somebody asks for the end of the run."""

from __future__ import annotations

from collections.abc import Callable

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.ending import give_up
from rollouts.core.finding import Finding, together, waited
from rollouts.core.gate import look_for_rollback
from rollouts.core.observed import Observed
from rollouts.core.phases import Event

Finder = Callable[[CanarySpec, CanaryStatus, Observed], Finding]


def unless_rolled_back(find: Finder) -> Finder:
    """The same, with the rollback hooks asked beside whatever it waits for."""

    def found(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
        asked = look_for_rollback(spec, status, seen)
        if not asked.failed:
            return together(find(spec, status, seen), waited("", asks=asked.asks, wake_at=asked.wake_at))
        # What was not approved is given no traffic, even where nobody else could serve it.
        waiting = status.phase is Phase.WAITING
        return Finding(Event.ROLLBACK, asked.failed) if waiting else give_up(seen, asked.failed)

    return found
