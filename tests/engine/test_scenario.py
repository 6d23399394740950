"""Scenarios: a script and a Canary in, a timeline of the real engine out; and golden stories told once more by it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import pytest

from rollouts.errors import SpecInvalid
from rollouts.testing.scenario import Scenario, Timeline
from rollouts.testing.scenario_run import run
from tests.core.given import spec_of
from tests.core.story import Story, read_all
from tests.engine.world import canary_manifest

SIGNALS = {
    "successRate", "durationMs", "canaryRps", "stableRps", "testRequests", "metricsDown", "arrives",
    "unreached", "fault", "stableSuccessRate", "stableDurationMs", "answers",
}  # fmt: skip
GIVEN = {
    "analysis", "progressDeadlineSeconds", "readyAfter", "hooks", "spec", "canaryReplicas", "targetReplicas", "policy",
} | SIGNALS  # fmt: skip
"""What a story may be given, for a scenario to tell it: no particular routes or primary."""
WHEN = {"at", "apply", "configure", "delete", "spec", "ask", "hooks", "policy", "controller"} | SIGNALS


def _told(script: dict[str, Any], canary: object = None, seed: int = 0) -> Timeline:
    return run(Scenario.of(canary or canary_manifest(), script), seed)


def test_a_release_is_told_with_its_reasons_and_its_news() -> None:
    """Each decision at its second, versions by the names of the script, and what people hear of it."""
    timeline = _told({"when": [{"at": 5, "apply": "b"}, {"at": 20, "successRate": 50}], "until": 60})
    assert [(made.event, made.phase, made.weight) for made in timeline.decisions] == [
        ("NewRevision", "Progressing", 0), ("Advance", "Progressing", 20), ("Advance", "Progressing", 50),
        ("Rollback", "Failed", 0), ("Drained", "Failed", 0),
    ]  # fmt: skip
    first, *_, last = timeline.news
    assert (first.at_s, first.kind, first.reason, first.message) == (5.0, "Normal", "NewRevision", "Revision b is new")
    assert (last.kind, last.reason) == ("Warning", "Rollback")
    assert "Revision b at 50 % failed: request-success-rate 50.00 %" in last.message
    assert timeline.status.failed_checks == 1


def test_the_same_seed_tells_the_same() -> None:
    """And another one starts the pods at other instants."""
    script = {"when": [{"at": 5, "apply": "b"}], "until": 60}
    assert _told(script, seed=1) == _told(script, seed=1)
    assert _told(script, seed=1).decisions[1].at_s != _told(script, seed=2).decisions[1].at_s


def test_webhooks_with_secrets_are_answered() -> None:
    """Whoever names a Secret need not make it; a webhook that is down says nothing."""
    secret = {"secretKeyRef": {"name": "token", "key": "value"}}
    gate = {
        "type": "confirm-rollout", "name": "gate", "url": "http://gate/", "signing": secret,
        "headersFrom": [{"name": "Authorization", **secret}],
    }  # fmt: skip
    script = {"when": [{"at": 1, "hooks": {"gate": "down"}}, {"at": 5, "apply": "b"}], "until": 20}
    closed = _told(script, canary_manifest(webhooks=[gate]))
    assert (closed.status.phase, closed.status.gate and closed.status.gate.type) == ("Waiting", "confirm-rollout")
    script["when"] = [{"at": 5, "apply": "b"}]
    assert _told(script, canary_manifest(webhooks=[gate])).status.phase == "Progressing"


def test_a_spec_that_becomes_invalid_is_told() -> None:
    """As a cluster without the schema would take it: the controller says what is wrong, and the weight stays."""
    bad = {"analysis": {"stepWeights": [50, 20]}}
    timeline = _told({"when": [{"at": 5, "apply": "b"}, {"at": 12, "spec": bad}], "until": 60})
    assert timeline.news[-1].reason == "SpecInvalid"
    assert (timeline.status.phase, timeline.status.desired_weight) == ("Progressing", 20)


@pytest.mark.parametrize(
    ("canary", "script", "says"),
    [
        ("text", {"until": 1}, "no Canary: an object of kind Canary is needed"),
        ({"kind": "Deployment"}, {"until": 1}, "no Canary: an object of kind Canary is needed"),
        ({"kind": "Canary"}, {"until": 1}, "the Canary has no metadata.name"),
        (canary_manifest(stepWeights=[50, 20]), {"until": 1}, "spec.analysis: Value error, stepWeights must ascend"),
        (None, None, "script: Input should be a valid dictionary"),
        (None, {"until": -1}, "until: Input should be greater than or equal to 0"),
        (None, {"until": 1, "when": [{"at": 1, "sucessRate": 5}]}, "when.0.sucessRate: Extra inputs are not permitted"),
        (None, {"until": 1, "when": [{"apply": "b"}]}, "when.0: Value error, set exactly one of at and atWeight"),
        (None, {"until": 1, "when": [{"at": 1, "atWeight": 5}]}, "when.0: Value error, set exactly one of"),
        (None, {"until": 1, "when": [{"at": 1, "ask": {"stop": "1"}}]}, "when.0.ask.stop"),
        (None, {"until": 1, "readyAfter": {"b": "soon"}}, "readyAfter.b"),
    ],
)
def test_what_is_wrong_is_said(canary: object, script: object, says: str) -> None:
    """Of a Canary in the controller's own words, of a script by the place in it."""
    with pytest.raises(SpecInvalid) as refused:
        Scenario.of(canary or canary_manifest(), script)
    assert says in str(refused.value)


