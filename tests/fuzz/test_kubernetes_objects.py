"""Whatever stands in an object that we read: our kinds, a policy, another replica's Lease, what a watch sends.

What is refused is refused by the error that is meant for it, which says where; a part that nobody can read holds
releases back, and never lets one pass.
"""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from rollouts.admission.admit import FieldValidation, admit
from rollouts.admission.canaries import canary_definition
from rollouts.api.actions import PREFIX, Verb, intent_text, read_actions
from rollouts.api.alert_provider import AlertProviderSpec
from rollouts.api.canary import CanarySpec
from rollouts.api.invalid import explain_invalid
from rollouts.api.known import Known
from rollouts.api.resources import CANARIES, LEASES, ObjectKey
from rollouts.api.status import CanaryStatus, Phase
from rollouts.api.template import AnalysisTemplateSpec
from rollouts.core.evidence.wire import from_wire
from rollouts.core.shares import read_share
from rollouts.engine.policy import hold_of_flaws, hold_of_freeze, read_policy
from rollouts.engine.provider_status import render_status
from rollouts.engine.record import read_status
from rollouts.engine.template_words import render, stand_ins, undeclared
from rollouts.engine.turns import read_turns
from rollouts.engine.windows import look_at
from rollouts.errors import KubeError, Rejected, SpecInvalid, StatusUnreadable
from rollouts.kube.cursor import Expired, Failed, Garbled, WatchCursor
from rollouts.kube.failures import MESSAGE_LIMIT, failure_of, status_body
from rollouts.kube.lease_manifest import read_lease
from rollouts.kube.lines import LineSplitter, LineTooLong
from rollouts.kube.requests import get
from rollouts.ports import Undelivered
from tests.api.canaries import good_spec
from tests.fuzz.effort import bounded_work, examples
from tests.fuzz.matter import SECRET, TIMES, bodies, spoilt, stored, texts, torn, values
from tests.server.api_world import STATUS

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
EXAMPLES = [
    one for path in sorted((ROOT / "examples").rglob("*.yaml")) for one in yaml.safe_load_all(path.read_text()) if one
]
CANARY_SPECS = [good_spec(), *(one["spec"] for one in EXAMPLES if one["kind"] == "Canary")]
TEMPLATES = [yaml.safe_load(path.read_text())["spec"] for path in sorted((ROOT / "analysis-templates").glob("*.yaml"))]
PROVIDERS = [
    {"type": "slack", "channel": "#ops", "secretRef": {"name": "x"}},
    {"type": "email", "email": {"from": "a@b.c", "to": ["d@e.f"], "smarthost": "mail:25"}, "secretRef": {"name": "x"}},
    {
        "type": "webhook",
        "address": "https://hooks.test",
        "allowedNamespaces": ["*"],
        "links": [{"title": "a", "url": "https://b"}],
    },
]


def _read(model: type[BaseModel], spec: Any) -> BaseModel | None:
    """As the engine does it; what is told of it has its bound and one line's worth of words."""
    with bounded_work():
        try:
            return model.model_validate(stored(spec))
        except ValidationError as invalid:
            assert 0 < len(explain_invalid(invalid)) <= 1024
            return None


@examples(200)
@given(spec=st.sampled_from(CANARY_SPECS).flatmap(spoilt))
def test_a_canary_may_hold_anything(spec: Any) -> None:
    """It is a spec that the engine can ask everything of, or invalid."""
    read = _read(CanarySpec, spec)
    if isinstance(read, CanarySpec):
        with bounded_work():
            look_at(read.windows, NOW)
        assert read.analysis.interval_s > 0
        assert read.model_dump_json()


@examples(80)
@given(schedule=st.text("0123456789*/,-#L ABCDEFMONTUE", max_size=30),
       duration=st.sampled_from(["1m", "168h", "9999999h", "x"]),
       zone=st.one_of(texts, st.sampled_from(["UTC", "Europe/Berlin", "..", "posix",
                                             "right/UTC", "Factory"])))  # fmt: skip
