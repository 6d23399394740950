"""The judges of the autoscaler's stories: a run as it should be passes, and each fault is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from e2e.play.seen import PRIMARY, TARGET
from e2e.scaling.facts import RunFacts
from e2e.scaling.judge import judge_begin, judge_release_of_hold, judge_run
from e2e.scaling.report import figure_lines, run_json
from e2e.scaling.witnesses import read_scaler, read_size
from tests.lab.first_light_facts import record
from tests.lab.scaling_facts import ABORTED_S, run_facts, scaler, size

BELOW = "the stable side is never below its size at the start"
READY = "and all of these pods are ready"
KEPT = "its autoscaler wants fewer meanwhile, and is kept from it"
WHOLE = "the rollback at 50 % under load meets full capacity"
CANARY = "the canary is scaled by its own autoscaler, and at zero in the end"
ERRORS = "no client error"


def failed(facts: RunFacts) -> set[str]:
    """What is not as it should be."""
    return {result.expected for result in judge_run(facts) if not result.ok}


@pytest.mark.parametrize("promotes", [False, True], ids=["rollback", "promotion"])
def test_a_run_as_it_should_be_passes(*, promotes: bool) -> None:
    """Every expectation, and there are some."""
    results = list(judge_run(run_facts(promotes=promotes)))
    assert [result for result in results if not result.ok] == []
    assert len(results) == (6 if promotes else 8)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda facts: replace(facts, sizes=(*facts.sizes, size(20.0, PRIMARY, 3))), {BELOW, READY, WHOLE}),
        (lambda facts: replace(facts, sizes=(*facts.sizes, size(20.0, PRIMARY, 4, 3))), {READY, WHOLE}),
        (lambda facts: replace(facts, sizes=(*facts.sizes, size(ABORTED_S + 1.5, PRIMARY, 4, 3))), {WHOLE}),
        (lambda facts: replace(facts, sizes=()), {BELOW, READY, KEPT, WHOLE, CANARY}),
        (lambda facts: replace(facts, shares=facts.shares[:1]), {WHOLE}),
        (lambda facts: replace(facts, scalers=facts.scalers[:2]), {KEPT}),
        (lambda facts: replace(facts, scalers=(scaler(1.0, "app-primary", 2, 2), scaler(5.0, "app", 1))), {KEPT}),
        (lambda facts: replace(facts, scalers=facts.scalers[::2]), {CANARY}),
        (lambda facts: replace(facts, sizes=(*facts.sizes, size(51.0, TARGET, 1))), {CANARY}),
        (lambda facts: replace(facts, records=(*facts.records, record(9.0, PRIMARY, "1", status=503))), {ERRORS}),
        (lambda facts: replace(facts, records=facts.records[:5]), {ERRORS}),
        (lambda facts: replace(facts, overdue="the end of the run"), {"the run ends as Failed"}),
        (lambda facts: replace(facts, primary_version="2"), {"the primary runs the old one"}),
    ],
)  # fmt: skip
def test_each_fault_is_found(spoil: Callable[[RunFacts], RunFacts], expected: set[str]) -> None:
    """By the expectations that it breaks, and by no other."""
    assert failed(spoil(run_facts())) == expected


def test_a_promotion_may_roll_its_pods() -> None:
    """Fewer are ready for a moment; their number stays."""
    facts = run_facts(promotes=True)
    assert failed(replace(facts, sizes=(*facts.sizes, size(36.0, PRIMARY, 4, 3)))) == set()
    assert failed(replace(facts, sizes=(*facts.sizes, size(36.0, PRIMARY, 3)))) == {BELOW}


def test_after_the_run_it_may_fall() -> None:
    """That it had fallen before is another story's matter."""
    facts = run_facts()
    assert failed(replace(facts, sizes=(*facts.sizes, size(58.0, PRIMARY, 2)))) == set()


def test_the_begin_is_judged() -> None:
    """It must have grown by itself, and the target's own must be off."""
    grown = [size(1.0, PRIMARY, 2), size(9.0, PRIMARY, 4)]
    scalers = [scaler(1.0, "app-primary", 2), replace(scaler(1.0, "app", 1), active="ScalingDisabled")]
    assert all(result.ok for result in judge_begin(grown, scalers))
    assert [result.ok for result in judge_begin([size(1.0, PRIMARY, 4)], [scaler(1.0, "app", 1)])] == [False] * 3


def test_the_release_of_the_hold_is_judged() -> None:
    """The least is the user's again, and the size has fallen."""
    assert all(
        result.ok for result in judge_release_of_hold([size(1.0, PRIMARY, 2)], [scaler(1.0, "app-primary", 2)], 2)
    )
    held = judge_release_of_hold([size(1.0, PRIMARY, 4)], [scaler(1.0, "app-primary", 4)], 2)
    assert [result.ok for result in held] == [False, False]


def test_objects_are_read() -> None:
    """As the API server shows them, also before anybody has written a status."""
    metadata, spec = {"name": "app"}, {"replicas": 3}
    assert read_size({"metadata": metadata, "spec": spec}, 1.0) == size(1.0, "app", 3, 0)
    limited = {"type": "ScalingLimited", "status": "True", "reason": "TooFewReplicas"}
    active = {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"}
    status = {"desiredReplicas": 4, "conditions": [limited, active]}
    found = read_scaler({"metadata": metadata, "spec": {"minReplicas": 4, "maxReplicas": 10}, "status": status}, 1.0)
    assert found == scaler(1.0, "app", 4, 4, "TooFewReplicas")
    fresh = read_scaler({"metadata": metadata, "spec": {"maxReplicas": 10}}, 1.0)
    assert (fresh.least, fresh.desired, fresh.limited, fresh.active) == (1, 0, "", "")


def test_figures_are_told_in_order() -> None:
    """Each change once, with its second."""
    lines = figure_lines([run_json(run_facts())])
    assert lines[0] == "rollback: 60 requests, 0 errors"
    assert "   10.00 s  Envoy gives the canary 50 %" in lines
    assert "   30.00 s  abort" in lines
    seconds = [float(line.split()[0]) for line in lines[1:]]
    assert seconds == sorted(seconds)
