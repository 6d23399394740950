"""What Argo CD shows of a Canary and lets people do: the shipped Lua, in a real Lua 5.1, on every golden story."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
import yaml
from lupa.lua51 import LuaRuntime, lua_type

from e2e.argocd import ACTIONS, FILE, FOLDER, code_of, config
from rollouts.api.actions import Verb, read_actions
from rollouts.api.status import CanaryStatus, ConditionType, Phase
from rollouts.core.decision import Decision
from rollouts.core.observed import Observed
from tests.core.story import Story, read_all
from tests.deploy.manifests import documents

STORIES = read_all()
ACCOUNT = "system:serviceaccount:argocd:argocd-server"
HEALTHY = {Phase.INITIALIZED, Phase.SUCCEEDED}
WAITS = {Phase.WAITING, Phase.WAITING_PROMOTION}
HEALTH = (FOLDER / "health.lua").read_text(encoding="utf-8")
DISCOVERY = (FOLDER / "actions" / "discovery.lua").read_text(encoding="utf-8")


class _Lua:
    def __init__(self) -> None:
        self._runtime = LuaRuntime(unpack_returned_tuples=True)

    def run(self, code: str, canary: dict[str, Any]) -> Any:
        """What the program returns with `obj` set, as JSON has it."""
        self._runtime.globals().obj = self._table(canary)
        return self._plain(self._runtime.execute(code))

    def _table(self, value: Any) -> Any:
        match value:
            case dict():
                return self._runtime.table_from({k: self._table(v) for k, v in value.items() if v is not None})
            case list():
                return self._runtime.table_from([self._table(one) for one in value])
            case _:
                return value

    def _plain(self, value: Any) -> Any:
        if lua_type(value) != "table":
            return value
        return {key: self._plain(one) for key, one in value.items()}


LUA = _Lua()


def _canary(status: CanaryStatus | dict[str, Any], *, generation: int = 1, **metadata: Any) -> dict[str, Any]:
    wire = status if isinstance(status, dict) else status.to_wire() | {"observedGeneration": 1}
    made = {"name": "app", "namespace": "default", "generation": generation, "resourceVersion": "7", **metadata}
    return {"metadata": made, "spec": {}, "status": wire}


def _health(canary: dict[str, Any]) -> tuple[str, str]:
    told = LUA.run(HEALTH, canary)
    return told["status"], told["message"]


def _enabled(canary: dict[str, Any]) -> set[str]:
    return {name for name, one in LUA.run(DISCOVERY, canary).items() if not one["disabled"]}


@cache
def _told(name: str) -> list[CanaryStatus]:
    """Every status of a story."""
    story, seen = Story.of(STORIES[name]), list[CanaryStatus]()

    def note(_before: CanaryStatus, _seen: Observed, decision: Decision) -> None:
        seen.append(decision.status)

    story.world.watchers.append(note)
    story.tell()
    return seen


@pytest.mark.parametrize("name", STORIES)
def test_every_status_of_a_story_has_its_health(name: str) -> None:
    """Failed is Degraded and says why; what waits for somebody is Suspended; done is Healthy; nothing is Unknown."""
    for status in _told(name):
        word, message = _health(_canary(status))
        stalled = [
            one.message for one in status.conditions if one.type == ConditionType.STALLED and one.status == "True"
        ]
        waits = status.gate is not None and not status.gate.approved
        waits = waits or status.hold is not None or status.paused_at is not None or status.phase in WAITS
        if status.phase is Phase.TERMINATING:
            expected = "Progressing"
        elif stalled:
            expected = "Degraded"
            assert message if status.phase is Phase.FAILED else stalled[0] in message
        elif waits:
            expected = "Suspended"
            assert message
        else:
            expected = "Healthy" if status.phase in HEALTHY else "Progressing"
        assert (word, status.phase) == (expected, status.phase)


@pytest.mark.parametrize("name", STORIES)
def test_an_action_is_offered_where_it_is_possible(name: str) -> None:
    """In each status of a story: retry of what failed, abort of what runs, approve at a closed gate, and so on."""
    for status in _told(name):
        enabled, phase = _enabled(_canary(status)), status.phase
        stepping = phase in {Phase.PROGRESSING, Phase.WAITING_PROMOTION}
        assert ("retry" in enabled) == (phase is Phase.FAILED)
        assert ({"promote", "promote-full"} <= enabled) == stepping
        assert ("abort" in enabled) == (stepping or phase in {Phase.WAITING, Phase.PROMOTING})
        assert ("approve" in enabled) == (status.gate is not None and not status.gate.approved)
        assert ("resume" in enabled) == (stepping and status.paused_at is not None)
        assert ("pause" in enabled) == (stepping and status.paused_at is None)


def test_a_spec_that_is_not_looked_at_yet_is_progressing() -> None:
    """The generation is ahead of what was observed, or there is no status: what stands there speaks of another spec."""
    done = {"phase": "Succeeded", "observedGeneration": 1}
    assert _health(_canary(done))[0] == "Healthy"
    assert _health(_canary(done, generation=2))[0] == "Progressing"
    assert _health({"metadata": {"name": "app", "generation": 1}, "spec": {}})[0] == "Progressing"
    assert _health(_canary(done, deletionTimestamp="2026-01-01T00:00:00Z"))[0] == "Progressing"


@pytest.mark.timeout(180)  # tells all stories, where it is run alone
def test_the_stories_come_through_every_phase() -> None:
    """So that none of them has a health that nobody has looked at; and each word of Argo CD is among the answers."""
    told = {status.phase: status for name in STORIES for status in _told(name)}
    assert told.keys() - {None} == {*Phase}
    words = {_health(_canary(status))[0] for status in told.values()}
    assert words == {"Healthy", "Progressing", "Suspended", "Degraded"}


@pytest.mark.parametrize("phase", [*Phase])
def test_no_phase_is_healthy_for_a_spec_that_is_not_looked_at(phase: Phase) -> None:
    """Whatever phase it speaks of: the generation of it is the old one."""
    for generation, observed in ((2, 1), (2, None), (1, 0)):
        status = {"phase": str(phase)} | ({"observedGeneration": observed} if observed is not None else {})
        assert _health(_canary(status, generation=generation))[0] == "Progressing"


@pytest.mark.parametrize("phase", [Phase.WAITING, Phase.WAITING_PROMOTION])
def test_what_waits_without_a_gate_or_hold_says_why_too(phase: Phase) -> None:
    """By the words of the condition Promoted; without a condition by its phase, and never by nothing."""
    promoted = {"type": "Promoted", "status": "Unknown", "reason": "Waiting", "message": "waits for the primary"}
    bare = {"phase": str(phase), "observedGeneration": 1}
    assert _health(_canary(bare | {"conditions": [promoted]})) == ("Suspended", "waits for the primary")
    for conditions in ([], [promoted | {"message": ""}]):
        assert _health(_canary(bare | {"conditions": conditions})) == ("Suspended", str(phase))


def test_what_failed_says_why() -> None:
    """By the condition Promoted, else by Stalled; and a failure that is an older spec's is no failure of this one."""
    promoted = {"type": "Promoted", "status": "False", "reason": "Rollback", "message": "success rate 47 %"}
    stalled = {"type": "Stalled", "status": "True", "reason": "Rollback", "message": "all traffic is on the primary"}
    failed = {"phase": "Failed", "observedGeneration": 1}
    assert _health(_canary(failed | {"conditions": [stalled, promoted]})) == ("Degraded", "success rate 47 %")
    assert _health(_canary(failed | {"conditions": [stalled]})) == ("Degraded", "all traffic is on the primary")
    assert _health(_canary(failed)) == ("Degraded", "")