def test_windows_may_be_anything(schedule: str, duration: str, zone: str) -> None:
    """A schedule that never comes, or a zone that is a folder, is invalid; looking at the others ends."""
    for effect in ("allow", "deny"):
        window = {"schedule": schedule, "duration": duration, "timeZone": zone, "effect": effect}
        read = _read(CanarySpec, good_spec() | {"windows": [window, {"schedule": "0 9 29 2 *", "duration": "1h"}]})
        if isinstance(read, CanarySpec):
            with bounded_work():
                look_at(read.windows, NOW)


@examples(120)
@given(spec=st.sampled_from(TEMPLATES).flatmap(spoilt))
def test_a_template_may_hold_anything(spec: Any) -> None:
    """What can be read can be rendered, or says why it can't; what a Secret holds is in no refusal."""
    read = _read(AnalysisTemplateSpec, spec)
    if not isinstance(read, AnalysisTemplateSpec):
        return
    secrets = {arg.name: SECRET for arg in read.args}
    with bounded_work():
        try:
            undeclared(read)
            render(read, stand_ins(read, secrets))
        except SpecInvalid as invalid:
            assert SECRET not in str(invalid)


@examples(80)
@given(spec=st.sampled_from(PROVIDERS).flatmap(spoilt), namespace=texts)
def test_a_provider_may_hold_anything(spec: Any, namespace: str) -> None:
    """It says whom it speaks for, or is invalid."""
    read = _read(AlertProviderSpec, spec)
    if isinstance(read, AlertProviderSpec):
        assert read.admits(namespace) in {True, False}


INTENTS = {
    PREFIX + "abort": '{"id": "1", "user": "ann", "reason": "why"}',
    PREFIX + "approve.ann": '{"id": "2", "revision": "b"}',
    PREFIX + "set-weight": '{"id": "3", "weight": 40}', PREFIX + "promote": "4", "team": "shop",
}  # fmt: skip
ANNOTATIONS = st.one_of(
    spoilt(INTENTS).map(lambda one: stored(one) if isinstance(one, dict) else {}),
    st.dictionaries(
        st.one_of(st.sampled_from([*INTENTS]), texts.map(lambda text: f"{PREFIX}approve.{text}")).map(stored),
        st.one_of(texts, st.sampled_from([*INTENTS.values()]).flatmap(lambda one: torn(one.encode())).map(
            lambda raw: raw.decode(errors="replace"))).map(stored),
        max_size=20,
    ),
)  # fmt: skip


@examples(150)
@given(annotations=ANNOTATIONS, verified=st.booleans())
def test_intents_may_be_anything(annotations: dict[str, Any], verified: bool) -> None:
    """Each is an action, or one with a flaw, which is refused; how many are read has a bound, whoever is named."""
    with bounded_work():
        actions = read_actions({"metadata": {"annotations": annotations}}, verified=verified)
    assert len(actions) <= len(Verb) + 16
    for action in actions:
        assert len(action.id.encode()) <= 64
        assert not (action.verified and not verified)
        assert action.in_words()
        intent_text(action)


@examples(150)
@given(status=spoilt(dict(STATUS, evidence=[{"name": "a", "at": TIMES[0], "basis": "b", "state": "1:AAAA"}])))
def test_a_status_may_hold_anything(status: Any) -> None:
    """It is read, and then seconds can be counted from each of its times; or it is unreadable, and that is said."""
    canary = {"metadata": {"name": "app", "namespace": "shop"}, "status": stored(status)}
    with bounded_work():
        if _is_admitted(canary):
            read_turns([Known(canary)])
        try:
            read = read_status(canary)
        except StatusUnreadable as unreadable:
            assert "shop/app" in str(unreadable)
            assert "--subresource=status" in str(unreadable)
            return
    for at in (read.started_at, read.last_transition_time, *(one.at for one in read.evidence)):
        assert at is None or isinstance((at - NOW) + timedelta(days=365_000) + timedelta(days=365_000), timedelta)
    for one in read.evidence:
        from_wire(one.state)
    assert CanaryStatus.model_validate(read.to_wire()) == read


