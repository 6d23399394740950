"""Answers the questions of a Decision: metrics from the source, rights from the API server, all at one instant."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime

from rollouts.core.measurement import Outcome, Probe, Rejected, Sample, Signal, Subject, Unreachable
from rollouts.engine import observe
from rollouts.engine.rights import judge_rights, render_review
from rollouts.errors import Forbidden, KubeError
from rollouts.metrics.istio import render_query
from rollouts.ports import Cluster, MetricSource


class Asker:
    """Turns probes into samples. Whatever goes wrong is an outcome, never an exception."""

    def __init__(self, cluster: Cluster, metrics: MetricSource) -> None:
        self._cluster = cluster
        self._metrics = metrics

    async def answer(self, probes: Iterable[Probe], subject: observe.Subject, at: datetime) -> tuple[Sample, ...]:
        """One sample for each probe, asked side by side."""
        async with asyncio.TaskGroup() as tasks:
            asked = [(probe, tasks.create_task(self._outcome(probe, subject, at))) for probe in probes]
        return tuple(Sample(probe, at, task.result()) for probe, task in asked)

    async def _outcome(self, probe: Probe, subject: observe.Subject, at: datetime) -> Outcome:
        namespace = subject.owner.namespace
        if probe.signal is Signal.RIGHTS:
            return await self._rights(namespace)
        spec = subject.spec
        workload = spec.target_ref.name if probe.subject is Subject.CANARY else spec.primary_name
        return await self._metrics.measure(render_query(probe, namespace, workload), at)

    async def _rights(self, namespace: str) -> Outcome:
        try:
            review = await self._cluster.write(render_review(namespace))
        except Forbidden as refused:
            return Rejected(str(refused))
        except KubeError as failed:
            return Unreachable(str(failed))
        return judge_rights(review, namespace)
