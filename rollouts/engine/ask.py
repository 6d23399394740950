"""The questions of Decisions, each a task of its own, and the newest answers: metrics from the source, rights from the
API server, gates and tests from webhooks.

Nobody waits for an answer: when it comes it is kept, and its Canary is looked at again. So a source that hangs delays
nothing but the judgement that needs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rollouts.api.resources import DEPLOYMENTS, SECRETS, ObjectKey
from rollouts.core.grid import fits, floor_instant
from rollouts.core.measurement import (
    ABSENT,
    UNTRACKED,
    Answer,
    Call,
    Content,
    Explained,
    NoData,
    Outcome,
    Probe,
    Question,
    Rejected,
    Sample,
    SecretProbe,
    Signal,
    Unreachable,
    Value,
    Vet,
    Weighing,
)
from rollouts.core.measurement import Subject as Version
from rollouts.core.revision import content_digest
from rollouts.engine.alerting import Alerter
from rollouts.engine.calling import Caller
from rollouts.engine.config_sources import is_opted_out
from rollouts.engine.custom import CounterPairs, CustomMetrics, OneSource
from rollouts.engine.keeper import Keeper
from rollouts.engine.modes import mode_of
from rollouts.engine.recipes import Standing
from rollouts.engine.reviews import Reviews
from rollouts.engine.rights import Right
from rollouts.engine.subject import Subject
from rollouts.engine.unready import explain_unready
from rollouts.errors import Forbidden, KubeError, SecretsOff
from rollouts.metrics.istio import NO_SERVICES, render_query
from rollouts.metrics.reading import reading_of
from rollouts.ports import Clock, Cluster, GroupedSource, MetricSource, Pods, Secrets, Sources, Vouching, WorkloadQuery
from rollouts.workloads.kinds import kind_of

ANSWER_MAX_S = 15.0
"""Longer than a source takes to give up. Twice that is no longer than an answer stays fresh, so that of two questions
one can be asked again while the answer to the other still counts."""
KEPT = 160
"""Answers of one Canary, the newest; more than it has questions at one time."""

_JUDGED = frozenset({
    Signal.SUCCESS_RATE, Signal.DURATION, Signal.UNREACHED, Signal.CALLERS_DURATION, Signal.REQUESTS,
})  # fmt: skip
"""What judgements ask, which are due on the grid."""

Start = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


@dataclass(frozen=True, slots=True)
class Ways:
    """Where questions go."""

    cluster: Cluster
    metrics: MetricSource
    caller: Caller
    secrets: Secrets
    pods: Pods | None = None
    """Where there is none, nobody is told why pods are not ready."""
    grouped: GroupedSource | None = None
    """Where there is one, it answers in the place of `metrics` what is asked about a workload."""
    grid_s: float = 0.0
    """The grid of instants that judgements are due at; 0 is none."""
    sources: Sources | None = None
    """Those that templates name; where there is none, they have the one of all."""
    vault: Secrets | None = None
    """Where templates' Secrets are read, which are wanted for each question; else it is `secrets`."""
    vouching: Vouching | None = None
    """Who knows whether the names in actions are true; where there is nobody, they are shown as unverified."""
    alerter: Alerter | None = None
    """Where there is none, nobody is told by AlertProviders."""
    secrets_off: bool = False
    """Whether Secrets are neither read nor copied: then no right to them is missed."""

    @property
    def custom(self) -> CustomMetrics:
        """The way to what is measured by users' own queries."""
        return CustomMetrics(self.vault or self.secrets, self.sources or OneSource(self.metrics))


@dataclass(slots=True)
class _Asked:
    """What one Canary has asked."""

    in_flight: dict[Question, asyncio.Task[None]] = field(default_factory=dict)
    samples: dict[Question, Sample] = field(default_factory=dict)
    """In the order in which they came."""
    defect: Exception | None = None


