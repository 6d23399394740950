"""Properties of `step` for single calls, with input that no world would lead to, too."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollouts.api.actions import Verb
from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.observed import Observed
from rollouts.core.phases import TRANSITIONS, Event
from rollouts.core.step import NEVER_BLOCKED, step
from tests.core.chance import observations, specs, statuses
from tests.core.given import at, bad, good, pods, running, seen_at, spec_of
from tests.core.invariants import STANDING, check_status

ROUNDS_MAX = 8


@settings(max_examples=150)
@given(spec=specs(), status=statuses(), seen=observations())
def test_step_answers_whatever_it_is_asked(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> None:
    """Total and deterministic: no input raises, none finds a pair without a row, and the answer is always the same."""
    decision = step(spec, status, seen)

    assert step(spec, status, seen) == decision
    assert decision.status.phase is TRANSITIONS[status.phase or Phase.INITIALIZING, decision.event].to
    assert 0 <= decision.desired.weight <= decision.status.weight_total
    assert decision.wake_at is None or decision.wake_at > seen.now
    check_status(decision.status)


@settings(max_examples=150)
@given(spec=specs(), status=statuses(), seen=observations())
def test_step_comes_to_rest(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> None:
    """In a world that stands still it soon changes nothing, wants the same, and says nothing more."""
    decision = step(spec, status, seen)
    for _ in range(ROUNDS_MAX):
        before, decision = decision, step(spec, decision.status, seen)
        if decision.status == before.status:
            break

    last = step(spec, decision.status, seen)

    assert (last.status, last.desired, last.asks) == (decision.status, decision.desired, decision.asks)
    assert last.event in STANDING
    assert last.announcement is None


@settings(max_examples=100)
@given(spec=specs(), status=statuses(), seen=observations())
def test_nothing_moves_a_release_that_is_over(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> None:
    """Succeeded and Failed are left for nothing but a revision that was not released last, a retry, or deletion."""
    over = status.model_copy(update={"phase": Phase.FAILED, "last_applied_spec": "b"})
    actions = tuple(asked for asked in seen.actions if asked.verb is not Verb.RETRY)
    seen = replace(seen, target=pods("b"), actions=actions, deleting=False)

    for phase in (Phase.FAILED, Phase.SUCCEEDED):
        assert step(spec, over.model_copy(update={"phase": phase}), seen).status.phase is phase


@given(jump_s=st.floats(-86_400, 86_400), weight=st.sampled_from([10, 20, 50]))
def test_a_clock_that_jumps_raises_no_weight_without_evidence(jump_s: float, weight: int) -> None:
    """A clock that goes back holds longer; one that goes forward asks; neither adds weight by itself."""
    status = running(weight)
    seen = replace(seen_at(5, route_weight=weight, samples=good(5)), now=at(5) + timedelta(seconds=jump_s))

    decision = step(spec_of(), status, seen)

    assert decision.event is Event.WAITED
    assert decision.desired.weight == weight
    assert bool(decision.asks) == (seen.now >= at(10))


@pytest.mark.parametrize("event", sorted(NEVER_BLOCKED))
def test_what_makes_it_safer_takes_weight_away_or_leaves_it(event: Event) -> None:
    """Nothing that happens in spite of a problem gives an unproven version more, unless nobody else serves."""
    shares = {row.share for (_, found), row in TRANSITIONS.items() if found is event}

    assert "next" not in shares
    assert ("all" in shares) == (event is Event.STRANDED)


@pytest.mark.parametrize("failed", [0, 1, 2])
def test_the_evaluation_that_reaches_the_threshold_rolls_back(failed: int) -> None:
    """Cumulative failures: the third of three takes the weight away in its own evaluation, no tick later."""
    status = running(20, failed_checks=failed)

    decision = step(spec_of(threshold=3), status, seen_at(10, route_weight=20, samples=bad(10)))

    assert decision.status.failed_checks == failed + 1
    assert decision.desired.weight == (0 if failed == 2 else 20)
    assert decision.status.phase is (Phase.FAILED if failed == 2 else Phase.PROGRESSING)
