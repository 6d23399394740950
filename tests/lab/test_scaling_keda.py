"""The judge of the stories beside a ScaledObject: a release as it should be passes, and each fault is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import yaml

from e2e.play.seen import PRIMARY, TARGET
from e2e.scaling.keda.facts import KedaRun, PodsSeen, ScaledSeen, Seen
from e2e.scaling.keda.judge import judge_begin, judge_left, judge_run
from e2e.scaling.keda.report import run_json
from e2e.scaling.keda.stories import KIND, canary
from e2e.scaling.keda.witness import Witness, read_pods, read_scaled
from e2e.scaling.report import figure_lines
from rollouts.api.canary import CanarySpec
from rollouts.api.resources import SCALED_OBJECTS
from rollouts.workloads.scaled_object import OUR_PAUSE, PAUSED
from tests.lab.first_light_facts import record
from tests.lab.keda_facts import at_end, at_start, keda_run, let_go, ours, pods, theirs

LET_GO = "the user's own is let go before the canary gets its pods"
PAUSED_AGAIN = "and is paused again before these go"
STAYS = "so it stays"
HELD = "the primary's least is its size before the canary gets pods"
UNTIL = "until all requests are back at the primary"
ONCE = "and at no other time"
SIZED = "the primary keeps its size"
AS_MANY = "the canary gets as many pods"
KEPT = "the user's own is what it was"
ERRORS = "no client error"


def scaled(facts: KedaRun, *states: ScaledSeen, less: int = 0) -> KedaRun:
    """Without the state at that place, if any, and with these, in the order of their versions."""
    kept = [one for place, one in enumerate(facts.seen.scaled) if not less or place != less]
    states = tuple(sorted([*kept, *states], key=lambda one: one.version))
    return replace(facts, seen=replace(facts.seen, scaled=states))


def sized(facts: KedaRun, *states: PodsSeen) -> KedaRun:
    """The same of sizes: these in the place of all."""
    return replace(facts, seen=replace(facts.seen, pods=states))


def test_a_run_as_it_should_be_passes() -> None:
    """Every expectation, and there are some."""
    results = [*judge_begin(at_start()), *judge_run(keda_run()), *judge_left(at_end(), spec_kept=True)]
    assert [one for one in results if not one.ok] == []
    assert len(results) == 4 + 11 + 5


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda facts: scaled(facts, let_go(5), less=3), {LET_GO}),
        (lambda facts: scaled(facts, less=3), {LET_GO}),
        (lambda facts: scaled(facts, theirs(45), less=4), {PAUSED_AGAIN}),
        (lambda facts: scaled(facts, less=4), {PAUSED_AGAIN, STAYS}),
        (lambda facts: scaled(facts, let_go(50)), {STAYS}),
        (lambda facts: scaled(facts, theirs(50, marked=False)), {STAYS}),
        (lambda facts: scaled(facts, ours(5, 4), less=2), {HELD}),
        (lambda facts: scaled(facts, less=2), {HELD, UNTIL, ONCE}),
        (lambda facts: scaled(facts, ours(31, 2), less=5), {UNTIL}),
        (lambda facts: scaled(facts, less=5), {UNTIL, ONCE}),
        (lambda facts: scaled(facts, ours(50, 4)), {ONCE}),
        (lambda facts: sized(facts, *facts.seen.pods, pods(20, PRIMARY, 3)), {SIZED}),
        (lambda facts: sized(facts, *facts.seen.pods[:2]), {LET_GO, PAUSED_AGAIN, HELD, AS_MANY}),
        (lambda facts: replace(facts, spec_kept=False), {KEPT}),
        (lambda facts: replace(facts, run=replace(facts.run, records=facts.run.records[:5])), {ERRORS}),
        (
            lambda facts: replace(
                facts, run=replace(facts.run, records=(*facts.run.records, record(9.0, PRIMARY, "1", status=503)))
            ),
            {ERRORS},
        ),
        (lambda facts: replace(facts, run=replace(facts.run, overdue="its end")), {"the run ends as Failed"}),
    ],
)  # fmt: skip
def test_each_fault_is_found(spoil: Callable[[KedaRun], KedaRun], expected: set[str]) -> None:
    """By the expectations that it breaks, and by no other."""
    assert {one.expected for one in judge_run(spoil(keda_run())) if not one.ok} == expected


def test_a_begin_that_is_not_one_is_found() -> None:
    """Nothing is made and nothing paused; or in the wrong order, with the wrong bounds and query."""
    assert [one.ok for one in judge_begin(Seen((), ()))] == [False] * 4
    seen = at_start()
    copied = replace(ours(4, 2), most=8, query=f'a{{to="{TARGET}"}}')
    late = replace(seen, scaled=(let_go(1), copied, theirs(7)))
    assert [one.ok for one in judge_begin(late)] == [False, False, True, False]


def test_an_end_that_is_not_one_is_found() -> None:
    """The copy is left, the pause too, and the target is smaller than what served."""
    seen = at_end()
    assert not any(one.ok for one in judge_left(Seen(seen.scaled[:2], seen.pods[:2]), spec_kept=False))
    late = replace(seen, scaled=(theirs(1), let_go(5)))
    assert [one.ok for one in judge_left(late, spec_kept=True)] == [True, True, False, True, True]


def one(name: str, version: str, **annotations: str) -> dict[str, Any]:
    """A ScaledObject as the API server has it."""
    metadata = {"name": name, "resourceVersion": version, "annotations": annotations}
    triggers = [{"type": "prometheus", "metadata": {"query": "up"}}]
    return {"metadata": metadata, "spec": {"scaleTargetRef": {"name": "app"}, "triggers": triggers}}


def test_objects_are_read() -> None:
    """With KEDA's defaults where they say nothing."""
    assert read_scaled(one("app", "7"), 1.0) == ScaledSeen(1.0, 7, "app", "app", 0, 100, "up", "", marked=False)
    found = read_scaled(one("app", "8", **{PAUSED: "0", OUR_PAUSE: "true"}), 2.0)
    assert (found.version, found.paused, found.marked) == (8, "0", True)
    size = {"metadata": {"name": "app", "resourceVersion": "9"}, "spec": {"replicas": 3}}
    assert read_pods(size, 1.0) == PodsSeen(1.0, 9, "app", 3)


