"""A small world to step through: workloads, routes and answers in virtual time, driven as the engine does it.

The loop is the engine's: observe, step, keep the status (as JSON, as the API server does), make `desired` true, answer
what is asked, until nothing differs; then jump to the next instant at which anything can differ. No I/O, no waiting.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from rollouts.api.actions import PREFIX, read_actions
from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus
from rollouts.core.decision import Decision, Desired, Leave
from rollouts.core.desired import routing_of
from rollouts.core.measurement import Call, Question, Sample, Value, Weighing
from rollouts.core.no_data import STABLE_RATE
from rollouts.core.observed import Hold, Observed, Problem
from rollouts.core.parts import part_of
from rollouts.core.routing import Routing
from rollouts.core.step import step
from rollouts.testing.counters import Flow
from tests.core.given import EPOCH, at
from tests.core.pods import NEVER, Pods
from tests.core.signals import Signals
from tests.core.weigher import Weigher

ROUNDS_MAX = 16
Happening = Callable[["World"], None]
Watcher = Callable[[CanaryStatus, Observed, Decision], None]


@dataclass(slots=True)
class World:
    """Everything that `step` can see, and how long things take, in seconds."""

    spec: CanarySpec
    target: Pods | None
    ready_after: dict[str, float] = field(default_factory=dict)
    """Until a revision's pods are ready as canary; 3 if not said."""
    copy_ready_after: dict[str, float] = field(default_factory=dict)
    """The same as primary; 3 if not said."""
    route_lag: float = 0.0
    call_lag: float = 0.0
    """How long hooks take to answer."""
    signals: Signals = field(default_factory=Signals)
    problem: Problem | None = None
    holds: tuple[Hold, ...] = ()
    """Windows and the like that are closed, each until its time."""
    annotations: dict[str, str] = field(default_factory=dict)
    vouched: bool = False
    """Whether nobody can write the name of somebody else."""
    """What people have asked for, by verb."""
    now: float = 0.0
    generation: int = 1
    up: bool = True
    """Whether the controller runs."""
    refused: bool = False
    """Whether the API server refuses every write but that of the status."""
    status: CanaryStatus = field(default_factory=CanaryStatus)
    primary: Pods | None = None
    route: Routing | None = None
    route_next: tuple[float, Routing] | None = None
    """When the routes will share the requests in another way, and which."""
    apex_on_primary: bool = False
    marked: bool = False
    """With subsets: whether the routes bear our mark."""
    deleting: bool = False
    """Whether somebody has deleted the Canary."""
    gone: bool = False
    """Whether it is let go."""
    samples: tuple[Sample, ...] = ()
    called: dict[Question, tuple[float, Sample]] = field(default_factory=dict)
    """When which answer to which hook's call comes."""
    receiving: bool = True
    """Whether those who are to be told can be reached."""
    delivered: frozenset[int] = frozenset()
    judged_at: datetime | None = None
    looked_since: datetime | None = None
    wake_at: float = NEVER
    weigher: Weigher = field(init=False)
    watchers: list[Watcher] = field(default_factory=list)
    """Called with the status before, what was seen, and the Decision, at each step."""

    def __post_init__(self) -> None:
        """Its counters begin now."""
        self.weigher = Weigher.of(lambda: at(self.now), self._flows)

    def run(self, until: float, happenings: Iterable[tuple[float, Happening]] = ()) -> None:
        """Go on until that second, while others do what they do."""
        for when, happen in sorted(happenings, key=lambda pair: pair[0]):
            self._pass_time(when)
            happen(self)
            self.settle()
        self._pass_time(until)

    def settle(self) -> None:
        """What the engine does with one key, and what that changes in the traffic."""
        self.weigher.counters.accrue()
        self._settle()
        self.weigher.counters.down = self.signals.metrics_down
        self.weigher.counters.accrue()

    def _settle(self) -> None:
        """Rounds until nothing differs."""
        if self.route_next is not None and self.now >= self.route_next[0]:
            self.route, self.route_next = self.route_next[1], None
        for question, (due, sample) in [*self.called.items()]:
            if self.now >= due:
                self.samples = (sample, *self.samples[:63])
                del self.called[question]
        self.wake_at = NEVER
        for _ in range(ROUNDS_MAX if self.up and not self.gone else 0):
            seen, before = self.observe(), self.status
            decision = step(self.spec, before, seen)
            self.judged_at = decision.judged_at or self.judged_at
            for watch in self.watchers:
                watch(before, seen, decision)
            self.status = CanaryStatus.model_validate(json.loads(json.dumps(decision.status.to_wire())))
            if before.stable_subset not in {"", self.status.stable_subset}:
                self._swap()
            changed = self._make_true(decision.desired)
            answers = self._answers(decision)
            self.samples = answers + self.samples[:64]
            if self.gone:
                return
            if not (changed or answers or self._deliver() or self.status != before):
                if decision.wake_at is not None:
                    self.wake_at = (decision.wake_at - EPOCH).total_seconds()
                return
        assert self.gone or not self.up, f"still moving after {ROUNDS_MAX} rounds: {self.status}"

    def observe(self) -> Observed:
        """The third argument of `step`."""
        handed_back = self.route is None and not self.apex_on_primary
        primary = self.primary.state(self.now) if self.primary is not None else None
        if primary is not None and self.spec.swaps:
            handed_back, primary = not self.marked, replace(primary, source_revision=primary.revision)
        return Observed(
            now=at(self.now),
            generation=self.generation,
            target=self.target.state(self.now) if self.target is not None else None,
            primary=primary,
            route_weight=self._route_weight(),
            routed=self.route == routing_of(self.spec, self.status),
            apex_on_primary=self.apex_on_primary,
            problem=self.problem,
            holds=tuple(hold for hold in self.holds if hold.until is None or hold.until > at(self.now)),
            holds_change_at=min(
                (hold.until for hold in self.holds if hold.until is not None and hold.until > at(self.now)),
                default=None,
            ),
            actions=read_actions(
                {"metadata": {"annotations": {PREFIX + v: t for v, t in self.annotations.items()}}},
                verified=self.vouched,
            ),
            samples=self.samples,
            faults=self.signals.faults,
            service="app",
            judged_at=self.judged_at,
            looked_since=self.looked_since,
            delivered=self.delivered,
            deleting=self.deleting,
            stable_subset=self.status.stable_subset or ("v1" if self.spec.swaps else ""),
            made=self.deleting and not (handed_back and (self.spec.swaps or self.primary is None)),
            released=self.deleting and handed_back,
        )

    def apply(self, revision: str) -> None:
        """The user applies another version."""
        ready_after = self.ready_after.get(revision, 3.0)
        if self.target is None:
            self.target = Pods(revision, ready_at=self.now + ready_after)
        else:
            self.target.roll(revision, self.now, ready_after)

    def configure(self, revision: str) -> None:
        """The user changes what the target reads, and nothing else."""
        assert self.target is not None
        self.target.configure(revision)

    def change_stable(self, revision: str) -> None:
        """With subsets: somebody gives the side that serves another version."""
        assert self.primary is not None
        self.primary.roll(revision, self.now, self.ready_after.get(revision, 3.0))

    def restart(self, *, up: bool) -> None:
        """The controller dies, or comes back and knows nothing but the status."""
        self.up, self.samples, self.delivered, self.judged_at = up, (), frozenset(), None
        self.looked_since = at(self.now)
        self.called.clear()
        self.weigher.books.clear()

    def _pass_time(self, until: float) -> None:
        self.settle()
        while (instant := min(self._instants(), default=NEVER)) <= until:
            self.now = instant
            self.settle()
        self.now = max(self.now, until)

    def _instants(self) -> list[float]:
        """When anything can differ next."""
        known = [workload.ready_at for workload in (self.target, self.primary) if workload is not None]
        known += [due for due, _ in self.called.values()]
        known += [self.wake_at, *([self.route_next[0]] if self.route_next is not None else [])]
        return [instant for instant in known if self.now < instant < NEVER]

    def _make_true(self, desired: Desired) -> bool:
        """What the engine writes; whether anything was."""
        if desired.leave is not None and not self.refused:
            return self._leave(desired, desired.leave)
        return not self.refused and any([self._copy(desired), self._route(desired), self._scale(desired)])

    def _leave(self, desired: Desired, leave: Leave) -> bool:
        if leave.let_go:
            self.gone = True
            return True
        if not leave.hand_back:
            return any([self.route is not None and self._route(replace(desired, routing=True)), self._scale(desired)])
        if self.spec.swaps:
            changed, self.marked, self.route = self.marked, False, desired.share
            return changed
        before = self.route, self.apex_on_primary, self.primary
        self.route, self.route_next, self.apex_on_primary = None, None, False
        self.primary = None if leave.remove else self.primary
        return before != (self.route, self.apex_on_primary, self.primary)

    def _swap(self) -> None:
        """The status has turned the roles round: the same objects are called by the other names."""
        self.target, self.primary = self.primary, self.target
        stable, tested = self.status.stable_subset, any(ref.canary_rules for ref in self.spec.route_refs)
        turned = [
            replace(one, stable=stable, weight=one.weight_total - one.weight, testers=tested and not one.testers)
            for one in self._routes()
        ]
        self.route = turned[0]
        if self.route_next is not None:
            self.route_next = self.route_next[0], turned[-1]

    def _route_weight(self) -> int | None:
        """In parts of the status's total, as the engine reads them."""
        route = self.route
        return None if route is None else part_of(self.status.weight_total, route.weight, route.weight_total)

    def _routes(self) -> list[Routing]:
        assert self.route is not None
        return [self.route] + ([self.route_next[1]] if self.route_next is not None else [])

    def _copy(self, desired: Desired) -> bool:
        if not desired.copy_to_primary or self.target is None:
            return False
        ready_after = self.copy_ready_after.get(self.target.revision, 3.0)
        if self.primary is None:
            self.primary = Pods("", ready_at=self.now + ready_after)
        self.primary.roll(f"copy of {self.target.revision}", self.now, ready_after)
        self.primary.replicas = desired.primary_replicas
        self.primary.source_revision = self.target.revision
        return True

    def _route(self, desired: Desired) -> bool:
        meant = self.route_next[1] if self.route_next is not None else self.route
        if not desired.routing or (meant == desired.share and self.apex_on_primary):
            return False
        self.apex_on_primary = self.marked = True
        if self.route_lag == 0 or self.route is None:
            self.route = desired.share
        else:
            self.route_next = self.now + self.route_lag, desired.share
        return True

    def _scale(self, desired: Desired) -> bool:
        if self.target is None or desired.canary_replicas in (None, self.target.replicas):
            return False
        assert desired.canary_replicas is not None
        self.target.scale(desired.canary_replicas, self.now, self.ready_after.get(self.target.revision, 3.0))
        return True

    def _deliver(self) -> bool:
        """Tell those who are to be told; whether anything was news."""
        news = {notice.number for notice in self.status.outbox} - self.delivered
        if self.receiving:
            self.delivered |= news
        return self.receiving and bool(news)

    def _flows(self) -> dict[str, Flow]:
        """What each side gets now, and what becomes of it."""
        now, share, copied = self.signals, 0.0, 0
        if self.route is not None:
            share, copied = self.route.weight / self.route.weight_total, self.route.mirror_percent
        everything, part = now.stable_rps or 0.0, now.arrives / 100 if now.canary_rps else 0.0
        canary = everything * (share + copied / 100) * part + ((now.canary_rps or 0.0) if now.tested else 0.0)
        revision = "none" if self.target is None else self.target.revision
        return {
            "app": Flow(
                pod=f"app-{revision}", rps=canary if now.success_rate is not None else 0.0,
                success_rate=now.success_rate or 0.0, duration_ms=now.duration_ms or 0.0,
            ),
            "app-primary": Flow(
                pod="app-primary", rps=everything * (1 - share * part), success_rate=now.stable_success_rate,
                duration_ms=now.stable_duration_ms,
            ),
        }  # fmt: skip

    def _answers(self, decision: Decision) -> tuple[Sample, ...]:
        """What is answered at once; the rest is under way."""
        reached = self.route is not None and (self.route.weight > 0 or self.route.mirror_percent > 0)
        share, copied = 0.0, 0
        if self.route is not None:
            share, copied = 100 * self.route.weight / self.route.weight_total, self.route.mirror_percent
        told = {
            ask: self.weigher.weigh(ask, self.spec, self.status)
            if isinstance(ask, Weighing)
            else self.signals.answer(ask, reached=reached, share=share, copied=copied)
            for ask in decision.asks
            if ask not in self.called
        }
        if self.deleting and self.route is None and isinstance(told.get(STABLE_RATE), Value):
            told[STABLE_RATE] = Value(0.0)
        answers = [Sample(question, at(self.now), answer) for question, answer in told.items()]
        if self.call_lag > 0:
            late = [answer for answer in answers if isinstance(answer.probe, Call)]
            self.called |= {answer.probe: (self.now + self.call_lag, answer) for answer in late}
            answers = [answer for answer in answers if answer not in late]
        return tuple(answers)
