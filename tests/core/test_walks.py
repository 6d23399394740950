"""Properties of whole lives: whatever happens to a Canary, in whatever order, stepped as the engine does it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase, Verdict
from rollouts.core.approving import needed_at
from rollouts.core.decision import Decision
from rollouts.core.desired import routing_of
from rollouts.core.observed import Observed
from rollouts.core.phases import Event
from rollouts.core.plan import Step, current_step, plan_of
from rollouts.core.step import step
from tests.core.acts import Act, mend
from tests.core.chance import delays, happenings, specs
from tests.core.given import EPOCH, by_hand, gate_at, running, with_hooks
from tests.core.invariants import STANDING, check, was_asked
from tests.core.pods import Pods
from tests.core.world import World

pytestmark = pytest.mark.timeout(240)  # hundreds of lives, under coverage three times as long
TRAFFIC = "confirm-traffic-increase"
Happenings = list[tuple[float, Act]]


class Witness:
    """Remembers of a life what a single Decision can't tell."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.passed = {"a", ""}
        self.in_force_since: float | None = None
        self.checks = 0
        self.decisions = 0
        world.watchers += [self.see]

    def see(self, before: CanaryStatus, seen: Observed, decision: Decision) -> None:
        """Check one step."""
        self.decisions += 1
        check(self.world.spec, before, seen, decision)
        assert step(self.world.spec, before, seen) == decision, "another answer to the same question"
        if decision.event in STANDING and not decision.status.metrics:
            again = step(self.world.spec, decision.status, seen)
            assert (again.status, again.desired) == (decision.status, decision.desired)
            assert again.announcement is None
        self._dwell(before, seen, decision)
        self._evidence(before, decision)

    def _dwell(self, before: CanaryStatus, seen: Observed, decision: Decision) -> None:
        """No step is skipped or shortened but by a person: in force for its whole dwell, all its checks passed."""
        spec, after = self.world.spec, decision.status
        now = (seen.now - EPOCH).total_seconds()
        if seen.routed and self.in_force_since is None:
            self.in_force_since = now
        judged = after.metrics != before.metrics and bool(after.metrics)
        self.checks += int(judged and {result.verdict for result in after.metrics} == {Verdict.PASS})
        leads_on = decision.event in {Event.ADVANCE, Event.STEPS_PASSED} and not spec.skip_analysis
        present = current_step(spec.analysis, before)
        if leads_on and present is not None and not was_asked(before, decision):
            assert self.in_force_since is not None
            assert now - self.in_force_since >= present.dwell_s >= spec.analysis.interval_s
            assert self.checks >= present.checks
        if _place(after) != _place(before):
            self.in_force_since, self.checks = None, 0

    def _evidence(self, before: CanaryStatus, decision: Decision) -> None:
        """Nothing is promoted, and nothing copied to the primary, but what passed all its steps."""
        after = decision.status
        if decision.event is Event.STEPS_PASSED:
            self.passed.add(after.last_applied_spec)
        if after.phase is not Phase.INITIALIZING and before.phase not in {None, Phase.INITIALIZING}:
            assert after.last_promoted_spec in self.passed
        if decision.event is Event.PREPARED:
            self.passed.add(after.last_promoted_spec)


def _place(status: CanaryStatus) -> tuple[object, ...]:
    """What a new dwell begins with: another share, or another run."""
    return status.desired_weight / status.weight_total, status.mirrored, status.step_index > 0, status.started_at


@settings(max_examples=150)
@given(
    spec=specs(),
    happens=happenings(),
    ready_after=delays(),
    copy_ready_after=delays(),
    lags=st.tuples(st.sampled_from([0.0, 0.0, 2.0]), st.sampled_from([0.0, 0.0, 4.0, 12.0])),
)
def test_every_decision_of_a_life_is_safe(
    spec: CanarySpec,
    happens: Happenings,
    ready_after: dict[str, float],
    copy_ready_after: dict[str, float],
    lags: tuple[float, float],
) -> None:
    """Whatever happens, each Decision keeps every invariant, and the controller comes to rest after each change."""
    world = World(
        spec, Pods("a"), ready_after=ready_after, copy_ready_after=copy_ready_after, now=-60.0,
        route_lag=lags[0], call_lag=lags[1],
    )  # fmt: skip
    witness = Witness(world)
    world.run(0.0)

    world.run(happens[-1][0] + 60, happens)

    assert witness.decisions > 0


