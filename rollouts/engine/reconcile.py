"""One Canary, from what is observed to what is true: observe, step, write the status, make it so, tell people.

The order is the safety: the status is written first, under the resourceVersion that was read, so that whatever dies
afterwards, the next process knows what was meant. The world follows, then the Event. Rounds repeat until nothing
differs; then only a change, an answer or `wake_at` calls again. No question is waited for.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from pydantic import ValidationError

from rollouts.api.invalid import explain_invalid
from rollouts.api.ownership import Owner
from rollouts.api.resources import CANARIES, Manifest, ObjectKey
from rollouts.core.conditions import contest_news
from rollouts.core.observed import Problem
from rollouts.core.outbox import lost_news
from rollouts.core.phases import MID_RUN
from rollouts.engine.charge import Charge
from rollouts.engine.exchange import Exchange
from rollouts.engine.fight import Fight
from rollouts.engine.hold import LEFT, is_let_go, let_go, let_go_unread_at
from rollouts.engine.readiness import Readiness
from rollouts.engine.record import REFUSALS, Recorder, read_status, told_refusal
from rollouts.engine.restraint import Restraint
from rollouts.engine.subject import Subject
from rollouts.engine.term import Tenure
from rollouts.engine.vetting import news_of
from rollouts.engine.work import REFUSED_RETRY, Memory, Work, find_work, found_words, writes_for, writes_routes
from rollouts.errors import Conflict, KubeError, Unsettled
from rollouts.ports import Cluster
from rollouts.telemetry.report import Reporter

_log = structlog.get_logger(__name__)

ROUNDS_MAX = 16
"""A Canary settles in a few rounds, unless somebody undoes each of them."""


class Reconciler:
    """Brings one Canary at a time as far as it goes. Holds nothing of it but its term and what it was refused last."""

    def __init__(self, cluster: Cluster, exchange: Exchange, reporter: Reporter, charge: Charge) -> None:
        """Nothing is known of any Canary yet."""
        self._cluster = cluster
        self._exchange = exchange
        self._reporter = reporter
        self._charge = charge
        self._recorder = Recorder(cluster, charge.clock)
        self._restraint = Restraint(cluster, charge.policy, charge.mandate)
        self._memories: dict[ObjectKey, Memory] = {}

    def release(self) -> None:
        """Forget the Canaries that are outside the mandate, so that one that comes back is claimed anew."""
        for key in [key for key in self._memories if not self._charge.mandate.holds(key)]:
            self._exchange.stop_sending(key)
            self._forget(key)

    async def reconcile(self, key: ObjectKey) -> datetime | None:
        """Work on one Canary until nothing is left to do now; when to look again, if time alone matters.

        Raises KubeError for what the API server did. Nothing is half-decided then: the next call goes on.
        """
        for _ in range(ROUNDS_MAX):
            self._charge.on_look(key)
            canary = self._cluster.read(CANARIES, key)
            if canary is None or is_let_go(canary) or not self._charge.mandate.holds(key):
                self._forget(key)
                return None
            memory = self._remember(key, canary)
            try:
                spec = memory.read_spec(canary)
            except ValidationError as invalid:
                return await self._tell_invalid(canary, memory.tenure, invalid)
            subject = Subject(canary, Owner.of(canary), spec, memory.read_status(canary))
            settled, wake_at = await self._round(key, subject, memory)
            if settled:
                return wake_at
        raise Unsettled(f"Canary {key} did not settle in {ROUNDS_MAX} rounds: somebody else writes the same objects")

    def _remember(self, key: ObjectKey, canary: Manifest) -> Memory:
        known, uid, now = self._memories.get(key), canary["metadata"]["uid"], self._charge.clock.now()
        status = known.read_status(canary) if known is not None else read_status(canary)
        if known is not None and known.uid != uid:
            self._forget(key)  # this is its successor
        memory = self._memories.setdefault(
            key, Memory(uid, Readiness(self._charge.settles_in), self._restraint, now, Fight(now))
        )
        ours = memory.tenure.term is not None
        if memory.tenure.look(status, canary.get("status") or {}):
            self._exchange.stop_sending(key)
            memory.refused = told_refusal(status)
            if ours:
                _log.warning("claimed_by_another_process", canary=str(key), term=status.term)
        return memory

    def _forget(self, key: ObjectKey) -> None:
        if (memory := self._memories.pop(key, None)) is not None:
            self._recorder.forget(memory.uid)
        self._restraint.written(key)
        self._exchange.forget(key)
        self._reporter.forget(key)

    async def _tell_invalid(self, canary: Manifest, tenure: Tenure, invalid: ValidationError) -> datetime | None:
        """Nothing can be done; also what was made can't be known. When to look again, or to let a deletion go on."""
        problem, now = Problem("SpecInvalid", explain_invalid(invalid)), self._charge.clock.now()
        due_at = let_go_unread_at(canary)
        late = due_at is not None and now >= due_at
        told = self._recorder.with_problem(canary, problem)
        untold = told != read_status(canary)
        if until := tenure.stand_back(timedelta() if untold or late else None, now):
            return until
        self._reporter.unreadable(ObjectKey.of(canary), told)
        if late:
            await self._recorder.announce(canary, LEFT)
            await self._cluster.write(let_go(canary))
            return None
        await self._recorder.tell_problem(canary, problem, tenure)
        return due_at

    async def _round(self, key: ObjectKey, subject: Subject, memory: Memory) -> tuple[bool, datetime | None]:
        """One pass; whether nothing is left to do, and when to look again."""
        vouched = await self._exchange.vouches(subject)
        if not self._charge.mandate.holds(key):
            return False, None
        heard = replace(self._exchange.heard(key), vouched=vouched, judged_at=memory.judged_at)
        work = find_work(self._cluster, subject, self._charge.clock.now(), heard, memory)
        decision = work.decision
        # Whoever stands back has judged too.
        memory.judged_at = decision.judged_at or memory.judged_at
        if until := memory.tenure.stand_back(work.undone, work.seen.now):
            return True, min(until, decision.wake_at or until)
        self._reporter.report(key, decision, subject.spec.analysis, is_news=work.intent != work.status)
        written = await self._record(subject.manifest, work, memory.tenure)
        # Before anything below can fail: a bad release must not stay because a repair is refused.
        self._ask(key, subject, work)
        self._exchange.send(key, work.intent, subject)
        changed, failed = await self._converge(subject, work, memory)
        unsaid = memory.refused is not None and work.intent == work.status
        await self._recorder.announce(written, None if unsaid else decision.announcement)
        await self._recorder.announce(written, contest_news(work.status, work.intent))
        await self._recorder.announce(written, lost_news(work.status, work.intent, work.seen))
        unanswered = work.vetting.unanswered
        await self._recorder.announce(written, news_of(unanswered, memory.unanswered))
        memory.unanswered = frozenset(vet for vet, _ in unanswered)
        cleared, memory.refused = memory.refused is not None and failed is None, _refusal_of(failed)
        settled = work.intent == work.status and not (changed or cleared)
        if settled and decision.wake_at is None and work.status.phase not in MID_RUN:
            memory.rest()
        if memory.refused is None:
            return settled, decision.wake_at
        await self._recorder.tell_problem(written, memory.refused, memory.tenure)
        again_at = self._charge.clock.now() + REFUSED_RETRY
        return settled, min(again_at, decision.wake_at or again_at)

    async def _record(self, canary: Manifest, work: Work, tenure: Tenure) -> Manifest:
        """The status, in a term of ours, before anything follows from it; the object as it is then.

        One that was only read, from a store that may be late, is confirmed before anything is made of it: another
        process may have decided otherwise meanwhile.
        """
        if work.intent != work.status:
            key = ObjectKey.of(canary)
            self._restraint.decided(key, work.status, work.intent)
            written = await self._recorder.write_status(canary, work.status, work.intent, tenure=tenure)
            self._restraint.written(key)
            self._reporter.moved(work.status, work.intent, work.seen.now)
            return written
        speaks = work.decision.asks or work.intent.outbox
        if work.incomplete or (speaks and not tenure.holds(work.status)):
            return await self._recorder.claim(canary, work.status, tenure)
        return canary

    def _ask(self, key: ObjectKey, subject: Subject, work: Work) -> None:
        """Start what is to be asked; not if an answer came since that was decided: it calls again by itself."""
        # About a query anybody may ask: it changes nothing, so it takes no term, and a Canary at rest stays as it is.
        asks = (*work.decision.asks, *work.vetting.asks)
        if asks and self._exchange.heard(key).samples == work.seen.samples:
            self._exchange.ask(key, asks, subject)

    async def _converge(self, subject: Subject, work: Work, memory: Memory) -> tuple[bool, KubeError | None]:
        """Send what is missing, up to the first that fails; whether anything was written, and that failure."""
        changed = False
        if not work.incomplete:
            return changed, None  # as it was before the status was written; what has changed since calls again
        try:
            desired, seen, stores = work.decision.desired, work.seen, memory.recall.over(self._cluster)
            for write in writes_for(stores, subject, seen, desired, routes_wait=work.routes_wait):
                self._check_term(ObjectKey.of(subject.manifest), memory)
                await self._cluster.write(write)
                changed = True
                if writes_routes(write):
                    memory.fight.put_back(self._charge.clock.now(), found_words(write, seen, desired))
        except KubeError as failed:
            return changed, failed
        return changed, None

    def _check_term(self, key: ObjectKey, memory: Memory) -> None:
        canary = self._cluster.read(CANARIES, key)
        if canary is not None and memory.read_status(canary).term > (memory.tenure.term or 0):
            raise Conflict(f"Canary {key} was claimed by another process")


def _refusal_of(failed: KubeError | None) -> Problem | None:
    """What people must mend before the same write passes. Raises what passes by itself, for the queue to try again."""
    if failed is None:
        return None
    if isinstance(failed, REFUSALS):
        return Problem(type(failed).__name__, str(failed))
    raise failed
