"""How many pods each side is given, and how many the primary's autoscaler leaves it."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.canary import CanarySpec
from rollouts.api.scaling import canary_size
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.desired import desired_of
from rollouts.core.leaving import desired_when_leaving
from rollouts.core.phases import Event
from rollouts.core.sizing import sizes_at_start
from rollouts.core.step import step
from tests.core.given import by_hand, copy, pods, running, seen_at, spec_of, status_in

REF = {"kind": "HorizontalPodAutoscaler", "name": "app"}


def spec_with(**changes: Any) -> CanarySpec:
    """The usual spec, with these fields."""
    return CanarySpec.model_validate(spec_of().model_dump(by_alias=True) | changes)


@pytest.mark.parametrize(
    ("wanted", "full", "stable", "size"),
    [
        ("auto", 5, 3, 5), ("auto", 0, 0, 1), (7, 5, 3, 7), ("25%", 5, 4, 1), ("25%", 5, 5, 2), ("1%", 5, 9, 1),
        ("100%", 2, 9, 9), ("50%", 2, 0, 1),
    ],
)  # fmt: skip
def test_the_canary_has_the_size_that_is_written(wanted: int | str, full: int, stable: int, size: int) -> None:
    """A percentage is of the pods that serve, rounded up, and never nothing."""
    assert canary_size(wanted, full=full, stable=stable) == size


def test_a_run_notes_the_size_of_the_stable_side() -> None:
    """In the very step that finds the new version, so that it is held before any request goes elsewhere."""
    decision = step(spec_with(autoscalerRef=REF), status_in(Phase.INITIALIZED), seen_at(5, primary=copy("a", 7)))
    assert decision.event is Event.NEW_REVISION
    assert decision.status.stable_replicas == 7
    assert decision.desired.stable_floor == 7


@pytest.mark.parametrize(
    ("phase", "changes", "floor"),
    [
        (Phase.PROGRESSING, {"desired_weight": 50, "drained": False}, 4),
        (Phase.WAITING_PROMOTION, {"desired_weight": 50, "drained": False}, 4),
        (Phase.PROMOTING, {"desired_weight": 0, "drained": False}, 4),
        (Phase.FINALISING, {"drained": False}, 4),
        (Phase.FAILED, {"drained": False}, 4),
        (Phase.FAILED, {"desired_weight": 100, "stranded": True, "drained": False}, 4),
        (Phase.FAILED, {"drained": True}, 0),
        (Phase.SUCCEEDED, {"drained": True}, 0),
        (Phase.WAITING, {"drained": True}, 0),
        (Phase.INITIALIZED, {"drained": True}, 0),
        (Phase.INITIALIZING, {"drained": False}, 0),
    ],
    ids=str,
)
def test_the_floor_lasts_until_the_traffic_is_back_and_drained(phase: Phase, changes: Any, floor: int) -> None:
    """Also after the end of the run; not while one only waits to begin."""
    status = status_in(phase, stable_replicas=4, **changes)
    assert desired_of(spec_of(), status, seen_at(50)).stable_floor == floor


def test_a_run_that_waited_is_sized_when_it_begins() -> None:
    """The primary may have grown while the start was not approved; the target's own size is as it was announced."""
    gate = by_hand("confirm-rollout")
    spec = CanarySpec.model_validate(spec_of(webhooks=[gate]).model_dump(by_alias=True) | {"canaryReplicas": "50%"})
    status = status_in(
        Phase.WAITING, last_applied_spec="b", canary_replicas=1, full_replicas=3, stable_replicas=2,
        gate={"type": "confirm-rollout", "since": "2026-01-01T00:00:00Z", "approved": True},
    )  # fmt: skip
    decision = step(spec, status, seen_at(9, target=pods("b", 0), primary=copy("a", 6)))
    assert decision.event is Event.CONFIRMED
    known = decision.status
    assert (known.canary_replicas, known.full_replicas, known.stable_replicas) == (3, 3, 6)


def test_with_an_autoscaler_a_run_that_waited_is_as_large_as_what_serves() -> None:
    """What the target had when the run was announced says nothing of the load now."""
    status = status_in(Phase.WAITING, full_replicas=3)
    seen = seen_at(9, target=pods("b", 0), primary=copy("a", 6))
    assert sizes_at_start(spec_with(autoscalerRef=REF), status, seen)["full_replicas"] == 6
    assert sizes_at_start(spec_of(), status, seen)["full_replicas"] == 3


@pytest.mark.parametrize(("most", "size"), [(None, 9), (20, 9), (4, 4), (0, 1)], ids=str)
def test_the_canary_begins_within_the_bounds_of_its_autoscaler(most: int | None, size: int) -> None:
    """It would be brought back there at once."""
    seen = seen_at(9, target=pods("b", 0, replicas_max=most), primary=copy("a", 9))
    assert sizes_at_start(spec_with(autoscalerRef=REF), status_in(Phase.SUCCEEDED), seen)["canary_replicas"] == size