def test_the_reason_of_waiting_is_told() -> None:
    """Gate, hold and pause, each in its words."""
    gate = {
        "phase": "WaitingPromotion",
        "observedGeneration": 1,
        "gate": {"type": "confirm-promotion", "message": "ask ann"},
    }
    hold = {"phase": "Waiting", "observedGeneration": 1, "hold": {"reason": "Frozen", "message": "until Monday"}}
    paused = {"phase": "Progressing", "observedGeneration": 1, "pausedAt": "2026-01-01T00:00:00Z"}

    assert _health(_canary(gate)) == ("Suspended", "Waits at the gate confirm-promotion: ask ann")
    assert _health(_canary(hold)) == ("Suspended", "Frozen: until Monday")
    assert _health(_canary(paused)) == ("Suspended", "Paused since 2026-01-01T00:00:00Z: resume it")


def test_a_step_is_told_in_percent_of_fine_weights_too() -> None:
    """25 of 10000 is 0.25 %."""
    fine = {"phase": "Progressing", "desiredWeight": 25, "weightTotal": 10000, "stepIndex": 1, "stepCount": 4}
    assert _health(_canary({**fine, "observedGeneration": 1})) == ("Progressing", "Step 1 of 4, 0.25 % of the traffic")


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_is_an_intent_that_the_controller_reads(name: str) -> None:
    """One annotation, for the revision that was seen; other annotations stay, and the spec is not touched."""
    code = code_of(name)
    canary = _canary({"phase": "Progressing", "lastAppliedSpec": "abc"}, annotations={"note": "mine"})

    changed = LUA.run(code, canary)

    assert changed["metadata"]["annotations"]["note"] == "mine"
    (action,) = read_actions(json.loads(json.dumps(changed)))
    assert (action.verb, action.full) == (Verb(name.removesuffix("-full")), name.endswith("full"))
    assert (action.flaw, action.revision) == ("", "abc")
    assert action.id.startswith("argocd-")
    assert action.user == ACCOUNT
    assert changed["spec"] == {}


def test_the_account_in_whose_name_actions_stand_has_their_verbs() -> None:
    """The policy on intents asks for each verb, of whoever is named: the role beside the actions grants just these."""
    role, binding = documents((FOLDER / "rbac.yaml").read_text(encoding="utf-8"))
    (rule,), (subject,) = role["rules"], binding["subjects"]

    assert set(rule["verbs"]) == {"get", "patch"} | {name.removesuffix("-full") for name in ACTIONS}
    assert f"system:serviceaccount:{subject['namespace']}:{subject['name']}" == ACCOUNT
    assert binding["roleRef"]["name"] == role["metadata"]["name"]


def test_what_argo_cd_is_given_is_what_was_tried() -> None:
    """The ConfigMap's entries hold the Lua files, to the byte; `make manifests` writes it."""
    assert FILE.read_text(encoding="utf-8") == config()
    data = yaml.safe_load(config())["data"]
    actions = yaml.safe_load(data["resource.customizations.actions.rollouts.dev_Canary"])

    assert data["resource.customizations.health.rollouts.dev_Canary"] == HEALTH
    assert actions["discovery.lua"] == DISCOVERY
    assert [one["name"] for one in actions["definitions"]] == list(ACTIONS)
    for one in actions["definitions"]:
        assert one["action.lua"] == code_of(one["name"])
