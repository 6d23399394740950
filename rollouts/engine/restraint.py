"""What keeps releases waiting though nothing is wrong with them: windows, a freeze, and the limit for all.

Reads the stores. It remembers one thing: which starts are decided and not written yet, so that two of them can't take
the same place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from rollouts.api.resources import CANARIES, CONFIG_MAPS, ObjectKey
from rollouts.api.status import CanaryStatus
from rollouts.core.holds import WAY_OUT
from rollouts.core.observed import Hold
from rollouts.engine.mandate import EVERYTHING, Mandate
from rollouts.engine.policy import POLICY, Policy, hold_of_flaws, hold_of_freeze, read_policy
from rollouts.engine.subject import Subject
from rollouts.engine.turns import QUEUED, RUNS, read_turns
from rollouts.engine.windows import hold_of
from rollouts.ports import Cluster

DECIDED_RETRY = timedelta(seconds=1)
"""When to look again at a place that is taken by a start which is not written yet."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What holds one Canary; the fields mean what they mean in `Observed`."""

    holds: tuple[Hold, ...] = ()
    change_at: datetime | None = None


class Restraint:
    """Looks for one Canary at a time."""

    def __init__(self, cluster: Cluster, policy: ObjectKey = POLICY, mandate: Mandate = EVERYTHING) -> None:
        """The limit for all counts the Canaries of the mandate: two replicas can't both take the last place."""
        self._mandate = mandate
        self._cluster = cluster
        self._policy = policy
        self._decided: set[ObjectKey] = set()

    def look(self, subject: Subject, status: CanaryStatus, now: datetime) -> Holding:
        """What holds it at `now`. What it may have decided before is forgotten: it decides anew."""
        key, spec, steps = subject.owner.key, subject.spec, subject.spec.on_close == "hold"
        self._decided.discard(key)
        policy = read_policy(self._policy, self._cluster.read(CONFIG_MAPS, self._policy))
        window, window_changes = hold_of(spec.windows, now, steps=steps)
        freeze = hold_of_freeze(policy, key.namespace, now, steps=steps)
        turn, turn_changes = self._turn(key, status, policy, now)
        holds = tuple(hold for hold in (*self._unsure(policy), freeze, window, turn) if hold is not None)
        instants = (freeze.until if freeze is not None else None, window_changes, turn_changes)
        return Holding(holds, min((instant for instant in instants if instant is not None), default=None))

    def decided(self, key: ObjectKey, before: CanaryStatus, after: CanaryStatus) -> None:
        """A start that is about to be written takes its place at once."""
        if after.phase in RUNS and before.phase not in RUNS:
            self._decided.add(key)

    def written(self, key: ObjectKey) -> None:
        """From now on the status says it. Where nobody knows whether it was written, the place stays taken."""
        self._decided.discard(key)

    def _unsure(self, policy: Policy) -> Iterator[Hold]:
        trouble = self._cluster.trouble(CONFIG_MAPS)
        if trouble:
            what = f"nobody knows whether releases are frozen, ConfigMap {self._policy} can't be seen: {trouble}"
            yield Hold("PolicyUnreadable", f"{what}; {WAY_OUT}")
        flawed = hold_of_flaws(policy)
        if flawed is not None:
            yield flawed

    def _turn(
        self, key: ObjectKey, status: CanaryStatus, policy: Policy, now: datetime
    ) -> tuple[Hold | None, datetime | None]:
        if policy.max_concurrent is None or status.phase in RUNS:
            return None, None
        turns, limit = read_turns(self._cluster.list_all(CANARIES).known, self._mandate.holds), policy.max_concurrent
        decided = self._decided - turns.running
        if len(turns.running | decided | turns.before(key)) < limit:
            return None, None
        what = f"ConfigMap {self._policy} allows {limit} at once (maxConcurrent), and no place is free"
        hold = Hold(QUEUED, f"{what}; who has waited longest starts next; {WAY_OUT}", queued=True)
        return hold, now + DECIDED_RETRY if decided else None
