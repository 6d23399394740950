"""Bugs that this simulation has found, each in the world in which it showed: put back, it shows there again.

Seeds go on to mean other runs when plans or timing change. So each bug is kept as a broken rule and a few plans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from rollouts.core import resting
from rollouts.engine.reconcile import Reconciler
from rollouts.testing import memory_refusals
from tests.sim.cases import drained_and, first_version_stuck, pairs
from tests.sim.faults import Fate, Fault
from tests.sim.mutants import MUTANTS, Mutant
from tests.sim.world import Outcomes, run

pytestmark = [pytest.mark.sim, pytest.mark.timeout(120)]

SCALE = "Apply deployments app0"


@dataclass(frozen=True, slots=True)
class Bug:
    """One bug, and the worlds that show it."""

    text: str
    put_back: tuple[Mutant, ...]
    runs: Callable[[], Iterator[Outcomes]]


def _known(name: str) -> Mutant:
    return next(mutant for mutant in MUTANTS if mutant.name == name)


def _two_processes() -> Iterator[Outcomes]:
    return map(run, pairs())


def _late_scale(then: str) -> Iterator[Outcomes]:
    """The scale-down times out and lands up to 2 s later; meanwhile its user does something."""
    clean = run(drained_and(then))
    scaled = [float(line.split()[0]) for line in clean.trace if line.endswith("scales app0 to 0")]
    places = [place for place, what in enumerate(clean.awaited, start=1) if what == SCALE]
    # The first is after the start, the second after the release; the rest is the calm's.
    place, at_s = next((place, at_s) for place, at_s in zip(places[2:], scaled[1:], strict=False) if at_s > 20.0)
    for nearby in range(place - 2, place + 3):
        for late_s in (0.0, 0.2, 0.4, 0.8):
            yield run(drained_and(then, scaled_at_s=at_s + late_s - 0.3), Fault(nearby, Fate.LATE))


TERMLESS = Mutant("", Reconciler, "_check_term", "if canary is not None and", "if False and")
"""As it was when nobody claimed a Canary."""

PAST = (
    Bug("two processes: one makes true what the other has decided otherwise",
        (_known("a read status is trusted"), _known("nobody stands back"), TERMLESS), _two_processes),
    Bug("two processes: a failed version given weight by the one with the older status",
        (_known("status written at any version"),), _two_processes),
    Bug("a scale-down that timed out and landed in the next release", (_known("an apply at any version"),),
        lambda: _late_scale("release good")),
    Bug("a scale of a deleted target made a Deployment without template",
        (Mutant("", memory_refusals, "check_complete", "if absent:", "if absent and False:"),),
        lambda: _late_scale("delete target")),
    Bug("a first version that never starts kept the Canary initializing for ever",
        (Mutant("", resting, "_never_served", "return unrouted and", "return False and"),),
        lambda: iter((run(first_version_stuck()),))),
)  # fmt: skip


@pytest.mark.parametrize("bug", PAST, ids=lambda bug: bug.text)
def test_a_past_bug_stays_away(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the right rule holds everywhere, the old one fails somewhere."""
    for outcomes in bug.runs():
        assert not outcomes.flaws, f"{outcomes.flaws[0]}\nrepeat it: {outcomes.command()}"
    for mutant in bug.put_back:
        mutant.install(monkeypatch)
    assert any(outcomes.flaws for outcomes in bug.runs())
