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
from rollouts.core import desired, phases, resting, running, step, transition
from rollouts.engine import converge
from rollouts.engine.reconcile import Reconciler
from rollouts.engine.record import Recorder
from rollouts.testing.memory_server import MemoryServer
from tests.sim import process


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
        patch.setattr(self.owner, self.function, made[self.function])


_STATUS_FIRST = """    written = await self._recorder.write_status(subject.manifest, intent)
    confirmed = written is not subject.manifest
    changed, failed = await self._converge(subject, seen, decision, None if confirmed else written)
"""
_WORLD_FIRST = """    changed, failed = await self._converge(subject, seen, decision, None)
    written = await self._recorder.write_status(subject.manifest, intent)
"""
_FORGETFUL = """    status = read_status(subject.manifest)
    if key not in self._memories:
        status = status.model_copy(update={"dwell_started_at": None, "last_check_at": None})
"""
_ANY_VERSION = """    if resource.kind == "Canary":
        return found
    if found["metadata"]["resourceVersion"] != version:"""

MUTANTS = (
    Mutant("status written after the world", Reconciler, "_round", _STATUS_FIRST, _WORLD_FIRST),
    Mutant("a read status is trusted", Recorder, "confirm",
           "await self._cluster.write", "return; await self._cluster.write"),
    Mutant("status written at any version", MemoryServer, "_at_version",
           '    if found["metadata"]["resourceVersion"] != version:', _ANY_VERSION),
    Mutant("dwell counted anew after a restart", Reconciler, "_round",
           "    status = read_status(subject.manifest)\n", _FORGETFUL),
    Mutant("no dwell", running, "_judged", "timedelta(seconds=spec.analysis.interval_s)", "timedelta(seconds=1)"),
    Mutant("drain skipped", resting, "find_drain", "seen.now >= ends_at", "True"),
    Mutant("two steps at once", transition, "_weighed",
           "next_weight(spec.analysis, status.desired_weight) or status.desired_weight",
           "next_weight(spec.analysis, next_weight(spec.analysis, status.desired_weight) or 0) or 100"),
    Mutant("promoted without results", running, "_judged", "    unanswered =",
           "    if next_weight(spec.analysis, status.desired_weight) is None:\n"
           "        return Finding(Event.STEPS_PASSED, '')\n    unanswered ="),
    Mutant("a failed check passes", running, "_decided", "return _failed(", "return _passed("),
    Mutant("scaled down before the routes are at 0", desired, "_canary_replicas",
           "status.drained and status.desired_weight == 0 and seen.route_weight == 0", "status.desired_weight == 0"),
    Mutant("weight before the pods", running, "_from_zero", "if not grown(seen.target):", "if seen.target is None:"),
    Mutant("what was deleted stays away", converge, "_whole", "known is None or", "known is not None and"),
    Mutant("a changed target wakes nobody", process, "wake_interested",
           "queue.add(canary)", "queue.add(canary) if key.name != canary.name else None"),
)  # fmt: skip

STUCK_ROWS = {
    "a rollback keeps the weight": (Phase.PROGRESSING, phases.Event.ROLLBACK, phases.Share.KEEP),
    "a new revision keeps the weight": (Phase.PROGRESSING, phases.Event.NEW_REVISION, phases.Share.KEEP),
    "a rollback gives everything": (Phase.PROGRESSING, phases.Event.ROLLBACK, phases.Share.ALL),
}
"""Rows of the table with another share."""


def install_row(name: str, patch: pytest.MonkeyPatch) -> None:
    """The table with that one row broken."""
    phase, event, share = STUCK_ROWS[name]
    row = phases.TRANSITIONS[phase, event]
    patch.setattr(step, "TRANSITIONS", {**phases.TRANSITIONS, (phase, event): phases.Row(row.to, share)})