def _in_mid_run(phase: Phase, spec: CanarySpec) -> World:
    """Revision b is at its last step before the promotion is confirmed, or wherever `phase` says, on its way from a."""
    steps = plan_of(spec.analysis)
    last = next(place for place, step in enumerate(steps, start=1) if step.confirmed or place == len(steps))
    index = {Phase.WAITING: 0, Phase.PROGRESSING: 1}.get(phase, last - 1 if steps[last - 1].confirmed else last)
    gates = {Phase.WAITING: "confirm-rollout", Phase.WAITING_PROMOTION: "confirm-promotion"}
    present = steps[index - 1] if index else Step(0, 0.0)
    status = running(
        present.weight, phase=phase, strategy=str(spec.analysis.strategy), step_index=index,
        mirrored=present.mirrored, dwell_started_at=None, weight_total=spec.analysis.weight_total,
        gate=gate_at(gates[phase]) if phase in gates else None,
    )  # fmt: skip
    primary = Pods("copy of a", source_revision="a")
    return World(spec, Pods("b"), primary=primary, status=status, route=routing_of(spec, status), apex_on_primary=True)


@pytest.mark.parametrize("phase", [Phase.WAITING, Phase.PROGRESSING, Phase.WAITING_PROMOTION, Phase.PROMOTING])
@settings(max_examples=40)
@given(spec=specs(), happens=happenings(), late=st.booleans())
def test_what_follows_in_mid_run_is_safe(phase: Phase, spec: CanarySpec, happens: Happenings, *, late: bool) -> None:
    """The same for lives that got far already: there few of the others get by chance."""
    held = [by_hand("confirm-rollout"), by_hand("confirm-promotion")] + ([by_hand(TRAFFIC)] if late else [])
    world = _in_mid_run(phase, with_hooks(spec, held))
    witness = Witness(world)
    witness.passed |= {"b"} if phase is Phase.PROMOTING else set()

    world.run(happens[-1][0] + 60, happens[1:])

    assert witness.decisions > 0


STEPS_MAX, SLOWEST_S = 40, 20 + 20
"""Steps of a schedule by chance, and how long one may take: its dwell, and an interval with its polls."""


@settings(max_examples=60)
@given(spec=specs(), happens=happenings(), ready_after=delays(), call_lag=st.sampled_from([0.0, 4.0]))
def test_every_life_comes_to_its_end(
    spec: CanarySpec, happens: Happenings, ready_after: dict[str, float], call_lag: float
) -> None:
    """When everything is mended and a good version is applied, it is promoted within its due time."""
    world = World(spec, Pods("a"), ready_after=ready_after, now=-60.0, call_lag=call_lag)
    Witness(world)
    world.run(0.0)
    ends = happens[-1][0]
    world.run(ends, happens)

    world.watchers.append(lambda _, __, decision: _approve(world, decision.status))
    world.run(ends, [(ends, mend)])
    world.run(ends + 120 + STEPS_MAX * (SLOWEST_S + 10) + 200, [(ends + 120, Act("apply", "d"))])

    assert world.route is not None
    assert (world.status.last_promoted_spec, world.status.phase) == ("d", Phase.SUCCEEDED)
    assert (world.route.weight, world.route.mirror_percent) == (0, 0)
    assert world.status.outbox == ()


def _approve(world: World, status: CanaryStatus) -> None:
    """Somebody opens each gate as soon as it is known, or as many persons as it asks for."""
    gate = status.gate
    if gate is None or gate.approved:
        return
    needed = needed_at(gate.type, world.spec)
    if needed == 1:
        world.annotations["approve"] = f"{gate.type} {world.now:g}"
        return
    world.vouched = True
    for user in ("ann", "bob", "cid", "dee", "eve")[:needed]:
        asked = {"id": f"{gate.type} {world.now:g}", "user": user, "revision": status.last_applied_spec}
        world.annotations[f"approve.{user}"] = json.dumps(asked)
