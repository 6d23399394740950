"""The judge of scenarios, and what it reads: a whole run passes, and each way of spoiling one is found, by name."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from e2e.play.users_part import ours_in
from e2e.scenarios.facts import RunFacts
from e2e.scenarios.judge import judge_bystander, judge_run, judge_undo
from e2e.scenarios.playbook import STAGES, TOLD
from e2e.scenarios.report import figure_lines, run_json
from e2e.scenarios.untouched import differences, kept
from e2e.scenarios.weights import share_of, shares_in_envoy, shares_in_rules
from tests.lab.first_light_facts import record
from tests.lab.scenarios_facts import BAD, BASELINE, GOOD, STAGE, run_of

BOTH = frozenset({"v1", "v2"})
Spoil = Callable[[RunFacts], RunFacts]


def _failed(facts: RunFacts) -> list[str]:
    return [result.expected for result in judge_run(facts) if not result.ok]


@pytest.mark.parametrize("plan", [GOOD, BAD])
def test_a_run_as_it_should_be_meets_every_expectation(plan: Any) -> None:
    """Nothing is found wrong, and there is something to find."""
    facts = run_of(plan)
    assert _failed(facts) == []
    assert len(judge_run(facts)) >= 10
    assert figure_lines([run_json(facts)])


def _one_error(facts: RunFacts) -> RunFacts:
    return replace(facts, records=(*facts.records, replace(record(1.0, "", ""), status=503)))


def _nobody(facts: RunFacts) -> RunFacts:
    return replace(facts, records=(*facts.records, replace(record(1.0, "", ""), status=404)))


def _stray(facts: RunFacts) -> RunFacts:
    return replace(facts, records=(record(facts.ended_at_s - 1, "appv1", "1"), *facts.records))


def _another_version(facts: RunFacts) -> RunFacts:
    return replace(facts, records=(*facts.records, record(0.1, "appv1", "7")))


def _step_left_out(facts: RunFacts) -> RunFacts:
    return replace(facts, in_force=(facts.in_force[0], *facts.in_force[2:]))


def _went_back(facts: RunFacts) -> RunFacts:
    first, *others = facts.written
    return replace(facts, written=(first, replace(first, shares=(("v1", 100), ("v2", 0))), first, *others))


def _touched(facts: RunFacts) -> RunFacts:
    first, *others = facts.objects
    objects = copy.deepcopy(list(STAGE.objects))
    next(item for item in objects if item["kind"] == "DestinationRule")["spec"]["subsets"].pop()
    return replace(facts, objects=(replace(first, kept=kept(objects, STAGE)), *others))


def _roles_as_before(facts: RunFacts) -> RunFacts:
    return replace(facts, statuses=(replace(facts.statuses[-1], stable="v1"),))


def _too_soon_at_zero(facts: RunFacts) -> RunFacts:
    first, last = facts.objects
    return replace(facts, objects=(first, replace(last, at_s=facts.in_force[-1].at_s + 1)))


def _slow_clients(facts: RunFacts) -> RunFacts:
    return replace(facts, records=facts.records[::2])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_one_error, "no client error"),
        (_nobody, "no client error"),
        (_stray, "clients get these shares"),
        (_another_version, "answers with version"),
        (_step_left_out, "weights in Envoy"),
        (_went_back, "weights in VirtualService"),
        (_touched, "stay as they are"),
        (_roles_as_before, "is the stable one then"),
        (_too_soon_at_zero, "goes to zero"),
        (_slow_clients, "requests a second"),
        (lambda facts: replace(facts, overdue="the end of the run"), "comes to its end"),
    ],
)
def test_each_way_of_spoiling_a_run_is_found(spoil: Spoil, words: str) -> None:
    """By the words of what was expected."""
    assert any(words in expected for expected in _failed(spoil(run_of(GOOD))))


def test_an_undo_that_takes_long_is_found() -> None:
    """Its time counts from when it was asked for."""
    facts = run_of(GOOD)
    assert judge_undo(facts, 60).ok
    assert not judge_undo(facts, 1).ok
    assert not judge_undo(replace(facts, in_force=()), 60).ok


def test_a_third_subset_is_to_keep_its_share() -> None:
    """Of all requests, in the exact band."""
    stage = STAGES["scenario-3"]
    plan = replace(GOOD, stage=stage, canary="v3")
    requests = [record(number / 500, "reviews-v1" if number % 5 == 0 else "reviews-v2", "2") for number in range(5000)]
    facts = replace(run_of(GOOD), plan=plan, records=tuple(requests))
    assert [result.ok for result in judge_bystander(facts)] == [True]
    fewer = tuple(item for item in requests if item.workload != "reviews-v1" or item.sent_at_s < 5)
    assert [result.ok for result in judge_bystander(replace(facts, records=fewer))] == [False]


def test_what_is_ours_in_an_object_does_not_count_and_all_else_does() -> None:
    """Marks, weights and replicas are ours."""
    objects = copy.deepcopy(list(STAGE.objects))
    routes = next(item for item in objects if item["kind"] == "VirtualService")
    routes["metadata"] |= {"annotations": {"rollouts.dev/owner": "x"}, "resourceVersion": "7", "generation": 3}
    routes["spec"]["http"][0]["route"][0]["weight"] = 40
    own = next(item for item in objects if item["kind"] == "Deployment")
    own["spec"]["replicas"] = 0
    assert list(differences(BASELINE, kept(objects, STAGE))) == []
    assert ours_in(routes) == ["rollouts.dev/owner"]
    routes["spec"]["http"][0]["timeout"] = "1s"
    assert [words.split(":")[0] for words in differences(BASELINE, kept(objects, STAGE))] == ["VirtualService canary"]
    assert next(differences(BASELINE, kept(objects[1:], STAGE))).endswith(": gone")


def test_shares_are_read_from_rules_and_from_envoy() -> None:
    """Of the two subsets alone; a redirect has none."""
    routes = next(item for item in STAGES["scenario-2"].objects if item["kind"] == "VirtualService")
    assert shares_in_rules(routes, BOTH) == (("v1", 90), ("v2", 10))
    assert shares_in_rules({"spec": {"http": [{"redirect": {}}]}}, BOTH) is None
    alone = {"route": {"cluster": "outbound|80|v1|helloworld.default.svc.cluster.local"}}
    clusters = [{"name": f"outbound|80|{name}|helloworld.default.svc.cluster.local", "weight": w} for name, w in
                (("v1", 30), ("v2", 70))]  # fmt: skip
    weighted = {"route": {"weighted_clusters": {"clusters": clusters}}}
    hosts = [{"routes": [{"redirect": {}}, alone, weighted]}]
    dump = {"configs": [{"route_config": {"virtual_hosts": hosts}}]}
    assert share_of(shares_in_envoy(dump, "helloworld", BOTH), "v2") == 70
    assert shares_in_envoy(dump, "other", BOTH) is None


def test_every_scenario_is_told_from_start_to_deletion() -> None:
    """No scenario leaves its Canary behind."""
    assert TOLD.keys() == STAGES.keys()
    for told in TOLD.values():
        assert next(iter(told)) == "start"
        assert list(told)[-1] == "deletion"