def _is_admitted(canary: Any) -> bool:
    """Whether the CRD's schema lets it through."""
    whole = {"apiVersion": CANARIES.api_version, "kind": CANARIES.kind, "spec": good_spec(), **canary}
    try:
        admit(canary_definition(), whole, whole, subresource="status", field_validation=FieldValidation.IGNORE)
    except Rejected:
        return False
    return True


@examples(120)
@given(
    text=st.one_of(
        texts, st.binary(max_size=400).map(lambda raw: "1:" + raw.hex()), st.text("1:AQID/+=", max_size=1200)
    )
)
def test_packed_sums_may_be_anything(text: str) -> None:
    """They are sums, or nothing: then the run begins to count anew."""
    with bounded_work():
        from_wire(text)


POLICY = {"freeze": "true", "freezeUntil": TIMES[0], "freezeNamespaces": "shop", "maxConcurrent": "5"}
POLICY_DATA = st.dictionaries(
    st.one_of(st.sampled_from([*POLICY]), texts),
    st.one_of(texts, st.sampled_from([*POLICY.values(), *TIMES])),
    max_size=5,
)


@examples(150)
@given(data=POLICY_DATA)
def test_a_policy_may_hold_anything(data: dict[str, str]) -> None:
    """What can't be read holds the start of releases; what says `freeze` never freezes less than it says."""
    key = ObjectKey("rollouts-system", "rollouts-policy")
    with bounded_work():
        policy = read_policy(key, {"data": stored(data)})
        held = hold_of_flaws(policy) or hold_of_freeze(policy, "shop", NOW, steps=True)
    assert set(data) <= {*POLICY} or held
    if data.get("freeze") == "true" and not data.keys() & {"freezeUntil", "freezeNamespaces"}:
        assert held
    if "maxConcurrent" in data and data["maxConcurrent"].strip():
        assert policy.max_concurrent or held


LEASE: dict[str, Any] = {
    "apiVersion": LEASES.api_version, "kind": LEASES.kind,
    "metadata": {"name": "rollouts-a", "namespace": "rollouts-system", "uid": "u", "resourceVersion": "1",
                 "creationTimestamp": TIMES[0], "labels": {"rollouts.dev/replica": "a"},
                 "annotations": {"rollouts.dev/share": "shards a b"}},
    "spec": {"holderIdentity": "a-1", "leaseDurationSeconds": 15, "renewTime": "2026-05-04T12:00:00.000000Z"},
}  # fmt: skip


@examples(100)
@given(status=spoilt({"observedGeneration": 1, "conditions": [
    {"type": "Ready", "status": "True", "reason": "Delivered",
     "message": "", "lastTransitionTime": TIMES[0]}]}))  # fmt: skip
def test_a_providers_status_may_hold_anything(status: Any) -> None:
    """It is as it should be, or written anew."""
    provider = {"metadata": {"name": "a", "namespace": "b", "resourceVersion": "1"}, "status": stored(status)}
    with bounded_work():
        for failed in (None, Undelivered("no")):
            write = render_status(provider, failed, NOW)
            assert write is None or write.status["conditions"][0]["type"] == "Ready"


@examples(120)
@given(data=st.data())
def test_a_lease_of_another_may_hold_anything(data: st.DataObject) -> None:
    """Whoever may write Leases: one of ours has a duration with a bound, and one that is none of ours is nobody's.

    Types are the API server's to see to, so only what it lets through is changed.
    """
    lease = copy.deepcopy(LEASE)
    lease["spec"]["leaseDurationSeconds"] = data.draw(st.one_of(st.none(), st.integers(1, 2**31 - 1)))
    lease["spec"]["holderIdentity"] = stored(data.draw(st.one_of(st.none(), texts)))
    lease["metadata"]["labels"] = data.draw(
        st.one_of(st.none(), st.dictionaries(st.just("rollouts.dev/replica"), texts))
    )
    lease["metadata"]["annotations"] = data.draw(
        st.one_of(st.none(), st.fixed_dictionaries({"rollouts.dev/share": texts}))
    )
    with bounded_work():
        read = read_lease(lease)
    assert (read is None) is not bool((lease["metadata"]["labels"] or {}).get("rollouts.dev/replica"))
    if read is not None:
        assert timedelta(0) < read.duration <= timedelta(hours=1)


