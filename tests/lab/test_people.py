"""The play of people: what it plans is sound, and only a release as it should be meets what it expects."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from e2e.people.facts import Decision, ReleaseFacts, Try
from e2e.people.judge import judge_clients, judge_release, judge_secrets
from e2e.people.judge_message import Numbers, numbers_in, seconds_in
from e2e.people.message import Message
from e2e.people.people import APPROVER, DEVELOPER, RIGHTS, account
from e2e.people.plan import GATE, PROVIDER, RELEASES, canary, provider
from e2e.people.programs import PIPELINE
from e2e.people.report import figure_lines, release_json
from e2e.people.runs import standing
from e2e.people.ways import WAYS
from e2e.play.kubectl import Answer
from e2e.play.seen import TARGET
from rollouts.api.alert_provider import AlertProviderSpec
from rollouts.api.canary import CanarySpec
from rollouts.core.notification import lasting_words
from tests.lab.first_light_facts import record
from tests.lab.people_facts import GOLDEN, STANDING, bad, good, message, phases

GOOD, BAD = good(), bad()


def _failed(facts: ReleaseFacts) -> list[str]:
    return [result.expected for result in judge_release(facts) if not result.ok]


def _decision(**changes: Any) -> Decision:
    assert GOOD.decision is not None
    return replace(GOOD.decision, **changes)


def test_the_plan_is_a_canary_with_a_gate_and_an_alert() -> None:
    """As the controller reads it: opened by a person alone, told to the provider that is applied with it."""
    spec = CanarySpec.model_validate(canary()["spec"])
    [hook] = spec.analysis.webhooks
    assert (str(hook.type), hook.url) == (GATE, None)
    assert [alert.provider_ref.name for alert in spec.analysis.alerts] == [PROVIDER]
    secret, told = provider("http://10.244.0.1:1/services/x")
    assert AlertProviderSpec.model_validate(told["spec"]).secret_ref is not None
    assert secret["stringData"] == {"address": "http://10.244.0.1:1/services/x"}
    assert {release.name for release in RELEASES if release.is_good} == set(WAYS)


def test_nobody_has_both_rights() -> None:
    """Who approves can't change a Canary, and who may change it can't approve."""
    assert not {"patch", "update", "promote"} & set(RIGHTS[APPROVER])
    assert not {"approve", "promote"} & set(RIGHTS[DEVELOPER])
    kinds = [part["kind"] for part in account("ann", RIGHTS[APPROVER])]
    assert kinds == ["ServiceAccount", "Role", "RoleBinding"]


def test_releases_as_they_should_be_meet_every_expectation() -> None:
    """Nothing is found wrong."""
    assert _failed(GOOD) == []
    assert _failed(BAD) == []


GOOD_SPOILS: list[tuple[str, Mapping[str, Any], str]] = [
    ("never ended", {"overdue": "the release's end"}, "it ends as Succeeded"),
    ("rolled back", {"statuses": phases((0.5, "Progressing"), (9.0, "Failed"))}, "it ends as Succeeded"),
    ("the old version serves", {"serves": "2"}, "its version serves"),
    ("exit code", {"pipeline": Answer(1, GOOD.pipeline.out, "")}, "the pipeline that waits"),
    ("no last word", {"pipeline": Answer(0, "Succeeded\n", "")}, "the pipeline that waits"),
    ("never waited", {"decision": None}, f"it waits at {GATE}"),
    ("promoted before", {"decision": _decision(asked_at_s=19.0)}, "until somebody approves"),
    ("told late", {"decision": _decision(waiting_at_s=2.0)}, "a message with links"),
    ("no links", {"decision": _decision(message=GOOD.messages[0])}, "a message with links"),
    ("a try opened it", {"decision": _decision(tries=(Try("x", 403, (), 202, ""),))}, "x: 403"),
    ("another refusal", {"decision": _decision(tries=(Try("x", 403, ("promote",), 403, "no"),))}, "x: 403"),
    ("a try changed it", {"decision": _decision(after={**STANDING, "asked": {"a": "1"}})}, "changes anything"),
    ("nothing was tried", {"decision": _decision(tries=())}, "changes anything"),
    ("refused", {"decision": _decision(approval=Try("ann approves", 0, (), 1, "no"))}, "ann approves"),
    ("not once", {"decision": _decision(again=(Try("again", 410, (), 202, ""),))}, "again: 410"),
    ("somebody else", {"decision": _decision(who="bob")}, "status says who: bob"),
    ("nobody", {"status": {"actions": []}}, "status says who"),
    ("not told", {"messages": GOOD.messages[:3]}, "one says that it was promoted"),
    ("told twice", {"messages": (*GOOD.messages, GOOD.messages[0])}, "each is told once"),
    ("odd shape", {"messages": (*GOOD.messages, Message(28.0, {}, "400 invalid_blocks"))}, "Slack's shape"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "found"), [one[1:] for one in GOOD_SPOILS], ids=[one[0] for one in GOOD_SPOILS])
def test_each_flaw_of_a_good_release_is_found(changes: Mapping[str, Any], found: str) -> None:
    """By the expectation that it breaks."""
    assert any(found in expected for expected in _failed(replace(GOOD, **changes)))


def _news(old: str, new: str) -> Mapping[str, Any]:
    """The last message with other words."""
    payload = json.loads(json.dumps(BAD.messages[1].payload, ensure_ascii=False).replace(old, new))
    return {"messages": (BAD.messages[0], Message(14.6, payload))}


BAD_SPOILS: list[tuple[str, Mapping[str, Any], str]] = [
    ("no counts", _news(", 431 of 827 requests failed", ""), "which number broke which limit"),
    ("no limit", _news(" (limit at least 99 %)", ""), "which number broke which limit"),
    ("other counts", _news("431 of 827", "331 of 827"), "agree with each other"),
    ("too many", _news("431 of 827", "4310 of 8270"), "with what clients had"),
    ("too few", _news("431 of 827", "43 of 82"), "with what clients had"),
    ("other share", _news("47.90 % (limit at least 99 %), 431", "87.91 % (limit at least 99 %), 100"), "clients had"),
    ("other time", _news("after 14 s", "after 24 s"), "after what time"),
    ("no time", _news(" after 14 s", ""), "after what time"),
    ("no version", _news("*Version*", "*Edition*"), "names the version"),
    ("nothing next", _news("*Next*", "*Then*"), "what comes next"),
    ("never told", {"messages": BAD.messages[:1]}, "one says that it was rolled back"),
    ("the bad one serves", {"serves": "5"}, "another version serves"),
    ("the pipeline goes on", {"pipeline": GOOD.pipeline}, "the pipeline that waits"),
]


@pytest.mark.parametrize(("changes", "found"), [one[1:] for one in BAD_SPOILS], ids=[one[0] for one in BAD_SPOILS])
def test_each_flaw_of_bad_news_is_found(changes: Mapping[str, Any], found: str) -> None:
    """By the expectation that it breaks."""
    assert any(found in expected for expected in _failed(replace(BAD, **changes)))


def test_only_the_bad_versions_own_errors_are_forgiven() -> None:
    """One of anybody else, or none that was answered, is found."""
    assert judge_clients(BAD.records, [GOOD, BAD]).ok
    assert not judge_clients(BAD.records, [GOOD]).ok
    assert not judge_clients((), [GOOD, BAD]).ok
    for foreign in (record(1.0, TARGET, "3", status=500), record(1.0, TARGET, "5", status=503), record(1.0, "", "")):
        spoilt = replace(foreign, status=foreign.status if foreign.workload else 0, error="reset")
        assert not judge_clients((*BAD.records, spoilt), [GOOD, BAD]).ok


def test_a_secret_in_a_log_is_found() -> None:
    """And that nothing was looked for is no success."""
    assert judge_secrets("a log", ["secret"]).ok
    assert not judge_secrets("a secret log", ["other", "secret"]).ok
    assert not judge_secrets("", ["secret"]).ok
    assert not judge_secrets("a log", []).ok


def test_numbers_are_read_from_the_words_that_are_told() -> None:
    """Those of the golden message; nothing from others."""
    told = Message(0.0, json.loads(GOLDEN.read_text(encoding="utf-8")))
    assert numbers_in(told.sentence) == Numbers(47.9, 431, 827)
    assert (told.reason, told.id, told.fields["Version"]) == ("Rollback", "5f0c-17", "checkout:2.4.1")
    assert list(told.links) == ["Dashboard"]
    assert numbers_in("request-success-rate 47.90 % in 827 requests (limit at least 99 %)") is None
    assert (Message(0.0, {}).headline, Message(0.0, {}).id, Message(0.0, {}).links) == ("", "", {})


@pytest.mark.parametrize("seconds", [0, 14, 60, 75, 3599])
def test_times_are_read_as_they_are_written(seconds: int) -> None:
    """In the words of the messages."""
    assert seconds_in(f"default/app: rolled back after {lasting_words(seconds)}") == seconds
    assert seconds_in("default/app: rolled back after ") is None


def test_what_a_canary_stands_at_has_all_that_people_change() -> None:
    """Another action, approval, phase or spec is another standing; the server's own counters are not."""
    found: dict[str, Any] = {
        "metadata": {"generation": 2, "resourceVersion": "7", "annotations": {"actions.rollouts.dev/approve": "1"}},
        "status": {"phase": "WaitingPromotion", "lastAppliedSpec": "b", "gate": {"type": GATE}, "desiredWeight": 50},
    }
    before = standing(found)
    assert before["revision"] == "b"
    found["metadata"]["resourceVersion"] = "8"
    assert standing(found) == before
    found["metadata"]["annotations"]["actions.rollouts.dev/approve.x"] = "2"
    assert standing(found) != before