def test_from_a_time_on_there_is_the_last_state_before() -> None:
    """Of each object one; and all that came later."""
    witness = Witness([theirs(1), ours(2, 2), theirs(3), ours(9, 4)], [pods(1, TARGET, 2), pods(2, TARGET, 0)], ["x"])
    assert witness.since(5.0) == Seen((ours(2, 2), theirs(3), ours(9, 4)), (pods(2, TARGET, 0),), ("x",))


def test_figures_are_told_in_order() -> None:
    """Each state, with its second."""
    told = figure_lines([run_json(keda_run())])
    assert told[0] == "rollback: 60 requests, 0 errors"
    assert "    2.00 s  ScaledObject app-primary: 4 to 10" in told
    assert "   40.00 s  ScaledObject app: 1 to 8, paused at 0" in told
    seconds = [float(line.split()[0]) for line in told[1:]]
    assert seconds == sorted(seconds)


def test_the_canary_names_the_kind_that_is_installed() -> None:
    """The one that the controller asks for, too; and the Canary of the example is one with it."""
    ref = CanarySpec.model_validate(canary()["spec"]).autoscaler_ref
    definition = yaml.safe_load(KIND.read_text(encoding="utf-8"))
    spec = definition["spec"]
    installed = (f"{spec['group']}/{spec['versions'][0]['name']}", spec["names"]["kind"], spec["names"]["plural"])
    assert installed == (SCALED_OBJECTS.api_version, SCALED_OBJECTS.kind, SCALED_OBJECTS.plural)
    assert ref is not None
    assert ref.is_keda
    assert ref.copy_name == PRIMARY
