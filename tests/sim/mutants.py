"""Our rules, deliberately broken one at a time: the text of one function changed, and the function made anew.

A mutant names what it breaks. Where the text that it changes is gone, making it fails, so that it can't rot unseen.
"""

from __future__ import annotations
import __future__

import inspect
import sys
import textwrap
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from rollouts.api.status import Phase
from rollouts.core import (
    desired,
    gate,
    holds,
    judged,
    observed,
    onward,
    phases,
    resting,
    running,
    schedule,
    sizing,
    step,
    transition,
)
from rollouts.engine import supervisor, versions
from rollouts.engine.calling import Caller
from rollouts.engine.reconcile import Reconciler
from rollouts.engine.record import Recorder
from rollouts.engine.term import Tenure
from rollouts.testing.memory_server import MemoryServer
from rollouts.traffic import istio_metadata, istio_patch


@dataclass(frozen=True, slots=True)
class Mutant:
    """One function, and what is changed in its text."""

    name: str
    owner: ModuleType | type[Any]
    function: str
    old: str
    new: str

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Put it in the place of the right one."""
        right = getattr(self.owner, self.function)
        source = textwrap.dedent(inspect.getsource(right))
        assert source.count(self.old) == 1, f"{self.name}: {self.function} holds {self.old!r} not once"
        flags = __future__.annotations.compiler_flag
        code = compile(source.replace(self.old, self.new), f"<{self.name}>", "exec", flags=flags)
        made: dict[str, Any] = {}
        exec(code, vars(sys.modules[right.__module__]), made)  # noqa: S102 - a changed copy of our own text
        broken = made[self.function]
        patch.setattr(self.owner, self.function, broken)
        for module in [known for name, known in sys.modules.items() if name.startswith(("rollouts.", "tests.sim."))]:
            if vars(module).get(self.function) is right:
                patch.setattr(module, self.function, broken)
        finders = {phase: broken if finder is right else finder for phase, finder in step.FINDERS.items()}
        patch.setattr(step, "FINDERS", finders)


_STATUS_FIRST = """    written = await self._record(subject.manifest, work, memory.tenure)
    # Before anything below can fail: a bad release must not stay because a repair is refused.
    self._ask(key, subject, work)
    self._exchange.send(key, work.intent, subject)
    changed, failed = await self._converge(subject, work, memory)
"""
_WORLD_FIRST = """    memory.tenure.term = memory.tenure.term or work.status.term
    changed, failed = await self._converge(subject, work, memory)
    written = await self._record(subject.manifest, work, memory.tenure)
    self._ask(key, subject, work)
    self._exchange.send(key, work.intent, subject)
"""
_WRITTEN = "    return await self._patch(canary, status.to_wire(), tenure.next_term(known), tenure)"
_TOLD_LATER = """    untold = status.model_copy(update={"outbox": known.outbox, "notices": known.notices})
    canary = await self._patch(canary, untold.to_wire(), tenure.next_term(known), tenure)
    return await self._patch(canary, status.to_wire(), tenure.next_term(read_status(canary)), tenure)"""
_LOOK = "    heard = replace(self._exchange.heard(key), vouched=vouched, judged_at=memory.judged_at)\n"
_FORGETFUL = """    if memory.tenure.term is None:
        told = {**(subject.manifest.get("status") or {}), "dwellStartedAt": None, "lastCheckAt": None}
        subject = Subject({**subject.manifest, "status": told}, subject.owner, subject.spec)
