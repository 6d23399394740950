"""The judge of a DaemonSet's Canary that is deleted: an end as it should be passes, and each fault is found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from e2e.strategies.judge_left import COPIES, PodsSeen, judge_left, read_pods
from tests.lab.given_back_facts import given_back

ON_EACH = "a pod of the target is on each node"
WHOLE = PodsSeen(nodes=1, wanted=1, updated=1, available=1, tied_to="")


def failed(pods: PodsSeen) -> list[str]:
    """What is not as it should be."""
    return [one.expected for one in judge_left(given_back(COPIES), pods) if not one.ok]


def test_an_end_as_it_should_be_passes() -> None:
    """Every expectation, and there are some."""
    assert failed(WHOLE) == []
    assert len(list(judge_left(given_back(COPIES), WHOLE))) == 4


@pytest.mark.parametrize(
    "pods",
    [
        pytest.param(replace(WHOLE, nodes=2), id="a node without it"),
        pytest.param(replace(WHOLE, updated=0), id="of another template"),
        pytest.param(replace(WHOLE, available=0), id="not ready"),
        pytest.param(replace(WHOLE, tied_to="scaled-to-zero.rollouts.dev"), id="still switched off"),
        pytest.param(PodsSeen(0, 0, 0, 0, ""), id="on no node at all"),
    ],
)
def test_a_daemon_set_that_does_not_run_everywhere_is_found(pods: PodsSeen) -> None:
    """By that alone."""
    assert failed(pods) == [ON_EACH]


def test_a_copy_that_is_left_is_found() -> None:
    """The rest is as it should be."""
    facts = given_back(COPIES)
    results = judge_left(replace(facts, left=facts.left | {COPIES[0]}), WHOLE)
    assert [one.ok for one in results] == [False, True, True, True]


def _daemon_set(observed: int, **spec: Any) -> dict[str, Any]:
    status = {"observedGeneration": observed, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2}
    metadata = {"name": "app", "generation": 4}
    return {
        "metadata": metadata, "spec": {"template": {"spec": spec}}, "status": {**status, "numberAvailable": 1},
    }  # fmt: skip


def test_a_daemon_set_is_read() -> None:
    """Counts of before its last change are none of it."""
    assert read_pods(_daemon_set(4), 2) == PodsSeen(2, 2, 2, 1, "")
    assert read_pods(_daemon_set(3, nodeName="x"), 2) == PodsSeen(2, 0, 0, 0, "x")
