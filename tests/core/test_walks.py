"""Properties of whole lives: whatever happens to a Canary, in whatever order, stepped as the engine does it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.decision import Decision
from rollouts.core.observed import Observed
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.acts import Act, mend
from tests.core.chance import delays, happenings, specs
from tests.core.given import EPOCH
from tests.core.invariants import STANDING, check
from tests.core.pods import Pods
from tests.core.world import World

Happenings = list[tuple[float, Act]]


class Witness:
    """Remembers of a life what a single Decision can't tell."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.passed = {"a", ""}
        self.in_force_since: float | None = None
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
        """No step is shortened but by a person: the routes had the weight for a whole interval before it is raised."""
        by_hand = decision.status.actions != before.actions
        now = (seen.now - EPOCH).total_seconds()
        if seen.route_weight == before.desired_weight and self.in_force_since is None:
            self.in_force_since = now
        if decision.event is Event.ADVANCE and before.desired_weight > 0 and not by_hand:
            assert self.in_force_since is not None
            assert now - self.in_force_since >= self.world.spec.analysis.interval_s
        if decision.status.desired_weight != before.desired_weight or decision.event is Event.RESCUE:
            self.in_force_since = None

    def _evidence(self, before: CanaryStatus, decision: Decision) -> None:
        """Nothing is promoted, and nothing copied to the primary, but what passed all its steps."""
        after = decision.status
        if decision.event is Event.STEPS_PASSED:
            self.passed.add(after.last_applied_spec)
        if after.phase is not Phase.INITIALIZING and before.phase not in {None, Phase.INITIALIZING}:
            assert after.last_promoted_spec in self.passed
        if decision.event is Event.PREPARED:
            self.passed.add(after.last_promoted_spec)


@settings(max_examples=150)
@given(
    spec=specs(),
    happens=happenings(),
    ready_after=delays(),
    copy_ready_after=delays(),
    route_lag=st.sampled_from([0.0, 0.0, 2.0]),
)
def test_every_decision_of_a_life_is_safe(
    spec: CanarySpec,
    happens: Happenings,
    ready_after: dict[str, float],
    copy_ready_after: dict[str, float],
    route_lag: float,
) -> None:
    """Whatever happens, each Decision keeps every invariant, and the controller comes to rest after each change."""
    world = World(
        spec, Pods("a"), ready_after=ready_after, copy_ready_after=copy_ready_after, route_lag=route_lag, now=-60.0
    )
    witness = Witness(world)
    world.run(0.0)

    world.run(happens[-1][0] + 60, happens)

    assert witness.decisions > 0


@settings(max_examples=60)
@given(spec=specs(), happens=happenings(), ready_after=delays())
def test_every_life_comes_to_its_end(spec: CanarySpec, happens: Happenings, ready_after: dict[str, float]) -> None:
    """When everything is mended and a good version is applied, it is promoted within its due time."""
    world = World(spec, Pods("a"), ready_after=ready_after, now=-60.0)
    Witness(world)
    world.run(0.0)
    ends = happens[-1][0]
    world.run(ends, happens)

    world.run(ends, [(ends, mend)])
    world.run(ends + 150, [(ends + 120, Act("apply", "d"))])
    world.run(ends + 150 + 100 * 10 + 200)

    assert world.status.last_promoted_spec == "d"
    assert (world.status.phase, world.route) == (Phase.SUCCEEDED, 0)
