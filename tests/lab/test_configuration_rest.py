"""The play of configuration: what it expects is met by a good run and by no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from e2e.configuration.judge import (
    RunFacts,
    figure_lines,
    judge_promoted,
    judge_replaced,
    judge_rolled_back,
    run_json,
)
from e2e.configuration.stage import OTHER, canary, config_map, deployment
from e2e.lab.load import Record
from e2e.play.result import Result
from e2e.play.seen import StatusSeen
from rollouts.api.canary import CanarySpec
from rollouts.workloads.config_refs import references

COPIES = ("ConfigMap/settings-app-primary-0123456789", "Secret/tuning-app-primary-0123456789")


def answer(at_s: float, workload: str, version: str, status: int = 200) -> Record:
    """One request that was answered at once."""
    return Record(at_s, at_s, 1.0, status, version=version, workload=workload)


def facts(*records: Record, last: str = "Succeeded") -> RunFacts:
    """A release from 0 to 10 s, promoted at 5 s."""
    statuses = (
        StatusSeen(1, "Progressing", 0, 0), StatusSeen(2, "Progressing", 1, 20), StatusSeen(5, "Promoting", 1, 20),
        StatusSeen(8, last, 1, 0),
    )  # fmt: skip
    return RunFacts("story", "1", "2", 0.0, 10.0, statuses, records, COPIES)


GOOD = facts(answer(3, "app-primary", "1"), answer(3, "app", "2"), answer(9.5, "app-primary", "2"))
BAD = facts(
    answer(3, "app-primary", "1"), answer(3, "app", "1", 500), answer(9.5, "app-primary", "1"), last="Failed"
)  # fmt: skip


def failed(results: list[Result]) -> list[str]:
    """What was not met."""
    return [result.expected for result in results if not result.ok]


def test_a_good_run_meets_everything() -> None:
    """And its figures are said."""
    assert failed(judge_promoted(GOOD)) == []
    line = "story: 10.0 s, 0 errors, answers app 2: 1, app-primary 1: 1, app-primary 2: 1"
    assert figure_lines([run_json(GOOD)]) == [line]


@pytest.mark.parametrize(
    ("seen", "unmet"),
    [
        (replace(GOOD, records=(*GOOD.records, answer(4, "app", "1"))), "the canary answers with 2 alone"),
        (replace(GOOD, records=(*GOOD.records, answer(4, "app-primary", "2"))), "the primary with 1 until then"),
        (replace(GOOD, records=(*GOOD.records, answer(9.9, "app-primary", "1"))), "afterwards everybody with 2"),
        (replace(GOOD, records=(*GOOD.records, answer(4, "app", "2", 503))), "no client error"),
        (replace(GOOD, copies=(*COPIES, "ConfigMap/old")), "one copy of each is left"),
        (replace(GOOD, statuses=GOOD.statuses[:-1]), "it ends as Succeeded"),
    ],
    ids=["old canary", "new primary too soon", "old at the end", "an error", "a copy too many", "no end"],
)
def test_a_flaw_is_found(seen: RunFacts, unmet: str) -> None:
    """Each by the expectation that is about it."""
    assert failed(judge_promoted(seen)) == [unmet]


def test_a_rollback_hurts_the_canary_alone() -> None:
    """An error of the primary is none that may be."""
    assert failed(judge_rolled_back(BAD)) == []
    worse = replace(BAD, records=(*BAD.records, answer(4, "app-primary", "1", 500)))
    assert failed(judge_rolled_back(worse)) == ["only the canary answers with errors"]


def test_what_was_given_up_is_asked_no_more() -> None:
    """Changed at 2 s: from a moment later the canary has the new content, or no request."""
    again = replace(GOOD, statuses=(StatusSeen(2.5, "Progressing", 0, 0), *GOOD.statuses[1:]))
    again = replace(again, records=(*again.records, answer(4, "app", "2")))
    assert failed(judge_replaced(again, 2.0)) == []
    late = replace(again, records=(*again.records, answer(6, "app", "3")))
    assert failed(judge_replaced(late, 2.0)) == ["then the canary answers with 2 alone"]


@pytest.mark.parametrize("name", ["app", OTHER])
def test_what_is_applied_is_what_the_story_needs(name: str) -> None:
    """A valid Canary, and a target that refers to both objects."""
    spec = CanarySpec.model_validate(canary(5.0, name)["spec"])
    refs = references(deployment(name)["spec"]["template"])
    assert (spec.target.name, [str(ref) for ref in refs]) == (name, ["ConfigMap/settings", "Secret/tuning"])
    assert config_map("2")["binaryData"] != config_map("2", b"x")["binaryData"]