@examples(80)
@given(text=st.one_of(texts, st.text("shards leader ab", max_size=40)))
def test_a_share_may_be_anything(text: str) -> None:
    """What one can't understand nobody goes by."""
    share = read_share(text)
    assert share is None or share.takes("a", ObjectKey("shop", "app")) in {True, False}


EVENTS = (
    {"type": "ADDED", "object": {"metadata": {"name": "a", "resourceVersion": "1"}}},
    {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "2"}}},
    {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}},
)


@examples(120)
@given(line=bodies(EVENTS))
def test_a_watch_may_send_anything(line: bytes) -> None:
    """An object with its version, or an event that says that something may have been missed."""
    cursor = WatchCursor("1")
    with bounded_work():
        event = cursor.feed(line)
    if not isinstance(event, Garbled | Failed | Expired):
        assert cursor.resource_version


@examples(60)
@given(pieces=st.lists(st.binary(max_size=20), max_size=20))
def test_lines_come_whole_however_they_are_cut(pieces: list[bytes]) -> None:
    """And what is longer than allowed is no line."""
    splitter = LineSplitter(limit_bytes=30)
    lines = []
    try:
        for piece in pieces:
            lines += splitter.feed(piece)
    except LineTooLong:
        assert max(map(len, b"".join(pieces).split(b"\n"))) > 30
        return
    assert [*lines, splitter.flush()] == b"".join(pieces).split(b"\n")


REFUSALS = (
    {
        "kind": "Status",
        "reason": "Invalid",
        "message": f'Secret is invalid: Invalid value: "{{{SECRET}}}"',
        "details": {"causes": [{}]},
    },
    {"kind": "Status", "message": 'cannot get resource "secrets" in API group ""', "details": {"retryAfterSeconds": 1}},
)


@examples(120)
@given(status=st.integers(300, 999), body=bodies(REFUSALS))
def test_the_api_server_may_refuse_in_any_words(status: int, body: bytes) -> None:
    """It is an error of ours, and an object that it quotes is cut off."""
    with bounded_work():
        error = failure_of(get(CANARIES, ObjectKey("shop", "app")), status, {}, body)
    assert isinstance(error, KubeError)
    # Torn words are no server's.
    assert f"{{{SECRET}" not in str(error) or b' value: \\"{' not in body
    assert len(str(error)) < MESSAGE_LIMIT + 400
    status_body(body)


@pytest.mark.parametrize("at", ["2026-05-04T12:00:00+99:99", "2026-05-04T12:00:00x5z", "9999-12-31T23:59:59Z"])
def test_found_time_that_the_schema_admits(at: str) -> None:
    """The API server takes more for a date than a calendar has: such a Canary kept all others from their turn."""
    hold = {"reason": "Queued", "message": "m", "since": TIMES[0]}
    spoilt_one = {
        "metadata": {"name": "bad", "namespace": "shop"},
        "status": {"phase": "Waiting", "lastTransitionTime": at, "hold": hold, "conditions": [{}]},
    }
    good = {
        "metadata": {"name": "good", "namespace": "shop"},
        "status": {"phase": "Waiting", "lastTransitionTime": TIMES[0], "hold": hold},
    }
    assert ObjectKey("shop", "good") in read_turns([Known(spoilt_one), Known(good)]).queue
    with pytest.raises(StatusUnreadable):
        read_status(spoilt_one)


def test_found_freeze_until_the_end_of_time() -> None:
    """`freezeUntil: 9999-12-31` would make a status that no process can count from: it holds, and says so."""
    policy = read_policy(ObjectKey("a", "b"), {"data": {"freezeUntil": "9999-12-31T00:00:00Z"}})
    held = hold_of_flaws(policy)
    assert held is not None
    assert "freezeUntil" in held.message
    assert Phase.WAITING


@examples(40)
@given(value=values)
def test_what_the_server_gives_is_json(value: Any) -> None:
    """The values of these tests are such as an API server can hold: no half of a character, nothing infinite."""
    json.dumps(stored(value), allow_nan=False, ensure_ascii=False).encode()
