"""What this process may do in each namespace: asked of the API server once for all Canaries that want to know.

Whoever asks while an answer is on its way has that one. What is granted is believed for as long as one Canary would
believe it; that something is missing, or that nobody answers, by nobody who came later: the right may just have been
given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rollouts.api.resources import Manifest
from rollouts.core.measurement import Outcome, Rejected, Unreachable, Value
from rollouts.core.resting import PREFLIGHT_RETRY
from rollouts.engine.rights import Right, judge_rights, render_review
from rollouts.errors import Forbidden, KubeError
from rollouts.ports import Clock, Cluster

BELIEVED: timedelta = PREFLIGHT_RETRY
"""For how long an answer holds."""
_NOBODY = Unreachable("nobody has asked yet")


@dataclass(slots=True)
class _Known:
    """Of one namespace."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One at a time asks; the others wait for the answer."""
    answers: int = 0
    """How many there were."""
    newest: Manifest | Rejected | Unreachable = _NOBODY
    at: datetime | None = None
    """When that was asked."""


class Reviews:
    """One process's."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        """Nothing is known yet."""
        self._cluster = cluster
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def judge(self, namespace: str, needed: Sequence[Right]) -> Outcome:
        """Value(1) if all that is granted there; else what is missing, or why nobody knows."""
        self._drop_old()
        known = self._known.setdefault(namespace, _Known())
        before = known.answers
        async with known.turn:
            # One that came meanwhile is of an instant at which this was wanted.
            if known.answers == before and not self._grants(known, namespace, needed):
                await self._ask(known, namespace)
        return _outcome(known, namespace, needed)

    async def _ask(self, known: _Known, namespace: str) -> None:
        at = self._clock.now()
        try:
            known.newest = await self._cluster.write(render_review(namespace))
        except Forbidden as refused:
            known.newest = Rejected(str(refused))
        except KubeError as failed:
            known.newest = Unreachable(str(failed))
        known.answers, known.at = known.answers + 1, at

    def _grants(self, known: _Known, namespace: str, needed: Sequence[Right]) -> bool:
        return self._is_fresh(known) and isinstance(_outcome(known, namespace, needed), Value)

    def _is_fresh(self, known: _Known) -> bool:
        return known.at is not None and self._clock.now() - known.at < BELIEVED

    def _drop_old(self) -> None:
        old = [name for name, one in self._known.items() if not one.turn.locked() and not self._is_fresh(one)]
        for name in old:
            del self._known[name]


def _outcome(known: _Known, namespace: str, needed: Sequence[Right]) -> Outcome:
    newest = known.newest
    return newest if isinstance(newest, Rejected | Unreachable) else judge_rights(newest, namespace, needed)