class Asker:
    """Turns probes into samples. Whatever goes wrong outside is an outcome, never an exception."""

    def __init__(self, ways: Ways, clock: Clock, start: Start, on_answer: Callable[[ObjectKey], None]) -> None:
        """`start` makes a task that somebody owns and cancels at the end; `on_answer` hears whose answer came."""
        self._ways = ways
        self._clock = clock
        self._start = start
        self._on_answer = on_answer
        self._reviews = Reviews(ways.cluster, clock)
        self._keeper = Keeper(ways.grouped, self._pairs)
        self._canaries: dict[ObjectKey, _Asked] = {}

    async def _pairs(
        self, metric: str, subject: Subject, sides: Iterable[Version]
    ) -> CounterPairs | Rejected | Unreachable:
        standing = Standing(self._ways.cluster, subject, subject.status)
        return await self._ways.custom.counters(metric, standing, sides)

    @property
    def grid_s(self) -> float:
        """The grid that judgements keep to."""
        return self._ways.grid_s

    def answers(self, key: ObjectKey) -> tuple[Sample, ...]:
        """The newest answer to each question of a Canary. Raises what was a defect in asking, once."""
        asked = self._canaries.get(key)
        if asked is None:
            return ()
        defect, asked.defect = asked.defect, None
        if defect is not None:
            raise defect
        return tuple(asked.samples.values())

    def ask(self, key: ObjectKey, questions: Iterable[Question], subject: Subject) -> None:
        """Start those questions that are not under way: one sample each will come, of the present instant.

        What a judgement asks is of the grid's instant that it was due at, so that all ask of the same.
        """
        asked = self._canaries.setdefault(key, _Asked())
        at = self._clock.now()
        on_grid = fits(subject.spec.analysis.interval_s, self.grid_s)
        for probe in questions:
            if probe not in asked.in_flight:
                of = self._instant(asked, probe, at) if on_grid else at
                asked.in_flight[probe] = self._start(self._ask(asked, probe, subject, of))

    def _instant(self, asked: _Asked, probe: Question, now: datetime) -> datetime:
        """The newest of the grid, but for what was asked of that before, or is wanted of now."""
        if not isinstance(probe, Probe) or probe.signal not in _JUDGED:
            return now
        instant, known = floor_instant(now, self.grid_s), asked.samples.get(probe)
        return instant if known is None or known.at < instant else now

    def doubt(self, key: ObjectKey, question: Question) -> None:
        """What was answered holds no more, nor does what comes to one that is under way: it is to be asked anew."""
        asked = self._canaries.get(key)
        if asked is None:
            return
        asked.samples.pop(question, None)
        task = asked.in_flight.pop(question, None)
        if task is not None:
            task.cancel()

    def forget(self, key: ObjectKey) -> None:
        """The Canary is gone: so are its questions."""
        self._keeper.forget(key)
        asked = self._canaries.pop(key, _Asked())
        for task in asked.in_flight.values():
            task.cancel()

    async def _ask(self, asked: _Asked, probe: Question, subject: Subject, at: datetime) -> None:
        # A defect is told to the worker of this Canary: raised here, it would end every other question too.
        (outcome,) = await asyncio.gather(self._outcome_in_time(probe, subject, at), return_exceptions=True)
        if isinstance(outcome, Exception):
            asked.defect = outcome
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            asked.samples.pop(probe, None)
            asked.samples[probe] = Sample(probe, at, outcome)
            for oldest in [*asked.samples][:-KEPT]:
                del asked.samples[oldest]
        del asked.in_flight[probe]
        self._on_answer(ObjectKey.of(subject.manifest))

    async def _outcome_in_time(self, probe: Question, subject: Subject, at: datetime) -> Answer:
        if isinstance(probe, Call):
            return await self._ways.caller.ask(probe, subject)
        try:
            async with asyncio.timeout(ANSWER_MAX_S):
                if isinstance(probe, Weighing):
                    return await self._keeper.weigh(probe, subject)
                if isinstance(probe, SecretProbe):
                    return await self._content(probe, subject)
                standing = Standing(self._ways.cluster, subject, subject.status)
                if isinstance(probe, Vet):
                    return await self._ways.custom.vet(probe.metric, standing, at)
                if probe.signal is Signal.CUSTOM:
                    return await self._ways.custom.measure(probe, standing, at)
                return await self._outcome(probe, subject, at)
        except TimeoutError:
            return Unreachable(f"no answer within {ANSWER_MAX_S:g} s")

    async def _outcome(self, probe: Probe, subject: Subject, at: datetime) -> Outcome | Explained:
        namespace = subject.owner.namespace
        if probe.signal is Signal.RIGHTS:
            return await self._rights(subject)
        mode, status = mode_of(subject.spec), subject.status
        workload = mode.workload(subject, status, probe.subject)
        if probe.signal is Signal.PODS:
            resource = DEPLOYMENTS if subject.spec.swaps else kind_of(subject.spec).resource
            key = ObjectKey(namespace, workload)
            return await explain_unready(self._ways.cluster, self._ways.pods, resource, key)
        services = NO_SERVICES
        if probe.signal is Signal.UNREACHED:
            services = mode.services(self._ways.cluster, subject, status, probe.subject)
            if not services.names:
                return NoData()
        reading = reading_of(subject.spec.analysis.metrics, probe)
        query = render_query(probe, namespace, workload, services, reading)
        if self._ways.grouped is None:
            return await self._ways.metrics.measure(query, at)
        canary = ObjectKey.of(subject.manifest)
        return await self._ways.grouped.measure_of(WorkloadQuery(query, canary, ObjectKey(namespace, workload)), at)

    async def _rights(self, subject: Subject) -> Outcome:
        """All that is granted, namespace by namespace; else what is missing in the first that lacks something."""
        needed: dict[str, list[Right]] = {}
        for right in mode_of(subject.spec).rights(self._ways.cluster, subject):
            if self._ways.secrets_off and right.resource == SECRETS:
                continue  # That is told by name, where one is to be read.
            needed.setdefault(right.namespace or subject.owner.namespace, []).append(right)
        for namespace, rights in needed.items():
            outcome = await self._reviews.judge(namespace, rights)
            if not isinstance(outcome, Value):
                return outcome
        return Value(1.0)

    async def _content(self, probe: SecretProbe, subject: Subject) -> Content | Outcome:
        """A digest of what is in a Secret, and nothing else of it."""
        owner = subject.owner
        try:
            found = await self._ways.secrets.manifest(owner.namespace, probe.name)
        except SecretsOff as off:
            return Rejected(str(off), "SecretsOff")
        except Forbidden as refused:
            return Rejected(str(refused))
        except KubeError as failed:
            return Unreachable(str(failed))
        if found is None:
            return Content(ABSENT)
        return Content(UNTRACKED if is_opted_out(found) else content_digest(found, owner.uid))
