"""A canary without a pod kept its share although the primary could serve."""

from __future__ import annotations

import pytest

from rollouts.api.status import Phase
from rollouts.core.observed import Problem, WorkloadState
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.examples import DEAD
from tests.core.given import copy, pods, running, seen_at, spec_of


@pytest.mark.parametrize("target", [None, pods("b", **DEAD)])
def test_found_on_the_way_back(target: WorkloadState | None) -> None:
    """The way back to the primary is slow only while there is somebody to take requests."""
    status = running(50, phase=Phase.PROMOTING)

    decision = step(spec_of(stepWeightPromotion=20), status, seen_at(1, target=target, primary=copy("b")))

    assert (decision.event, decision.desired.weight) == (Event.PRIMARY_READY, 0)


def test_found_when_the_analysis_is_skipped_in_mid_run() -> None:
    """Whoever skips the judgement does not skip the pods."""
    spec = spec_of(threshold=2).model_copy(update={"skip_analysis": True})

    decision = step(spec, running(50), seen_at(5, route_weight=50, target=pods("b", **DEAD)))

    assert (decision.event, decision.desired.weight) == (Event.CANARY_LOST, 0)


@pytest.mark.parametrize(("target", "weight"), [(pods("b", **DEAD), 0), (pods("b"), 100)])
def test_found_after_a_failed_promotion(target: WorkloadState, weight: int) -> None:
    """What was left with the canary goes back to one pod of the primary if the canary has none any more."""
    status = running(100, phase=Phase.FAILED, stranded=True)
    primary = copy("a", available=1, replicas=2, ready=False)

    decision = step(spec_of(), status, seen_at(5, route_weight=100, target=target, primary=primary))

    assert decision.desired.weight == weight


def test_found_while_something_else_is_wrong() -> None:
    """A target that was deleted in the promotion keeps nobody from sending its requests to the primary."""
    gone = Problem("TargetNotFound", "Deployment shop/app does not exist")
    seen = seen_at(5, route_weight=50, target=None, primary=copy("b"), problem=gone)

    decision = step(spec_of(), running(50, phase=Phase.PROMOTING), seen)

    assert (decision.status.phase, decision.desired.weight) == (Phase.FINALISING, 0)


def test_found_when_its_subset_is_taken_away() -> None:
    """Requests for a subset that no DestinationRule has any more were answered with 503 until somebody noticed."""
    lost = Problem("SubsetNotFound", "no DestinationRule of host app has the subset v2: add it", cuts_off=True)
    spec = spec_of(threshold=1)

    decision = step(spec, running(50), seen_at(5, route_weight=50, target=pods("b"), problem=lost))
    later = step(spec, decision.status, seen_at(6, route_weight=0, target=pods("b"), problem=lost))
    mended = step(spec, later.status, seen_at(7, route_weight=0, target=pods("b")))

    assert (decision.event, decision.desired.weight, decision.status.failed_checks) == (Event.CANARY_LOST, 0, 0)
    assert (later.event, later.desired.weight) == (Event.BLOCKED, 0)
    assert (mended.event, mended.desired.weight) == (Event.ADVANCE, 10)