def test_without_a_primary_there_is_still_a_size() -> None:
    """Somebody has deleted it: one pod is better than none."""
    sizes = sizes_at_start(spec_of(), status_in(Phase.FAILED), seen_at(9, primary=None, target=None))
    assert sizes == {"canary_replicas": 1, "full_replicas": 1, "stable_replicas": 1}


@pytest.mark.parametrize(
    ("target", "spec", "size"),
    [
        (4, {"canaryReplicas": 1}, 1), (1, {"canaryReplicas": 1}, None), (4, {}, None),
        (4, {"canaryReplicas": 1, "autoscalerRef": REF}, None), (0, {"canaryReplicas": 1, "autoscalerRef": REF}, 1),
    ],
    ids=["too large", "as it should be", "auto", "autoscaled", "at zero"],
)  # fmt: skip
def test_before_its_first_request_the_canary_is_brought_to_its_size(target: int, spec: Any, size: int | None) -> None:
    """Unless an autoscaler cares for that: two who write one field fight."""
    status = running(0, canary_replicas=1, full_replicas=4)
    seen = seen_at(5, target=pods("b", target))
    assert desired_of(spec_with(**spec), status, seen).canary_replicas == size


@pytest.mark.parametrize("seen", [{"routed": False}, {"route_weight": 20}], ids=["not yet", "still led to"])
def test_it_is_not_made_smaller_while_requests_may_reach_it(seen: Any) -> None:
    """As after a run that was broken off by another version."""
    status = running(0, canary_replicas=1, full_replicas=4)
    known = desired_of(spec_with(canaryReplicas=1), status, seen_at(5, target=pods("b", 4), **seen))
    assert known.canary_replicas is None


@pytest.mark.parametrize(
    ("changes", "target", "size"),
    [
        ({"canaryReplicas": 1}, 1, 4), ({"canaryReplicas": 1}, 4, None), ({"canaryReplicas": 1}, 0, None),
        ({}, 2, None),
        ({"canaryReplicas": 1, "autoscalerRef": REF}, 1, None),
    ],
    ids=["small", "grown", "switched off", "auto", "autoscaled"],
)  # fmt: skip
def test_who_serves_alone_gets_all_pods(changes: Any, target: int, size: int | None) -> None:
    """But for an autoscaler's target, and for one that somebody has scaled to nothing."""
    status = running(100, Phase.FAILED, stranded=True, canary_replicas=1, full_replicas=4)
    seen = seen_at(5, target=pods("b", target), route_weight=100)
    assert desired_of(spec_with(**changes), status, seen).canary_replicas == size


def test_a_rescue_from_zero_begins_with_all_pods() -> None:
    """The canary has all requests, whatever size a canary of few requests would have."""
    status = running(100, stranded=True, canary_replicas=1, full_replicas=4)
    assert desired_of(spec_with(canaryReplicas=1), status, seen_at(5, target=pods("b", 0))).canary_replicas == 4


@pytest.mark.parametrize(
    ("phase", "target", "weight", "resting"),
    [
        (Phase.INITIALIZING, 3, 0, False), (Phase.INITIALIZED, 3, 0, True), (Phase.INITIALIZED, 0, 0, True),
        (Phase.PROGRESSING, 0, 0, False), (Phase.FAILED, 3, 100, False), (Phase.SUCCEEDED, 0, 0, True),
    ],
    ids=str,
)  # fmt: skip
def test_it_rests_between_releases(phase: Phase, target: int, weight: int, resting: bool) -> None:  # noqa: FBT001
    """At zero or on the way there; never while it serves or is about to."""
    status = status_in(phase, desired_weight=weight)
    seen = seen_at(50, target=pods("a", target), route_weight=weight)
    assert desired_of(spec_of(), status, seen).rests is resting


def test_nothing_rests_that_is_gone() -> None:
    """No target, no size."""
    known = desired_of(spec_of(), status_in(Phase.SUCCEEDED), seen_at(50, target=None))
    assert (known.rests, known.canary_replicas) == (False, None)


@pytest.mark.parametrize(("most", "size"), [(None, 9), (4, 4), (0, 1)], ids=["unbounded", "bounded", "odd"])
def test_a_deleted_canarys_target_gets_no_more_than_its_autoscaler_leaves_it(most: int | None, size: int) -> None:
    """Else the two would pull at it until the deletion is given up."""
    status: CanaryStatus = status_in(Phase.TERMINATING, full_replicas=3, last_transition_time="2026-01-01T00:00:00Z")
    seen = seen_at(1, deleting=True, made=True, target=pods("a", 0, replicas_max=most), primary=copy("a", 9))
    assert desired_when_leaving(spec_of(), status, seen, Event.WAITED).canary_replicas == size