"""
_ANY_VERSION = """    if resource.kind == "Canary":
        return found
    if found["metadata"]["resourceVersion"] != version:"""
_NEXT = "next_step(analysis, status)"
_NEXT_BUT_ONE = """(next_step(analysis, status.model_copy(update={
            "desired_weight": getattr(next_step(analysis, status), "weight", 0), "step_index": 1,
        })) or next_step(analysis, status))"""
_UNJUDGED = """    from rollouts.core.plan import next_step
    if next_step(spec.analysis, status) is None:
        return Finding(Event.STEPS_PASSED, '')
    if unjudged := weighing.unanswered + unanswered(measured)"""

ENGINE = (
    Mutant("status written after the world", Reconciler, "_round", _STATUS_FIRST, _WORLD_FIRST),
    Mutant("a notice is written after its decision", Recorder, "write_status", _WRITTEN, _TOLD_LATER),
    Mutant("a notice is sent under another id after a restart", Caller, "tell",
           "{notice.number}", "{notice.number}-{id(self)}"),
    Mutant("a read status is trusted", Reconciler, "_record", "work.incomplete or (", "work.incomplete and ("),
    Mutant("nobody stands back", Tenure, "stand_back", "not self._rival", "self.term != -1"),
    Mutant("status written at any version", MemoryServer, "_at_version",
           '    if found["metadata"]["resourceVersion"] != version:', _ANY_VERSION),
    Mutant("an apply at any version", versions, "at_version_of", "if known is None:", "if True:"),
    Mutant("weights patched at any version", istio_metadata, "at_version", "[*operations, *checked]", "operations"),
    Mutant("weights patched without tests", istio_patch, "_test_identity", "if key in rule:", "if False:"),
    Mutant("dwell counted anew after a restart", Reconciler, "_round", _LOOK, _FORGETFUL + _LOOK),
    Mutant("what was deleted stays away", versions, "whole", "if known is None or", "if known is not None and"),
    Mutant("a changed target wakes nobody", supervisor, "wake_interested",
           "queue.add(canary)", "queue.add(canary) if key.name != canary.name else None"),
    Mutant("a Canary is due again at once", Reconciler, "_round",
           "return settled, decision.wake_at", "return settled, work.seen.now"),
)  # fmt: skip

CORE = (
    Mutant("judged too early", schedule, "due_at_of",
           "last + timedelta(seconds=spec.analysis.interval_s)", "last + timedelta(seconds=1)"),
    Mutant("no dwell", onward, "_unfinished", "over = held + early >= timedelta(seconds=step.dwell_s)", "over = True"),
    Mutant("iterations off by one", onward, "_unfinished", "status.iterations + 1 <", "status.iterations + 2 <"),
    Mutant("drain skipped", resting, "find_silence", "    if seen.now >= ends_at:", "    if True:"),
    Mutant("two steps at once", transition, "_weighed", _NEXT, _NEXT_BUT_ONE),
    Mutant("promoted without results", running, "_all_judged",
           "    if unjudged := weighing.unanswered + unanswered(measured)", _UNJUDGED),
    Mutant("a failed check passes", judged, "_found",
           "return count_failure(spec, status, seen, Event.CHECK_FAILED, message)",
           "return go_on(spec, status, seen, message)"),
    Mutant("scaled down before the routes are at 0", sizing, "canary_replicas",
           "status.drained and status.desired_weight == 0 and seen.route_weight == 0", "status.desired_weight == 0"),
    Mutant("pods count before they are ready", observed, "grown", "workload.ready and workload.available > 0", "True"),
    Mutant("gates ignored", gate, "look_at", "if not hooks or (",
           "if kind is not HookType.CONFIRM_PROMOTION or not hooks or ("),
    Mutant("the gate before the promotion ignored", schedule, "gate_before",
           "return None if early else", "return None;"),
    Mutant("a rollback hook ignored", gate, "look_for_rollback", "asks, instants = [], []", "return Gate()"),
    Mutant("an approval holds for the next revision", transition, "_gated",
           "_closed(HookType.CONFIRM_ROLLOUT, spec, seen)",
           "(status.gate or _closed(HookType.CONFIRM_ROLLOUT, spec, seen))"),
    Mutant("a step is taken in a freeze", holds, "hold_of_step", "if status.overridden_at else", "if True else"),
    Mutant("a release starts in a freeze", holds, "hold_of_news", "if not hold.queued", "if hold.reason != 'Frozen'"),
    Mutant("copies beside the weight", transition, "_weighed",
           "following.mirrored", "following.mirrored or status.mirrored"),
    Mutant("a stranded A/B test keeps matching", desired, "routing_of", " and not status.stranded", ""),
)  # fmt: skip

MUTANTS = (*ENGINE, *CORE)

STUCK_ROWS = {
    "a rollback keeps the weight": (Phase.PROGRESSING, phases.Event.ROLLBACK, phases.Share.KEEP),
    "a new revision keeps the weight": (Phase.PROGRESSING, phases.Event.NEW_REVISION, phases.Share.KEEP),
    "a lost canary keeps its weight": (Phase.PROGRESSING, phases.Event.CANARY_LOST, phases.Share.KEEP),
    "a rollback gives everything": (Phase.PROGRESSING, phases.Event.ROLLBACK, phases.Share.ALL),
}
"""Rows of the table with another share."""


def install_row(name: str, patch: pytest.MonkeyPatch) -> None:
    """The table with that one row broken."""
    phase, event, share = STUCK_ROWS[name]
    row = phases.TRANSITIONS[phase, event]
    patch.setattr(step, "TRANSITIONS", {**phases.TRANSITIONS, (phase, event): phases.Row(row.to, share)})
