"""A second change of configuration, while the canary was at zero to get other pods, lost the size that is wanted."""

from __future__ import annotations

from rollouts.api.canary import CanarySpec
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.given import copy, pods, running, seen_at, spec_of


def test_the_size_of_a_target_is_kept_while_its_pods_are_replaced() -> None:
    """The user had scaled it to nine with the release, and the primary would have been promoted with four."""
    spec = CanarySpec.model_validate(spec_of().model_dump(by_alias=True) | {"canaryReplicas": 1})
    status = running(
        0, step_index=0, last_applied_spec="b", applied_template="t", replacing=True, canary_replicas=1, full_replicas=9
    )
    gone = pods("c", 1, replicas=0, ready=False, template="t")
    decision = step(spec, status, seen_at(5, target=gone, primary=copy("a", 4)))

    assert decision.event is Event.NEW_REVISION
    known = decision.status
    assert (known.replacing, known.full_replicas, known.canary_replicas) == (True, 9, 1)
