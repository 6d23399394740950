"""What must never be, checked at every change of the world: judges that know the truth and none of our rules' code.

They hear of each change on the server at once. For a change of ours they also know what the process knew when it began
the write, so that nobody is blamed for what could not be seen yet. The first thing that must not be raises Unsafe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rollouts.api.resources import (
    CANARIES,
    CONFIG_MAPS,
    EVENTS,
    RULES_REVIEWS,
    VIRTUAL_SERVICES,
    ObjectKey,
)
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.measurement import Accepted, HookOutcome, Outcome, Probe, Signal, Subject, Unreachable, Value
from rollouts.engine.policy import POLICY
from rollouts.ports import Apply, CopyContent, Create, HookRequest, PatchJson, Write
from rollouts.testing.memory_server import Change
from rollouts.testing.memory_view import MemoryView
from tests.sim.court import Court, Unsafe
from tests.sim.decisions import judge_decision, note_gates
from tests.sim.effects import judge_patch, judge_primary, judge_route, judge_target, note_deviation
from tests.sim.ledger import Begun, Ledger, Told, image_of, is_run_start, side_of, source_of
from tests.sim.mail import Mail
from tests.sim.meaning import GATES, RECEIVERS, ROLLBACK, TESTS, Hook, meaning_of
from tests.sim.plan import NAMESPACE, Plan
from tests.sim.sharing import Sharing
from tests.sim.workloads import WORKLOADS

SLACK_S = 0.01
PUT_BACK_S = 15.0
FAULTS_PUT_BACK_S = 240.0
"""Where writes fail by chance: a few back-offs, and pauses that refusals ask for."""


class Safety:
    """The judge of one run."""

    def __init__(self, plan: Plan, now_s: Callable[[], float], note: Callable[[str], None]) -> None:
        self.ledgers = {canary.name: Ledger(canary, meaning_of(canary.manifest()["spec"])) for canary in plan.canaries}
        self.mails = {canary.name: Mail(canary.name) for canary in plan.canaries}
        # One process never cuts a dwell short. What one starts and another ends is measured by clocks that differ.
        tolerance_s = max(plan.skews_s) - min(plan.skews_s) + SLACK_S
        self.court = Court(now_s, note, tolerance_s, plan.rudeness.latency_max_s + SLACK_S)
        self._put_back_s = PUT_BACK_S + 2 * plan.rudeness.delay_max_s
        if plan.rudeness.fault_chance > 0 or len(plan.skews_s) > 1:
            self._put_back_s += FAULTS_PUT_BACK_S
        self._writing: Begun | None = None
        self.sharing: Sharing | None = None
        """Where the processes share the Canaries by Leases."""

    @property
    def flaws(self) -> list[str]:
        """What was found."""
        return self.court.flaws

    def begin(self, process: str, view: MemoryView, write: Write) -> Begun:
        """A process begins a write."""
        name, now_s = name_of(write).partition("-")[0], self.court.now_s()
        if self.sharing is not None:
            self.sharing.begin(process, name, write)
        if isinstance(write, PatchJson):
            judge_patch(self.court, name, write.operations)
        ledger = self.ledgers.get(name)
        if ledger is None or write.resource in {EVENTS, RULES_REVIEWS}:
            return Begun(process, now_s)
        workloads = ledger.plan.workloads
        target = view.read(workloads, ObjectKey(NAMESPACE, name))
        primary = view.read(workloads, ObjectKey(NAMESPACE, f"{name}-primary"))
        canary = view.read(CANARIES, ObjectKey(NAMESPACE, name)) or {"spec": {}}
        return Begun(
            process, now_s, side_of(target), side_of(primary), source_of(primary), image_of(target),
            suspended=canary["spec"].get("suspend", False),
            frozen="freeze" in (view.read(CONFIG_MAPS, POLICY) or {"data": {}})["data"], version=_version(view, write),
            verdicts=dict(ledger.stage.verdicts.get(process, {})), answers=dict(ledger.answers.get(process, {})),
        )  # fmt: skip

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
        if self.sharing is not None:
            self.sharing.heard(change, self._writing.process if self._writing is not None else "")
        resource, key = change.place
        ledger = self.ledgers.get(key.name.partition("-")[0])
        if ledger is None:
            return
        wanted = ledger.meant
        if self._writing is not None and change.before is not None:
            seen = change.before["metadata"]["resourceVersion"] == self._writing.version
            self.court.demand(seen, f"{key.name}: a {resource.kind} written over what was not seen")
        if resource == CANARIES and change.after is not None:
            self._canary_changed(ledger, change)
        elif resource == VIRTUAL_SERVICES:
            judge_route(self.court, ledger, change, self._writing)
        elif resource in WORKLOADS and key.name == ledger.plan.name:
            judge_target(self.court, ledger, change, self._writing)
        elif resource in WORKLOADS and self._writing is not None:
            judge_primary(self.court, ledger, change, self._writing)
        note_deviation(ledger, self.court.now_s(), anew=ledger.meant != wanted)

    def check_put_back(self) -> None:
        """What others changed in the routes is put back within its due time, and so is what was decided done."""
        if self.sharing is not None:
            self.sharing.check()
        for name, ledger in self.ledgers.items():
            since_s = ledger.deviates_since_s
            late = since_s is not None and self.court.now_s() - since_s > self._put_back_s
            self.court.demand(
                not late, f"{name}: routes do {ledger.route} since {since_s}, and meant is {ledger.meant}"
            )

    def measured(self, process: str, workload: str, probe: Probe, outcome: Outcome, asked_at_s: float) -> None:
        """The metric source answered a process."""
        ledger = self.ledgers.get(workload)
        if ledger is None or probe.subject is not Subject.CANARY:
            return
        if probe.signal is Signal.REQUEST_RATE and outcome == Value(0.0):
            ledger.stage.silent_at_s = self.court.now_s()
        if isinstance(outcome, Unreachable):
            ledger.disturbed.add("outage")
        limits = ledger.meaning.limits.get(probe.signal)
        if limits is not None:
            passes = isinstance(outcome, Value) and limits[0] <= outcome.number <= limits[1]
            told = Told(passes, asked_at_s, self.court.now_s())
            ledger.stage.verdicts.setdefault(process, {})[probe.signal] = told

    def received(self, request: HookRequest, outcome: HookOutcome) -> None:
        """A receiver has answered a call, whether or not anybody hears of it."""
        ledger, hook = self._called(request)
        if hook is not None and hook.kind in RECEIVERS and isinstance(outcome, Accepted):
            self.mails[ledger.plan.name].arrived(self.court, ledger.uid, hook.name, request.payload)

    def answered(self, process: str, request: HookRequest, outcome: HookOutcome, asked_at_s: float) -> None:
        """A process has heard the answer of a hook."""
        ledger, hook = self._called(request)
        if hook is None or hook.kind in RECEIVERS:
            return
        yes = isinstance(outcome, Accepted)
        phase = request.payload["phase"] if hook.kind == ROLLBACK else ""
        told = Told(yes, asked_at_s, self.court.now_s())
        ledger.answers.setdefault(process, {})[hook.name, request.payload["checksum"], phase] = told
        if yes is (hook.kind == ROLLBACK) and hook.kind in {ROLLBACK, *TESTS, *GATES}:
            ledger.disturbed.add(f"{hook.name} said {'yes' if yes else 'no'}")

    def _called(self, request: HookRequest) -> tuple[Ledger, Hook | None]:
        *_, canary, name = request.url.split("/")
        ledger = self.ledgers[canary]
        return ledger, next((hook for hook in ledger.meaning.hooks if hook.name == name), None)

    def _canary_changed(self, ledger: Ledger, change: Change) -> None:
        assert change.after is not None
        before, begun, name = ledger.status, self._writing, ledger.plan.name
        after = CanaryStatus.model_validate(change.after.get("status") or {})
        ledger.uid = change.after["metadata"]["uid"]
        if begun is None:
            ledger.move(after, meaning_of(change.after["spec"]), self.court.now_s())
            return
        if _told(after) != _told(before):
            self.court.note(f"{begun.process} {name} is {_told(after)} of {after.last_applied_spec}")
        judge_decision(self.court, ledger, after, begun)
        self.mails[name].written(self.court, ledger.meaning, before, after)
        first = before.phase in {None, Phase.INITIALIZING}
        if after.last_promoted_spec != before.last_promoted_spec and not first:
            self.court.demand(after.last_promoted_spec in ledger.proven, f"{name}: called promoted without proof")
        if first and after.last_promoted_spec:
            ledger.proven.add(after.last_promoted_spec)
        if after.last_applied_spec != before.last_applied_spec or is_run_start(before, after):
            ledger.disturbed.clear()
        ledger.move(after, ledger.meaning, self.court.now_s())
        note_gates(ledger, before, begun)


def name_of(write: Write) -> str:
    """The object that a write is about; empty for a question."""
    if isinstance(write, Apply | Create | CopyContent):
        return str((write.manifest.get("metadata") or {}).get("name", ""))
    return write.key.name


def _version(view: MemoryView, write: Write) -> str:
    known = view.read(write.resource, ObjectKey(NAMESPACE, name_of(write)))
    return "" if known is None else str(known["metadata"]["resourceVersion"])


def _told(status: CanaryStatus) -> str:
    mirrored = ", mirrored" if status.mirrored else ""
    return f"{status.phase} {status.desired_weight} % (step {status.step_index}{mirrored})"


__all__ = ["Begun", "Safety", "Unsafe", "name_of"]