def test_a_canary_that_never_gets_ready_is_refused() -> None:
    """With what its condition says."""
    canary = canary_manifest()
    canary["spec"]["suspend"] = True
    with pytest.raises(SpecInvalid, match=r"does not get ready: spec\.suspend is true"):
        _told({"until": 1}, canary)


def _stories() -> dict[str, dict[str, Any]]:
    """Those that a scenario can tell."""
    return {
        name: text
        for name, text in read_all().items()
        if text["given"].keys() <= GIVEN and all(entry.keys() <= WHEN for entry in text["when"])
    }


STORIES = _stories()
TOLD = [
    (name, kind)
    for name, text in STORIES.items()
    for kind in ("Deployment", "DaemonSet")
    # Nodes decide how many pods a DaemonSet has.
    if kind == "Deployment" or "canaryReplicas" not in text["given"]
]


@pytest.mark.parametrize(("name", "kind"), TOLD, ids=[f"{name}-{kind}" for name, kind in TOLD])
def test_the_engine_tells_a_golden_story_as_the_core_alone_does(name: str, kind: str) -> None:
    """The same phases and weights in the same order, with real writes, watches, queries and calls in between.

    Of whichever kind the target is: its size may be a number, or a switch.
    """
    text = STORIES[name]
    story = Story.of(text)
    story.tell()

    timeline = run(_scenario(text, kind))

    engine = _ways((made.phase, made.weight) for made in timeline.decisions)
    assert engine == _ways((row["phase"], row["weight"]) for row in story.told)


def _scenario(text: dict[str, Any], kind: str) -> Scenario:
    given = text["given"]
    spec = spec_of(given.get("progressDeadlineSeconds", 60), **given.get("analysis", {})).model_dump(by_alias=True)
    spec["targetRef"]["kind"] = kind
    spec["canaryReplicas"] = given.get("canaryReplicas", "auto")
    at_first = {key: given[key] for key in given.keys() & WHEN}
    when = [*([{"at": 0, **at_first}] if at_first else []), *text["when"]]
    script = {"readyAfter": given.get("readyAfter", {}), "when": when, "until": text["until"]}
    script["replicas"] = given.get("targetReplicas", 2)
    return Scenario.of(canary_manifest() | {"spec": spec}, script)


def _ways(states: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return [state for state, _ in groupby(states)]
