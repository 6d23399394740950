"""The judges of releases with a fault: a run as it should be passes, and each way of spoiling one is found, by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from e2e.lab.load import Record
from e2e.play.users_part import Kept
from e2e.scenarios.facts import Fault, Plan
from e2e.scenarios.faults import LOOKS, OWN, OWN_DELAY, SHARED, Faulted, Look
from e2e.scenarios.judge import judge_run
from e2e.scenarios.judge_faults import judge_failed, judge_held
from e2e.scenarios.untouched import faults_of, without_fault
from tests.lab.first_light_facts import record
from tests.lab.scenarios_facts import BASELINE, STAGE, run_of

RULE = "default"
HELD_S = 3.0
Spoil = Callable[[Faulted], Faulted]


def with_fault(kept: Kept, fault: Fault) -> Kept:
    """The user's objects with that fault in the rule."""
    item = json.loads(kept[STAGE.key])
    item["spec"]["http"][-1] |= {"name": fault.rule, "fault": dict(fault.says)}
    return {**kept, STAGE.key: json.dumps(item, sort_keys=True, separators=(",", ":"))}


def words(fault: Fault, whose: str) -> str:
    """What the reason is to say."""
    does = "aborts 50 % of its requests with 555" if fault == SHARED else "aborts 34 % of its requests with 555"
    does = does if fault.status else "delays 10 % of its requests by 2s"
    return f"... http rule {fault.rule} of VirtualService default/{STAGE.route_name}, which leads to {whose}, {does}"


def held() -> Faulted:
    """A fault for both: the run waits, and goes on."""
    plan = Plan("both", STAGE, "v2", "2", "1", STAGE.weights, fault=SHARED)
    facts = run_of(plan)
    objects = [replace(seen, kept=with_fault(seen.kept, SHARED)) for seen in facts.objects[:1]]
    looks = [Look(2.0 + n / 10, 10, 0, "SharedBreach", words(SHARED, "both versions")) for n in range(LOOKS)]
    facts = replace(facts, baseline=with_fault(BASELINE, SHARED), objects=(*objects, *facts.objects))
    facts = replace(facts, objects=tuple(replace(one, kept=with_fault(BASELINE, SHARED)) for one in facts.objects))
    return Faulted(facts, SHARED, "", (), tuple(looks), HELD_S)


def failed(fault: Fault = OWN) -> Faulted:
    """A fault of the canary's own: the run is rolled back, and testers alone met it."""
    plan = Plan("own", STAGE, "v2", "4", "3", (10, 0), errs=True, fault=fault)
    facts = run_of(plan)
    name = STAGE.deployments["v2"]
    facts = replace(
        facts,
        statuses=tuple(replace(one, at_s=one.at_s + 8) if one.phase == "Failed" else one for one in facts.statuses),
        records=tuple(replace(one, status=200) for one in facts.records),
        baseline=with_fault(BASELINE, fault),
        objects=tuple(replace(seen, kept=with_fault(seen.kept, fault)) for seen in facts.objects),
    )
    return Faulted(facts, fault, words(fault, "the canary alone"), tuple(_testers(fault, name)))


def _testers(fault: Fault, name: str) -> list[Record]:
    told = []
    for number in range(3000):
        one = record(number / 250, name, "4")
        hit = number * 34 % 100 < 34 if fault.status else number % 10 == 0
        if hit and fault.status:
            one = replace(one, status=fault.status, workload="", version="")
        told.append(replace(one, done_at_s=one.sent_at_s + 2.1) if hit and not fault.status else one)
    return told


def _found(results: Mapping[str, bool]) -> list[str]:
    return [expected for expected, ok in results.items() if not ok]


def _held_flaws(seen: Faulted) -> list[str]:
    return _found({one.expected: one.ok for one in judge_held(seen)})


def _failed_flaws(seen: Faulted) -> list[str]:
    return _found({one.expected: one.ok for one in judge_failed(seen)})


