"""Judges of those whom a rule picks, and of copies: a good run passes, and each way of spoiling one is found."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from e2e.scenarios.facts import Plan, RunFacts
from e2e.scenarios.journal import SharesSeen
from e2e.scenarios.judge_copies import judge_copies
from e2e.scenarios.judge_picked import judge_picked
from e2e.scenarios.playbook import STAGES
from e2e.scenarios.untouched import differences, kept
from e2e.scenarios.weights import copies_in_envoy, shares_in_rules
from e2e.strategies.facts import ServedSeen
from tests.lab.first_light_facts import record

JASON = STAGES["scenario-4"]
COPIED = STAGES["scenario-7"]
OPEN_S, ALL_S, END_S = 5.0, 30.0, 40.0
Spoil = Callable[[RunFacts], RunFacts]


def _facts(plan: Plan, **seen: object) -> RunFacts:
    led = () if plan.errs else (SharesSeen(ALL_S, ALL_S - 0.05, (("v1", 0), ("v2", 100))),)
    facts = RunFacts(plan, 0.0, END_S, (), led, led, (), {}, ())
    return replace(facts, **seen)  # type: ignore[arg-type]


def _picked(*, errs: bool) -> RunFacts:
    """Ten requests a second: v1, from second 5 on v2, and of a bad version v1 again from second 15 on."""
    back_s = 15.0 if errs else END_S
    requests = [number / 10 for number in range(int(END_S * 10))]
    records = [
        record(at_s, "reviews-v2" if OPEN_S <= at_s < back_s else "reviews-v1", "2",
               status=500 if errs and OPEN_S <= at_s < back_s and int(at_s * 10) % 2 else 200)
        for at_s in requests
    ]  # fmt: skip
    return _facts(Plan("told", JASON, "v2", "2", "1", () if errs else (100,), errs), picked=tuple(records))


def _copied() -> RunFacts:
    """The stable one serves 100 requests a second, and half of them are copied from second 5 to 30."""
    copies = [(0.0, 0), (OPEN_S, 50), (ALL_S, 0)]
    served = [
        ServedSeen(float(at), {"nginx-v1": 100 * at, "nginx-v2": 50 * max(0, min(at, 30) - 5)}) for at in range(40)
    ]
    seen = tuple(SharesSeen(at_s, at_s, (("v1", 0), ("v2", percent))) for at_s, percent in copies)
    records = tuple(record(number / 10, "nginx-v1" if number < 300 else "nginx-v2", "1") for number in range(400))
    return _facts(Plan("told", COPIED, "v2", "2", "1", (100,)), copies=seen, served=tuple(served), records=records)


@pytest.mark.parametrize("errs", [False, True], ids=["good", "bad"])
def test_those_who_are_picked_are_served_as_they_should_be(*, errs: bool) -> None:
    """Nothing is found wrong, and there is something to find."""
    results = list(judge_picked(_picked(errs=errs)))
    assert [result.expected for result in results if not result.ok] == []
    assert len(results) == (2 if errs else 3)


def _error(facts: RunFacts) -> RunFacts:
    return replace(facts, picked=(replace(facts.picked[0], status=503), *facts.picked[1:]))


def _never(facts: RunFacts) -> RunFacts:
    return replace(facts, picked=tuple(one for one in facts.picked if one.workload == "reviews-v1"))


def _mixed(facts: RunFacts) -> RunFacts:
    return replace(facts, picked=(*facts.picked, record(20.05, "reviews-v1", "1")))


def _too_soon(facts: RunFacts) -> RunFacts:
    return replace(facts, in_force=(replace(facts.in_force[0], at_s=OPEN_S + 5),))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_error, "no error for those who are picked"),
        (_never, "each of them alone"),
        (_never, "get it first"),
        (_mixed, "each of them alone"),
        (_too_soon, "before everybody does"),
    ],
)
def test_each_way_of_serving_them_otherwise_is_found(spoil: Spoil, words: str) -> None:
    """By the words of what was expected."""
    failed = [result.expected for result in judge_picked(spoil(_picked(errs=False))) if not result.ok]
    assert any(words in expected for expected in failed)


def test_copies_that_arrive_are_counted() -> None:
    """Half of the requests, and no client has met the version before its time."""
    assert [result.ok for result in judge_copies(_copied())] == [True, True]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda facts: replace(facts, served=tuple(replace(one, requests={**one.requests, "nginx-v2": 0})
                                                  for one in facts.served)),
        lambda facts: replace(facts, copies=facts.copies[:1]),
        lambda facts: replace(facts, records=(*facts.records, record(10.0, "nginx-v2", "2"))),
    ],
    ids=["none arrive", "none are sent", "a client gets one's answer"],
)  # fmt: skip
def test_each_way_of_copying_otherwise_is_found(spoil: Spoil) -> None:
    """Counted at the version's pods, and at the clients."""
    assert not all(result.ok for result in judge_copies(spoil(_copied())))


def test_stages_without_testers_or_copies_are_not_judged_by_them() -> None:
    """There is nobody to look at."""
    plan = Plan("told", STAGES["scenario-10"], "v2", "2", "1", (100,))
    assert [*judge_picked(_facts(plan)), *judge_copies(_facts(plan))] == []


def test_what_is_ours_in_a_rule_of_testers_and_in_copies_does_not_count() -> None:
    """The second destination beside the one that the user wrote alone, and copies to either; but not a lost one."""
    objects = copy.deepcopy(list(JASON.objects))
    routes = next(item for item in objects if item["kind"] == "VirtualService")
    jason, everyone = routes["spec"]["http"]
    jason["route"] = [{**jason["route"][0], "weight": 100}, {"destination": {"host": "reviews", "subset": "v1"}}]
    everyone["mirror"] = {"host": "reviews", "subset": "v2"}
    everyone["mirrorPercentage"] = {"value": 5}
    assert list(differences(kept(JASON.objects, JASON), kept(objects, JASON))) == []
    jason["route"] = jason["route"][1:]
    assert list(differences(kept(JASON.objects, JASON), kept(objects, JASON)))


def test_copies_are_read_from_envoy_and_shares_from_the_rule_that_is_named() -> None:
    """Of whichever route copies the most; a policy without a fraction copies all."""
    cluster = "outbound|80|v2|nginx.default.svc.cluster.local"
    part = {"default_value": {"numerator": 500_000, "denominator": "MILLION"}}
    routes: list[Any] = [
        {"route": {"request_mirror_policies": [{"cluster": cluster, "runtime_fraction": part}]}},
        {"route": {"request_mirror_policies": [{"cluster": "outbound|80||audit.default.svc.cluster.local"}]}},
    ]
    dump = {"configs": [{"route_config": {"virtual_hosts": [{"routes": routes}]}}]}
    both = frozenset({"v1", "v2"})
    assert copies_in_envoy(dump, "nginx", both) == (("v1", 0), ("v2", 50))
    del routes[0]["route"]["request_mirror_policies"][0]["runtime_fraction"]
    assert copies_in_envoy(dump, "nginx", both) == (("v1", 0), ("v2", 100))
    rules = [
        {"name": name, "route": [{"destination": {"subset": "v1"}, "weight": weight},
                                 {"destination": {"subset": "v2"}, "weight": 100 - weight}]}
        for name, weight in (("testers", 100), ("default", 90))
    ]  # fmt: skip
    assert shares_in_rules({"spec": {"http": rules}}, both, frozenset({"default"})) == (("v1", 90), ("v2", 10))
