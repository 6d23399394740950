"""What must never be, checked at every change of the world: a judge that knows the truth and none of our rules' code.

It hears of each change on the server at once. For a change of ours it also knows what the process knew when it began
the write, so that nobody is blamed for what could not be seen yet. The first thing that must not be raises Unsafe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rollouts.api.actions import Verb
from rollouts.api.resources import CANARIES, DEPLOYMENTS, VIRTUAL_SERVICES, Manifest, ObjectKey
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.measurement import Outcome, Probe, Signal, Subject, Value
from rollouts.core.revision import revision_of
from rollouts.ports import Apply, Create, Write
from rollouts.testing.memory_server import Change
from rollouts.testing.memory_view import MemoryView
from tests.sim.ledger import Begun, Ledger, available, image_of, source_of, weights_of
from tests.sim.plan import NAMESPACE, Plan

DRAIN_S = 30.0
"""Without measured silence, the canary keeps its pods that long after its weight is gone."""
SLACK_S = 0.01
CONTENDING_S = 2.0
"""By how much two processes without a leader may cut a dwell short, beside what their clocks differ."""


class Unsafe(AssertionError):
    """The thing that must not be."""


class Safety:
    """The judge of one run."""

    def __init__(self, plan: Plan, now_s: Callable[[], float], note: Callable[[str], None]) -> None:
        self.ledgers = {canary.name: Ledger(canary, contended=len(plan.skews_s) > 1) for canary in plan.canaries}
        self._now_s = now_s
        self._note = note
        # One process never cuts a dwell short. Two that contend start it by what either sees, by clocks that differ.
        contending_s = CONTENDING_S if len(plan.skews_s) > 1 else 0.0
        self._tolerance_s = contending_s + max(plan.skews_s) - min(plan.skews_s) + SLACK_S
        self._answer_s = plan.rudeness.latency_max_s + SLACK_S
        self._writing: Begun | None = None
        self.flaws: list[str] = []

    def begin(self, process: str, view: MemoryView, write: Write) -> Begun:
        """A process begins a write."""
        name = name_of(write).partition("-")[0]
        target = view.read(DEPLOYMENTS, ObjectKey(NAMESPACE, name))
        primary = view.read(DEPLOYMENTS, ObjectKey(NAMESPACE, f"{name}-primary"))
        return Begun(process, self._now_s(), name, available(target), available(primary), image_of(target))

    @contextmanager
    def writing(self, begun: Begun) -> Iterator[None]:
        """The server carries that write out within the block."""
        self._writing = begun
        try:
            yield
        finally:
            self._writing = None

    def heard(self, change: Change) -> None:
        """Something changed on the server."""
        resource, key = change.place
        ledger = self.ledgers.get(key.name.partition("-")[0])
        if ledger is None:
            return
        if resource == CANARIES and change.after is not None:
            self._status_changed(ledger, CanaryStatus.model_validate(change.after.get("status") or {}))
        elif resource == VIRTUAL_SERVICES:
            self._route_changed(ledger, change)
        elif resource == DEPLOYMENTS and key.name == ledger.plan.name:
            self._target_changed(ledger, change)
        elif resource == DEPLOYMENTS and self._writing is not None:
            self._primary_changed(ledger, change)

    def measured(self, process: str, workload: str, probe: Probe, outcome: Outcome) -> None:
        """The metric source answered a process."""
        ledger = self.ledgers.get(workload)
        if ledger is None or probe.subject is not Subject.CANARY:
            return
        if probe.signal is Signal.REQUEST_RATE and outcome == Value(0.0):
            ledger.stage.silent_at_s = self._now_s()
        for metric in ledger.plan.analysis["metrics"]:
            if metric["name"] == probe.signal:
                low, high = metric["thresholdRange"].get("min"), metric["thresholdRange"].get("max")
                passes = isinstance(outcome, Value) and (
                    (low is None or outcome.number >= low) and (high is None or outcome.number <= high)
                )
                ledger.stage.verdicts[process, probe.signal] = passes, self._now_s()

    def demand(self, holds: object, flaw: str) -> None:
        """Raise, and remember whoever catches it, unless it holds."""
        if not holds:
            self._note(f"UNSAFE {flaw}")
            self.flaws.append(flaw)
            raise Unsafe(flaw)

    # ---- the status: what was decided ----

    def _status_changed(self, ledger: Ledger, after: CanaryStatus) -> None:
        before, begun, name = ledger.status, self._writing, ledger.plan.name
        if begun is None:
            return
        if (after.phase, after.desired_weight) != (before.phase, before.desired_weight):
            self._note(f"{begun.process} {name} is {after.phase} {after.desired_weight} % of {after.last_applied_spec}")
        if after.desired_weight > before.desired_weight:
            self._raised(ledger, after, begun)
        if after.phase is not before.phase:
            self._moved(ledger, after, begun)
        if after.last_promoted_spec != before.last_promoted_spec and before.phase not in {None, Phase.INITIALIZING}:
            self.demand(after.last_promoted_spec in ledger.proven, f"{name}: called promoted without proof")
        if before.phase in {None, Phase.INITIALIZING} and after.last_promoted_spec:
            ledger.proven.add(after.last_promoted_spec)
        if after.last_applied_spec != before.last_applied_spec or after.started_at != before.started_at:
            ledger.disturbed.clear()
        ledger.move(after, self._now_s())

    def _raised(self, ledger: Ledger, after: CanaryStatus, begun: Begun) -> None:
        before, name, plan = ledger.status, ledger.plan.name, ledger.plan
        self.demand(begun.canary_available > 0, f"{name}: weight for a canary without a ready pod")
        if after.phase is Phase.FAILED:
            stranded = begun.primary_available == 0 or before.phase is Phase.PROMOTING
            self.demand(stranded and after.desired_weight == 100, f"{name}: more weight for a failed revision")
            return
        self.demand(before.phase is after.phase is Phase.PROGRESSING, f"{name}: weight raised while {before.phase}")
        self.demand(before.last_applied_spec == after.last_applied_spec, f"{name}: weight for another revision")
        running = ledger.images.get(after.last_applied_spec) == begun.target_image
        self.demand(running, f"{name}: weight for a revision that the target does not run")
        following = next((step for step in plan.steps if step > before.desired_weight), None)
        self.demand(after.desired_weight == following, f"{name}: {before.desired_weight} to {after.desired_weight} %")
        if not _asked(before, after, Verb.PROMOTE):
            self.demand(not before.paused, f"{name}: weight raised while paused")
            self._judged(ledger, begun)

    def _judged(self, ledger: Ledger, begun: Begun) -> None:
        """The present stage was held for its time, and its last measurements passed."""
        if ledger.status.desired_weight == 0:
            return
        name, stage, least_s = ledger.plan.name, ledger.stage, ledger.plan.interval_s - self._tolerance_s
        self.demand(stage.reached_at_s is not None, f"{name}: a step was left whose weight was never in force")
        reached_at_s = stage.reached_at_s or 0.0
        held_s = self._now_s() - reached_at_s
        self.demand(held_s >= least_s, f"{name}: {stage.weight} % was held for {held_s:.2f} s only")
        passed = ledger.passed(begun.process, since_s=reached_at_s + least_s)
        self.demand(passed, f"{name}: {stage.weight} % was left without a passing measurement of each metric")

    def _moved(self, ledger: Ledger, after: CanaryStatus, begun: Begun) -> None:
        before, name = ledger.status, ledger.plan.name
        if after.phase is Phase.PROMOTING:
            self.demand(before.phase is Phase.PROGRESSING, f"{name}: promoting after {before.phase}")
            if not _asked(before, after, Verb.PROMOTE):
                last = before.desired_weight == ledger.plan.steps[-1]
                self.demand(last, f"{name}: promoting at {before.desired_weight} %")
                self._judged(ledger, begun)
            ledger.proven.add(after.last_applied_spec)
        if after.phase is Phase.FAILED and after.desired_weight > 0:
            kept = begun.primary_available == 0 or before.phase is Phase.PROMOTING
            self.demand(kept, f"{name}: failed, and {after.desired_weight} % stay though the primary serves")

    # ---- the world: what was made of it ----

    def _route_changed(self, ledger: Ledger, change: Change) -> None:
        name, weights = ledger.plan.name, weights_of(change.after, ledger.plan.name)
        before = weights_of(change.before, name)
        ledger.route = None if weights is None else weights[1]
        if self._writing is None:
            ledger.edited_at_s = self._now_s()
        elif weights is not None and weights != before:
            self._note(f"{self._writing.process} routes {name} {weights[1]} %")
            self.demand(0 <= weights[1] <= 100 and sum(weights) == 100, f"{name}: weights {weights}")
            since_s = self._writing.at_s - self._answer_s
            meant = ledger.ever_since(since_s, lambda past: past.desired_weight == weights[1])
            self.demand(meant, f"{name}: routes get {weights[1]} %, the status says {ledger.status.desired_weight} %")
        reached = weights is not None and weights[1] == ledger.stage.weight
        if reached and ledger.stage.reached_at_s is None:
            ledger.stage.reached_at_s = self._now_s()

    def _target_changed(self, ledger: Ledger, change: Change) -> None:
        if change.after is None:
            return
        ledger.images[revision_of(change.after["spec"]["template"])] = image_of(change.after)
        shrunk = _replicas(change.after) == 0 and _replicas(change.before) != 0
        if self._writing is None or not shrunk:
            return
        name, begun = ledger.plan.name, self._writing
        self._note(f"{begun.process} scales {name} to 0")
        self.demand(begun.primary_available > 0, f"{name}: the canary's pods removed while the primary has none")
        since_s = begun.at_s - self._answer_s
        running = {Phase.PROGRESSING, Phase.PROMOTING, Phase.FINALISING}
        meant = ledger.ever_since(since_s, lambda past: past.drained and past.phase not in running)
        self.demand(meant, f"{name}: scaled down while {ledger.status.phase}")
        if ledger.stage.weight == 0 and 0.0 < ledger.stage.decided_at_s < since_s:
            self._check_drained(ledger)

    def _check_drained(self, ledger: Ledger) -> None:
        stage, name = ledger.stage, ledger.plan.name
        self.demand(stage.reached_at_s is not None, f"{name}: scaled down while the routes send it requests")
        silent = stage.silent_at_s >= (stage.reached_at_s or 0.0) - self._tolerance_s
        waited = self._now_s() - (stage.reached_at_s or 0.0) >= DRAIN_S - self._tolerance_s
        self.demand(silent or waited, f"{name}: scaled down before it fell silent")

    def _primary_changed(self, ledger: Ledger, change: Change) -> None:
        source, name = source_of(change.after), ledger.plan.name
        if change.after is None or self._writing is None or source == source_of(change.before):
            return
        self._note(f"{self._writing.process} copies {source} to {name}-primary")
        self.demand(_replicas(change.after) > 0, f"{name}: a primary without pods")
        self.demand(image_of(change.after) == ledger.images[source], f"{name}: the primary's mark is not what it runs")
        since_s = self._writing.at_s - self._answer_s
        meant = ledger.ever_since(since_s, lambda past: _wants_copy(past, source))
        self.demand(meant, f"{name}: the primary gets {source} while {ledger.status.phase}")
        first = ledger.ever_since(since_s, lambda past: past.phase in {None, Phase.INITIALIZING})
        self.demand(first or source in ledger.proven, f"{name}: the primary gets {source}, which was never proven")


def name_of(write: Write) -> str:
    """The object that a write is about; empty for a question."""
    if isinstance(write, Apply | Create):
        return str((write.manifest.get("metadata") or {}).get("name", ""))
    return write.key.name


def _wants_copy(status: CanaryStatus, revision: str) -> bool:
    if status.phase in {None, Phase.INITIALIZING}:
        return True
    if status.phase is Phase.PROGRESSING:
        return False
    return revision == (status.last_applied_spec if status.phase is Phase.PROMOTING else status.last_promoted_spec)


def _asked(before: CanaryStatus, after: CanaryStatus, verb: Verb) -> bool:
    """Whether a person's action was taken in this very decision."""
    taken = {(one.verb, one.id) for one in before.actions}
    return any(one.verb == verb and one.outcome == "Done" and (one.verb, one.id) not in taken for one in after.actions)


def _replicas(deployment: Manifest | None) -> int:
    return 0 if deployment is None else int(deployment["spec"].get("replicas", 1))


__all__ = ["Begun", "Safety", "Unsafe", "name_of"]