def test_runs_as_they_should_be_meet_every_expectation() -> None:
    """Of a fault for both, an abort and a delay; also what is expected of any run."""
    assert (_held_flaws(held()), len(list(judge_held(held())))) == ([], 6)
    for fault in (OWN, OWN_DELAY):
        assert _failed_flaws(failed(fault)) == []
        assert [one.expected for one in judge_run(failed(fault).facts) if not one.ok] == []


def _moved_on(seen: Faulted) -> Faulted:
    first, *others = seen.looks
    return replace(seen, looks=(*others, replace(first, weight=20)))


def _counted(seen: Faulted) -> Faulted:
    return replace(seen, looks=(*seen.looks[1:], replace(seen.looks[0], failed_checks=1)))


def _unnamed(seen: Faulted) -> Faulted:
    return replace(seen, looks=tuple(replace(look, message="fails") for look in seen.looks))


def _passing(seen: Faulted) -> Faulted:
    return replace(seen, looks=seen.looks[1:])


def _stuck(seen: Faulted) -> Faulted:
    return replace(seen, removed_at_s=1000.0)


def _taken_out(seen: Faulted) -> Faulted:
    objects = tuple(replace(one, kept=without_fault(one.kept, STAGE.key, RULE)) for one in seen.facts.objects)
    return replace(seen, facts=replace(seen.facts, objects=objects))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_moved_on, "it is held at one share"),
        (_counted, "no check counts as failed"),
        (_unnamed, "its message says"),
        (_passing, "the reason is SharedBreach all the time"),
        (_stuck, "it goes on within"),
        (_taken_out, "the fault itself stays"),
    ],
)
def test_what_is_wrong_with_a_release_that_is_held_is_found(spoil: Spoil, words: str) -> None:
    """By name, and nothing else."""
    (flaw,) = _held_flaws(spoil(held()))
    assert flaw.startswith(words)


def test_what_is_wrong_with_a_release_that_fails_is_found() -> None:
    """Another reason, testers whom it misses, clients whom it hits."""
    seen = failed()
    assert _failed_flaws(replace(seen, promoted="it was slow"))[0].startswith("it is rolled back")
    whole = tuple(replace(one, status=200) for one in seen.testers)
    assert _failed_flaws(replace(seen, testers=whole)) == ["testers meet the fault as often as it says"]
    quick = tuple(replace(one, done_at_s=one.sent_at_s) for one in failed(OWN_DELAY).testers)
    assert _failed_flaws(replace(failed(OWN_DELAY), testers=quick)) == ["testers meet the delay"]
    hit = replace(seen.facts, records=(*seen.facts.records, replace(record(5.0, "", ""), status=555)))
    assert _failed_flaws(replace(seen, facts=hit)) == ["nobody else does"]


def test_a_fault_is_told_and_taken_out_by_its_rule() -> None:
    """Of the one object alone."""
    spoilt = with_fault(BASELINE, SHARED)
    assert faults_of(spoilt, STAGE.key) == {RULE: dict(SHARED.says)}
    assert faults_of(without_fault(spoilt, STAGE.key, RULE), STAGE.key) == faults_of({}, STAGE.key) == {}
    assert without_fault({}, STAGE.key, RULE) == {}


def test_weights_of_a_release_with_a_fault_may_grow_before_it_shows() -> None:
    """By a step, not by more."""
    seen = failed()
    plan = seen.facts.plan
    grown = tuple(replace(seen.facts.written[0], shares=(("v1", 100 - one), ("v2", one))) for one in (10, 20, 50, 0))
    names = [f"the canary's weights in VirtualService are {text}" for text in ("10, 20, 0", "10, 0")]
    ok = judge_run(replace(seen.facts, written=(*grown[:2], grown[3])))
    far = judge_run(replace(seen.facts, written=grown))
    assert {one.expected: one.ok for one in ok}[names[0]]
    assert not {one.expected: one.ok for one in far}[names[0]]
    assert {one.expected: one.ok for one in judge_run(seen.facts)}[names[1]]
    assert plan.fault == OWN
