"""One Canary, from what is observed to what is true: observe, step, write the status, make it so, tell people.

The order is the safety: the status is written first, under the resourceVersion that was read, so that whatever dies
afterwards, the next process knows what was meant. The world follows, then the Event. Rounds repeat until nothing
differs; then only a change or `wake_at` calls again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import ValidationError

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import CANARIES, Manifest, ObjectKey
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.decision import Decision
from rollouts.core.measurement import Sample
from rollouts.core.observed import Observed, Problem
from rollouts.core.step import step
from rollouts.engine.ask import Asker
from rollouts.engine.converge import missing_writes
from rollouts.engine.observe import Subject, observe
from rollouts.engine.record import REFUSALS, Recorder, explain_invalid, read_status, told_refusal
from rollouts.errors import KubeError, Unsettled
from rollouts.ports import Clock, Cluster
from rollouts.telemetry.report import Reporter

ROUNDS_MAX = 16
"""A Canary settles in a few rounds, unless somebody undoes each of them."""
REFUSED_RETRY = timedelta(seconds=30)
"""When a write that was refused is tried again without any change seen: rights are not watched."""


@dataclass(slots=True)
class _Memory:
    """What is known of one Canary beyond its status. Losing it costs a few questions, nothing else."""

    samples: tuple[Sample, ...] = ()
    refused: Problem | None = None
    """The write that the API server would not have, last time."""


class Reconciler:
    """Brings one Canary at a time as far as it goes. Holds nothing but the last answers of each."""

    def __init__(self, cluster: Cluster, asker: Asker, clock: Clock, reporter: Reporter) -> None:
        self._cluster = cluster
        self._asker = asker
        self._clock = clock
        self._reporter = reporter
        self._recorder = Recorder(cluster, clock)
        self._memories: dict[ObjectKey, _Memory] = {}

    async def reconcile(self, key: ObjectKey) -> datetime | None:
        """Work on one Canary until nothing is left to do now; when to look again, if time alone matters.

        Raises KubeError for what the API server did. Nothing is half-decided then: the next call goes on.
        """
        for _ in range(ROUNDS_MAX):
            canary = self._cluster.read(CANARIES, key)
            if canary is None or "deletionTimestamp" in canary["metadata"]:
                self._memories.pop(key, None)
                self._reporter.forget(key)
                return None
            try:
                spec = CanarySpec.model_validate(canary.get("spec") or {})
            except ValidationError as invalid:
                await self._recorder.tell_problem(canary, Problem("SpecInvalid", explain_invalid(invalid)))
                return None
            settled, wake_at = await self._round(key, Subject(canary, Owner.of(canary), spec))
            if settled:
                return wake_at
        raise Unsettled(f"Canary {key} did not settle in {ROUNDS_MAX} rounds: somebody else writes the same objects")

    async def _round(self, key: ObjectKey, subject: Subject) -> tuple[bool, datetime | None]:
        """One pass; whether nothing is left to do, and when to look again."""
        status = read_status(subject.manifest)
        memory = self._memories.setdefault(key, _Memory(refused=told_refusal(status)))
        seen = self._observe(subject, status, memory)
        decision = step(subject.spec, status, seen)
        self._reporter.report(key, decision)
        # While a write is refused, its condition stays until it is known that it is refused no more.
        waits = memory.refused is not None and _differ_in_conditions_only(status, decision.status)
        intent = status if waits else decision.status
        written = await self._recorder.write_status(subject.manifest, intent)
        confirmed = written is not subject.manifest
        changed, failed = await self._converge(subject, seen, decision, None if confirmed else written)
        await self._recorder.announce(written, None if waits else decision.announcement)
        if decision.asks:
            # Whatever fails above, the release is judged: a bad one must not stay because a repair is refused.
            memory.samples = await self._asker.answer(decision.asks, subject, self._clock.now()) + memory.samples[:16]
        cleared, memory.refused = memory.refused is not None and failed is None, _refusal_of(failed)
        settled = intent == status and not (changed or cleared or decision.asks)
        if memory.refused is None:
            return settled, decision.wake_at
        await self._recorder.tell_problem(written, memory.refused)
        again_at = self._clock.now() + REFUSED_RETRY
        return settled, min(again_at, decision.wake_at or again_at)

    def _observe(self, subject: Subject, status: CanaryStatus, memory: _Memory) -> Observed:
        """The world, and as a problem of it that a write is refused.

        Not while the first objects are made: there a problem means that nothing is tried.
        """
        seen = observe(self._cluster, subject, self._clock.now(), memory.samples)
        if seen.problem is not None or status.phase in {None, Phase.INITIALIZING}:
            return seen
        return replace(seen, problem=memory.refused)

    async def _converge(
        self, subject: Subject, seen: Observed, decision: Decision, unconfirmed: Manifest | None
    ) -> tuple[bool, KubeError | None]:
        """Send what is missing, up to the first that fails; whether anything was written, and that failure.

        A status that was only read, from a store that may be late, is confirmed before anything is made of it: another
        process may have decided otherwise meanwhile.
        """
        changed = False
        try:
            for write in missing_writes(self._cluster, subject, seen, decision.desired):
                if unconfirmed is not None:
                    await self._recorder.confirm(unconfirmed)
                    unconfirmed = None
                await self._cluster.write(write)
                changed = True
        except KubeError as failed:
            return changed, failed
        return changed, None


def _refusal_of(failed: KubeError | None) -> Problem | None:
    """What people must mend before the same write passes. Raises what passes by itself, for the queue to try again."""
    if failed is None:
        return None
    if isinstance(failed, REFUSALS):
        return Problem(type(failed).__name__, str(failed))
    raise failed


def _differ_in_conditions_only(one: CanaryStatus, other: CanaryStatus) -> bool:
    return one.model_copy(update={"conditions": other.conditions}) == other
