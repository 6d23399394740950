"""The judge of webhooks: what receivers got as it should be passes, and each way of spoiling it is found, by name."""

from dataclasses import replace
from typing import Any

import pytest

from e2e.strategies.gates import GateFacts
from e2e.strategies.judge_gates import judge_gates, payload_flaw
from e2e.strategies.receiver import HookCall
from tests.lab.strategies_facts import run_of


def _call(at_s: float, hook: str, number: int = 0, **changes: object) -> HookCall:
    phase = {"confirm-rollout": "Waiting", "post-rollout": "Succeeded"}.get(hook, "Progressing")
    told = {"eventMessage": "Said", "eventType": "Normal", "timestamp": "1000"} if hook == "event" else {}
    payload: dict[str, object] = {"name": "app", "namespace": "default", "phase": phase, "checksum": "abc"}
    payload |= {"metadata": {"team": "web", **told}}
    known_as = f"uid-{number}" if number else ""
    payload |= {"id": known_as} if number else {}
    status = int(str(changes.pop("status", 200)))
    return HookCall(at_s, hook, payload | changes, known_as, status)


def _gated() -> GateFacts:
    """Notice 5 is refused before the kill and delivered after; notice 7 is the end's."""
    run = run_of("gates")
    statuses = tuple(replace(seen, at_s=seen.at_s + 11.0) if seen.phase != "Waiting" else seen for seen in run.statuses)
    calls = (
        _call(0.5, "confirm-rollout", status=403),
        _call(5.5, "confirm-rollout", status=403),
        _call(11.9, "confirm-rollout"),
        _call(1.0, "event", 4),
        _call(13.0, "event", 5, status=503),
        _call(16.0, "event", 5),
        _call(14.0, "confirm-promotion", status=403),
        _call(16.0, "confirm-promotion", status=403),
        _call(17.9, "confirm-promotion"),
        _call(21.0, "event", 6),
        _call(22.0, "post-rollout", 7),
    )
    opened = {"confirm-rollout": 11.5, "confirm-promotion": 17.5}
    status = {"notices": 7, "noticesLost": 0}
    return GateFacts(replace(run, statuses=statuses), calls, opened, 14.0, 15.0, 0, 4, status)


def _failed(facts: GateFacts) -> list[str]:
    return [result.expected for result in judge_gates(facts) if not result.ok]


def test_gates_as_they_should_be_meet_every_expectation() -> None:
    """Nothing is found wrong."""
    assert _failed(_gated()) == []


GATED = _gated()
CALLS = GATED.calls
OPENED = {"confirm-rollout": 11.5, "confirm-promotion": 17.5}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        pytest.param({"replicas_while_closed": 2}, "nothing is started before", id="pods"),
        pytest.param({"opened": OPENED | {"confirm-rollout": 13.0}}, "nothing is started before", id="started"),
        pytest.param({"opened": OPENED | {"confirm-promotion": 30.0}}, "nothing is promoted before", id="promoted"),
        pytest.param({"calls": CALLS[1:]}, "confirm-rollout is asked again", id="asked once"),
        pytest.param({"calls": (*CALLS[:9], CALLS[10])}, "every event arrives", id="lost"),
        pytest.param({"status": {"notices": 7, "noticesLost": 1}}, "every event arrives", id="no room"),
        pytest.param({"calls": (*CALLS, _call(23.0, "event", 6, checksum="other"))}, "one id stands", id="an id twice"),
        pytest.param({"restarted_at_s": 17.0}, "what was not taken before kill -9", id="not again"),
        pytest.param({"calls": (*CALLS, _call(23.0, "post-rollout", 8))}, "post-rollout comes once", id="two ends"),
        pytest.param(
            {"calls": (*CALLS, _call(17.8, "confirm-promotion", checksum="other"))}, "all gates", id="another revision"
        ),
    ],
)
def test_each_way_of_spoiling_gates_is_found(changes: dict[str, Any], found: str) -> None:
    """The expectation that names it fails."""
    assert any(expected.startswith(found) for expected in _failed(replace(GATED, **changes)))


@pytest.mark.parametrize(
    ("call", "flaw"),
    [
        pytest.param(_call(1.0, "event", 1), "", id="right"),
        pytest.param(_call(1.0, "event"), "its keys are", id="no id"),
        pytest.param(_call(1.0, "confirm-rollout", phase="Progressing"), "its phase is", id="another phase"),
        pytest.param(_call(1.0, "event", 1, name="other"), "it is about other", id="another Canary"),
        pytest.param(_call(1.0, "event", 1, metadata={"team": "web"}), "its metadata is", id="nothing told"),
        pytest.param(replace(_call(1.0, "event", 1), idempotency_key="x"), "Idempotency-Key", id="another key"),
    ],
)
def test_a_payload_is_held_against_flaggers(call: HookCall, flaw: str) -> None:
    """What is wrong with it is named."""
    assert payload_flaw(call).startswith(flaw)
    assert bool(payload_flaw(call)) == bool(flaw)
