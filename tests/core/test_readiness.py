"""Pods that are missing, late or gone, on either side, and what is made of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollouts.api.status import Phase
from rollouts.core.observed import WorkloadState
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.given import at, copy, good, pods, running, seen_at, spec_of, status_in


def test_a_stranded_canary_does_not_drain() -> None:
    """A canary that serves everything is not scaled down because the routes were seen at 0 % for a moment."""
    stranded = running(100, phase=Phase.FAILED)
    primary = copy("a", 0, ready=False)

    status = step(spec_of(), stranded, seen_at(0, route_weight=0, primary=primary)).status
    later = step(spec_of(), status, seen_at(60, route_weight=0, primary=primary))

    assert (later.status.drained, later.desired.canary_replicas) == (False, None)


def test_a_primary_that_was_deleted_between_releases_is_made_again() -> None:
    """While the target is at the promoted revision, the primary is copied from it anew."""
    seen = seen_at(0, target=pods("a", 0), primary=None)

    assert step(spec_of(), status_in(Phase.SUCCEEDED), seen).desired.copy_to_primary


def test_a_primary_is_not_made_of_an_unproven_revision() -> None:
    """A deleted primary is no reason to promote what has failed."""
    failed = status_in(Phase.FAILED, last_applied_spec="b")

    assert not step(spec_of(), failed, seen_at(0, primary=None)).desired.copy_to_primary


def test_a_primary_that_is_never_up_ends_the_run() -> None:
    """Before the first weight the deadline holds for the primary's pods, too."""
    status = running(0, not_ready_since=at(0))

    decision = step(spec_of(60), status, seen_at(60, primary=copy("a", 1, ready=False)))

    assert (decision.event, decision.message) == (Event.ROLLBACK, "the primary's pods were not ready within 60 s")


@pytest.mark.parametrize(
    ("weight", "target", "primary", "message"),
    [
        (10, pods("b", 1, ready=False), copy("a"), "passed, but not all pods of the canary are ready"),
        (10, pods("b"), copy("a", 1, ready=False), "passed, but not all pods are ready for more weight"),
        (50, pods("b", 1, ready=False), copy("a"), "passed, but not all pods of the canary are ready"),
    ],
    ids=["canary not grown", "primary not grown", "last step"],
)
def test_pods_that_are_missing_hold_what_has_passed(
    weight: int, target: WorkloadState, primary: WorkloadState, message: str
) -> None:
    """A step that passed is not left while pods are missing, and is judged again an interval later."""
    seen = seen_at(10, route_weight=weight, target=target, primary=primary, samples=good(10))

    held = step(spec_of(), running(weight), seen)
    later = step(spec_of(), held.status, replace(seen, now=at(11), target=pods("b"), primary=copy("a")))
    passed = step(spec_of(), later.status, seen_at(20, route_weight=weight, samples=good(20)))

    assert (held.event, held.message, held.status.desired_weight) == (Event.UNDECIDED, message, weight)
    assert (later.event, later.wake_at) == (Event.WAITED, at(20))
    assert passed.event is (Event.ADVANCE if weight == 10 else Event.STEPS_PASSED)


@pytest.mark.parametrize("given_up", [False, True])
def test_a_deadline_of_kubernetes_counts_like_ours(*, given_up: bool) -> None:
    """When Kubernetes gives the canary's roll-out up, nobody waits for our own deadline."""
    decision = step(spec_of(600), running(0), seen_at(1, target=pods("b", 2, ready=False, deadline_exceeded=given_up)))

    assert decision.event is (Event.ROLLBACK if given_up else Event.WAITED)
    assert decision.wake_at == (None if given_up else at(16))


def test_a_primary_that_kubernetes_gave_up_leaves_the_traffic_on_the_canary() -> None:
    """The proven canary is whole and the primary's roll-out is given up: no wait for our deadline."""
    promoting = running(50, phase=Phase.PROMOTING)

    decision = step(
        spec_of(600), promoting, seen_at(1, route_weight=50, primary=copy("b", 1, ready=False, deadline_exceeded=True))
    )

    assert (decision.event, decision.desired.weight) == (Event.STRANDED, 100)


@pytest.mark.parametrize(
    ("target", "primary", "size"),
    [
        pytest.param(pods("c", 3), copy("a", 5), 3, id="its own"),
        pytest.param(pods("c", 0), copy("a", 5), 5, id="the primary's if it was scaled down"),
        pytest.param(pods("c", 0), copy("a", 0), 1, id="at least one"),
        pytest.param(pods("c", 0), None, 1, id="one without a primary"),
    ],
)
def test_size_of_the_canary(target: WorkloadState, primary: WorkloadState | None, size: int) -> None:
    """How many pods a run starts with; the canary is scaled only from zero."""
    decision = step(spec_of(), status_in(Phase.SUCCEEDED), seen_at(0, target=target, primary=primary))

    assert decision.status.canary_replicas == size
    assert decision.desired.canary_replicas == (None if target.replicas else size)


def test_the_first_step_waits_for_either_side() -> None:
    """It is said for whose pods, and they have a while before anybody asks after them."""
    status = running(0, not_ready_since=at(0))

    canary = step(spec_of(60), status, seen_at(5, target=pods("b", 2, ready=False), primary=copy("a", 2, ready=False)))
    primary = step(spec_of(60), status, seen_at(5, primary=copy("a", 2, ready=False)))

    assert (canary.message, canary.wake_at) == ("waiting for the canary's pods", at(15))
    assert (primary.message, primary.wake_at) == ("waiting for the primary's pods", at(15))


def test_each_share_of_the_way_back_is_held_for_an_interval() -> None:
    """From when the routes carry it."""
    spec = spec_of(stepWeightPromotion=20)
    back = step(spec, running(50, phase=Phase.PROMOTING), seen_at(10, route_weight=50, primary=copy("b")))
    written = step(spec, back.status, seen_at(11, route_weight=50, routed=False, primary=copy("b")))
    held = step(spec, written.status, seen_at(12, route_weight=30, primary=copy("b")))

    assert (back.event, back.desired.weight) == (Event.SHIFTED, 30)
    assert (written.message, written.wake_at) == ("waiting for the routes to carry the weight", None)
    assert (held.message, held.wake_at) == ("holding 30 % on the way back", at(22))
