"""The workers: each takes a key that is due, brings that Canary as far as it goes, and says when it is due again.

What goes wrong with one Canary stays with it: it is tried again later, by the advice of the error, and no other waits.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from rollouts.api.resources import CANARIES, SECRETS, ObjectKey, Resource
from rollouts.engine.exchange import Exchange
from rollouts.engine.interest import interested
from rollouts.engine.mandate import EVERYTHING, Mandate
from rollouts.engine.queue import KeyQueue
from rollouts.engine.reconcile import Reconciler
from rollouts.errors import Conflict, Retry, RolloutsError
from rollouts.ports import Clock, Cluster
from rollouts.telemetry.report import Reporter

_log = structlog.get_logger(__name__)

BACKOFF_FIRST_S = 0.1
BACKOFF_MAX_S = 60.0


class Workers:
    """Turns keys into reconciles."""

    def __init__(
        self,
        queue: KeyQueue,
        reconciler: Reconciler,
        clock: Clock,
        reporter: Reporter,
        mandate: Mandate = EVERYTHING,
    ) -> None:
        """Canaries outside the mandate are let be: whoever is given one queues it anew."""
        self._mandate = mandate
        self._queue = queue
        self._reconciler = reconciler
        self._clock = clock
        self._reporter = reporter
        self._failures: dict[ObjectKey, int] = {}

    async def run(self, count: int) -> None:
        """Work until cancelled, `count` Canaries side by side."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(count):
                tasks.create_task(self._work())

    async def _work(self) -> None:
        while True:
            async with self._queue.take() as key:
                again_at = await self._attempt(key) if self._mandate.holds(key) else None
            if again_at is not None:
                self._queue.add(key, again_at)
            # A look that waited for nothing lets the others have a turn, though its key be due again at once.
            await asyncio.sleep(0)

    async def _attempt(self, key: ObjectKey) -> datetime | None:
        began = self._clock.now()
        failure = ""
        try:
            again_at = await self._reconciler.reconcile(key)
            self._failures.pop(key, None)
        except RolloutsError as error:
            failure = type(error).__name__
            defect = error.retry is Retry.NEVER
            again_at = self._later(key, BACKOFF_MAX_S if defect else error.retry_after_s)
            level = "debug" if isinstance(error, Conflict) else "warning"
            getattr(_log, level)("reconcile_failure", canary=str(key), kind=failure, reason=str(error))
        except Exception:  # noqa: BLE001 - the one in the program, see below
            # The one place where anything is caught: a defect must not take the other Canaries' worker along. The
            # traffic stays as it is, and the Canary is tried again, ever more seldom.
            failure = "Defect"
            again_at = self._later(key, BACKOFF_MAX_S)
            _log.exception("reconcile_defect", canary=str(key))
        self._reporter.process.reconcile_ended((self._clock.now() - began).total_seconds(), failure)
        return again_at

    def _later(self, key: ObjectKey, asked_s: float | None) -> datetime:
        failures = self._failures.get(key, 0)
        self._failures[key] = min(failures + 1, 32)
        delay_s = min(BACKOFF_FIRST_S * 2.0**failures, BACKOFF_MAX_S)
        return self._clock.now() + timedelta(seconds=max(delay_s, asked_s or 0.0))


def wake_interested(cluster: Cluster, queue: KeyQueue, resource: Resource, key: ObjectKey) -> None:
    """An object has changed: queue every Canary that reads it."""
    for canary in interested(cluster, resource, key):
        queue.add(canary)


def wake_readers(cluster: Cluster, queue: KeyQueue, exchange: Exchange, key: ObjectKey) -> None:
    """A Secret has changed: queue every Canary whose target refers to it, to read it anew."""
    for canary in interested(cluster, SECRETS, key):
        exchange.secret_changed(canary, key.name)
        queue.add(canary)


def wake_all(cluster: Cluster, queue: KeyQueue) -> None:
    """Something concerns every Canary."""
    for canary in cluster.list_all(CANARIES).known:
        queue.add(canary.key)
