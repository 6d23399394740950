"""What is expected of webhooks: Flagger's payload, a run that waits, and every event told, by one id. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from e2e.play.result import Result
from e2e.strategies.gates import CLOSED_S, GateFacts
from e2e.strategies.receiver import HookCall

_KEYS = {"name", "namespace", "phase", "checksum", "metadata"}
_TOLD_KEYS = {"eventMessage", "eventType", "timestamp"}
_TOLD = ("event", "post-rollout")
_GATES = ("confirm-rollout", "confirm-promotion")
_PHASES = {"confirm-rollout": {"Waiting"}, "confirm-promotion": {"Progressing"}, "post-rollout": {"Succeeded"}}
"""As Flagger has it: only the gate before the start is told the very phase."""


def judge_gates(facts: GateFacts) -> list[Result]:
    """Every expectation of the receivers."""
    return [*_payloads(facts), *_waits(facts), *_deliveries(facts)]


def _result(facts: GateFacts, expected: str, ok: object, detail: str) -> Result:
    return Result(facts.run.plan.story, expected, bool(ok), detail)


def _payloads(facts: GateFacts) -> Iterator[Result]:
    during = [call for call in facts.calls if call.at_s >= facts.run.applied_at_s]
    for hook in (*_GATES, *_TOLD):
        calls = [call for call in during if call.hook == hook]
        flaws = [flaw for call in calls if (flaw := payload_flaw(call))]
        detail = flaws[0] if flaws else f"{len(calls)} calls"
        yield _result(facts, f"{hook} gets Flagger's payload", calls and not flaws, detail)
    checksums = {call.payload.get("checksum") for call in during if call.hook in _GATES}
    yield _result(facts, "all gates are asked about one revision", len(checksums) == 1, f"checksums {checksums}")


def payload_flaw(call: HookCall) -> str:
    """What is wrong with a payload; empty if nothing is."""
    payload, told = call.payload, call.hook in _TOLD
    if set(payload) != _KEYS | ({"id"} if told else set()):
        return f"its keys are {sorted(payload)}"
    if (payload["name"], payload["namespace"]) != ("app", "default") or not payload["checksum"]:
        return f"it is about {payload['name']}.{payload['namespace']}, checksum {payload['checksum']!r}"
    metadata = payload["metadata"]
    if set(metadata) != {"team"} | (_TOLD_KEYS if call.hook == "event" else set()) or metadata["team"] != "web":
        return f"its metadata is {metadata}"
    if call.hook == "event" and not (metadata["timestamp"].isdecimal() and metadata["eventMessage"]):
        return f"it tells {metadata}"
    if payload["phase"] not in _PHASES.get(call.hook, {payload["phase"]}):
        return f"its phase is {payload['phase']}"
    return "" if not told or call.idempotency_key == payload["id"] else f"Idempotency-Key {call.idempotency_key!r}"


def _waits(facts: GateFacts) -> Iterator[Result]:
    started_s, opened_s = facts.run.reached("Progressing"), facts.opened.get("confirm-rollout")
    waited = started_s is not None and opened_s is not None and started_s >= opened_s
    held_s = opened_s - facts.run.applied_at_s if opened_s is not None else 0.0
    ok = waited and held_s >= CLOSED_S and facts.replicas_while_closed == 0
    detail = f"closed for {held_s:.1f} s, then {facts.replicas_while_closed} replicas of the canary"
    yield _result(facts, "nothing is started before confirm-rollout is open", ok, detail)
    promoting_s, opened_s = facts.run.reached("Promoting"), facts.opened.get("confirm-promotion")
    ok = promoting_s is not None and opened_s is not None and promoting_s >= opened_s
    detail = f"promoting {promoting_s - opened_s:.1f} s after" if ok and promoting_s and opened_s else "it was not"
    yield _result(facts, "nothing is promoted before confirm-promotion is open", ok, detail)
    for hook in _GATES:
        answers = [call.accepted for call in facts.calls if call.hook == hook]
        refused = answers.count(False)
        detail = f"{refused} refusals, {answers.count(True)} consents"
        yield _result(facts, f"{hook} is asked again while it is closed", refused > 1 and any(answers), detail)


def _deliveries(facts: GateFacts) -> Iterator[Result]:
    told = [call for call in facts.calls if call.hook in _TOLD]
    arrived = {_number(call) for call in told if call.accepted}
    due = set(range(facts.first_notice, int(facts.status["notices"]) + 1))
    lost = int(facts.status["noticesLost"])
    detail = f"{len(due & arrived)} of {len(due)} notices arrived, {lost} had to make room"
    yield _result(facts, "every event arrives at least once", due and due == arrived and lost == 0, detail)
    payloads: dict[str, set[str]] = {}
    for call in told:
        payloads.setdefault(str(call.payload["id"]), set()).add(repr(call.payload))
    torn = [known_as for known_as, texts in payloads.items() if len(texts) > 1]
    detail = f"{len(told)} deliveries, {len(payloads)} ids; with two contents: {torn or 'none'}"
    yield _result(facts, "one id stands for one event", payloads and not torn, detail)
    missed = {_number(call) for call in told if not call.accepted and call.at_s < facts.killed_at_s}
    again = {_number(call) for call in told if call.accepted and call.at_s >= facts.restarted_at_s}
    detail = f"refused before kill -9: {sorted(missed)}, all of them accepted after: {missed <= again}"
    yield _result(facts, "what was not taken before kill -9 comes again after", missed and missed <= again, detail)
    ends = [call.payload["id"] for call in told if call.hook == "post-rollout" and call.accepted]
    yield _result(facts, "post-rollout comes once", len(ends) == 1, f"{len(ends)} times")


def _number(call: HookCall) -> int:
    return int(str(call.payload["id"]).rpartition("-")[2])