def test_the_report_has_each_release_and_its_messages() -> None:
    """A line for each."""
    lines = figure_lines([release_json(GOOD), release_json(BAD)])
    assert "told of its gate after 0.30 s, promoting 0.40 s after the approval" in lines[0]
    assert lines[-1].endswith("431 of 827 requests failed; failed check 1 of 1; all traffic is on the primary")
    assert len(lines) == 2 + len(GOOD.messages) + len(BAD.messages)


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_pipeline_ends_as_the_status_says(code: int, tmp_path: Path) -> None:
    """It sets the version, waits for its release, and goes on only with 0."""
    fake = tmp_path / "kubectl"
    fake.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n[ "$1" = set ] || exit {code}\n', encoding="utf-8")
    fake.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", str(PIPELINE), "app", "9s", "VERSION=2", "ERROR_RATE=0"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    asked = (tmp_path / "asked").read_text(encoding="utf-8").splitlines()
    assert asked == ["set env deployment/app VERSION=2 ERROR_RATE=0", "canary status app --watch --timeout 9s"]
    assert done.returncode == code
    assert done.stdout.splitlines()[-1].startswith("pipeline: promoted" if code == 0 else "pipeline: stopped")


def test_a_message_of_ours_reads_as_it_was_made() -> None:
    """The invented ones of these tests, too."""
    told = message(1.0, "default/app: waits", 7, sentence="a &lt;b&gt; c", links=True)
    assert (told.headline, told.sentence, told.id) == ("default/app: waits", "a <b> c", "uid-7")
    assert set(told.links) == {"Approve", "Reject", "Canary"}
