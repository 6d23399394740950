from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any, cast

import pytest
import structlog
from prometheus_client import CollectorRegistry

from rollouts.api.resources import CANARIES, DEPLOYMENTS, ObjectKey
from rollouts.engine.queue import KeyQueue
from rollouts.engine.reconcile import Reconciler
from rollouts.engine.supervisor import BACKOFF_MAX_S, Workers, wake_all, wake_interested
from rollouts.errors import Conflict, Forbidden, InvariantViolated, Throttled, Unavailable
from rollouts.telemetry.report import Reporter
from rollouts.testing.memory_cluster import MemoryCluster
from rollouts.testing.virtual_time import VirtualClock, run_virtually
from tests.engine.world import KEY, NAMESPACE, canary_manifest, deployment_manifest

GOOD, BAD = ObjectKey(NAMESPACE, "good"), ObjectKey(NAMESPACE, "bad")
Answer = Callable[[ObjectKey], datetime | None]


class ScriptedReconciler:
    """Notes when which key came, and answers by the script."""

    def __init__(self, clock: VirtualClock, answer: Answer) -> None:
        self.calls: list[tuple[float, ObjectKey]] = []
        self._clock = clock
        self._answer = answer

    async def reconcile(self, key: ObjectKey) -> datetime | None:
        """As the real one."""
        self.calls.append((self._clock.elapsed_s, key))
        return self._answer(key)

    def times(self, key: ObjectKey) -> list[float]:
        """When this key came."""
        return [at for at, called in self.calls if called == key]


def run_workers(answer: Answer, *, for_s: float, count: int = 1, registry: CollectorRegistry | None = None) -> Any:
    """Two keys are due at once; what the reconciler was called with in that time."""
    clock = VirtualClock()
    scripted = ScriptedReconciler(clock, answer)

    async def story() -> None:
        queue = KeyQueue(clock)
        reporter = Reporter(registry or CollectorRegistry(), log=structlog.testing.CapturingLogger())
        workers = Workers(queue, cast("Reconciler", scripted), clock, reporter)
        queue.add(BAD)
        queue.add(GOOD)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(workers.run(count))
            await asyncio.sleep(for_s)
            running.cancel()

    run_virtually(clock, story())
    return scripted


def failing(error: Exception, times: int = 1000) -> Answer:
    """BAD fails that often, GOOD never does."""
    left = times

    def answer(key: ObjectKey) -> datetime | None:
        nonlocal left
        if key == BAD and left:
            left -= 1
            raise error
        return None

    return answer


def gaps(times: list[float]) -> list[float]:
    """Seconds between one call and the next."""
    return [round(later - earlier, 3) for earlier, later in pairwise(times)]


def test_a_failing_canary_delays_no_other() -> None:
    """One worker, one Canary that always fails: the other comes at once, and nothing ends the worker."""
    calls = run_workers(failing(Unavailable("away")), for_s=1000)
    assert calls.times(GOOD) == [0.0]
    assert gaps(calls.times(BAD))[:5] == [0.1, 0.2, 0.4, 0.8, 1.6]
    assert max(gaps(calls.times(BAD))) == BACKOFF_MAX_S


def test_the_back_off_starts_anew_after_success() -> None:
    """A Canary that was brought as far as it goes is not punished for its past."""
    calls: list[str] = []

    def answer(key: ObjectKey) -> datetime | None:
        calls.append(key.name)
        if key == BAD and calls.count("bad") in {1, 2, 4}:
            raise Conflict("somebody wrote")
        return clock_like(0.0) if key == BAD and calls.count("bad") < 5 else None

    scripted = run_workers(answer, for_s=100)
    assert gaps(scripted.times(BAD)) == [0.1, 0.2, 0.0, 0.1]


def clock_like(seconds: float) -> datetime:
    """That long after the start of virtual time."""
    clock = VirtualClock()
    clock.advance(seconds)
    return clock.now()


def test_the_servers_advice_is_followed() -> None:
    """A server that asks for 20 s gets them."""
    error = Throttled("slow down")
    error.retry_after_s = 20.0
    assert gaps(run_workers(failing(error, times=2), for_s=100).times(BAD)) == [20.0, 20.0]


def test_what_never_passes_is_tried_seldom() -> None:
    """A broken invariant is a defect of ours: once a minute from the first time on."""
    assert gaps(run_workers(failing(InvariantViolated("a bug"), times=2), for_s=1000).times(BAD)) == [BACKOFF_MAX_S] * 2


@pytest.mark.parametrize("error", [ValueError("a defect"), ExceptionGroup("of a group", [KeyError("a defect")])])
def test_a_defect_is_logged_and_tried_seldom(error: Exception) -> None:
    """With its traceback, once a minute, and the worker lives."""
    with structlog.testing.capture_logs() as logs:
        calls = run_workers(failing(error, times=3), for_s=1000)
    assert gaps(calls.times(BAD)) == [BACKOFF_MAX_S] * 3
    defects = [entry for entry in logs if entry["event"] == "reconcile_defect"]
    assert [(entry["log_level"], entry["canary"], entry["exc_info"]) for entry in defects] == [
        ("error", "shop/bad", True)
    ] * 3


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (Conflict("409"), "debug"),
        (Forbidden("403"), "warning"),
        (Unavailable("503"), "warning"),
        (InvariantViolated("a bug"), "warning"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_error_is_logged_as_loudly_as_it_is_worth(error: Exception, level: str) -> None:
    """A conflict is daily life; all else is a warning with its kind and reason. All are counted."""
    registry = CollectorRegistry()
    with structlog.testing.capture_logs() as logs:
        run_workers(failing(error, times=1), for_s=100, registry=registry)
    kind = type(error).__name__
    entry = {"event": "reconcile_failure", "canary": "shop/bad", "kind": kind, "reason": str(error)}
    assert logs == [entry | {"log_level": level}]
    assert registry.get_sample_value("rollouts_reconcile_failures_total", {"kind": kind}) == 1.0
    assert registry.get_sample_value("rollouts_reconcile_seconds_count") == 3.0


def test_a_canary_comes_again_when_it_asked_to() -> None:
    """`wake_at` of one reconcile is the time of the next, and None means never by itself."""
    wakes = iter([clock_like(10.0), clock_like(25.0), None])

    def answer(key: ObjectKey) -> datetime | None:
        return next(wakes) if key == BAD else None

    assert run_workers(answer, for_s=1000).times(BAD) == [0.0, 10.0, 25.0]


def test_a_change_wakes_those_who_read_it_and_a_new_kind_wakes_all() -> None:
    """The glue between stores and queue."""
    clock = VirtualClock()
    cluster = MemoryCluster(clock.now)
    cluster.put(CANARIES, canary_manifest())
    cluster.put(CANARIES, canary_manifest("other") | {"spec": {"targetRef": {"name": "other"}}})
    cluster.put(DEPLOYMENTS, deployment_manifest())

    async def story() -> None:
        queue = KeyQueue(clock)
        wake_interested(cluster, queue, DEPLOYMENTS, KEY)
        assert len(queue) == 1
        wake_all(cluster, queue)
        assert len(queue) == 2

    run_virtually(clock, story())
