"""The policy of deploy/policies/intents.yaml on a real API server: whose name stands in an action is who asked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts.api.actions import PREFIX, Action, Verb, intent_text
from tests.engine.world import canary_manifest
from tests.kube.kubectl import kubectl_json, run_kubectl

pytestmark = pytest.mark.kube

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy" / "policies" / "intents.yaml"
NAMESPACE = "intents"
IN_FORCE_WITHIN_S = 30.0
SERVER = "system:serviceaccount:rollouts-system:rollouts-server"
CONTROLLER = "system:serviceaccount:rollouts-system:rollouts-controller"
ODD = 'DOMAIN\\"zoë" <z>'


def _role(user: str, *verbs: str) -> list[dict[str, Any]]:
    name = f"{'-'.join(verbs)}-{sum(map(ord, user))}"
    metadata = {"name": name, "namespace": NAMESPACE}
    rbac = "rbac.authorization.k8s.io"
    rules = [{"apiGroups": ["rollouts.dev"], "resources": ["canaries"], "verbs": ["get", "patch", "create", *verbs]}]
    return [
        {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        {
            "apiVersion": f"{rbac}/v1", "kind": "RoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name},
            "subjects": [{"kind": "User", "apiGroup": rbac, "name": user}],
        },
    ]  # fmt: skip


def _applied(*manifests: dict[str, Any]) -> None:
    for manifest in manifests:
        done = run_kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", manifest=manifest)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module", autouse=True)
def policy() -> Iterator[None]:
    """The policy in force, a Canary, an editor without any verb, and who has one."""
    _applied({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    canary = canary_manifest()
    canary["metadata"] = {"name": "app", "namespace": NAMESPACE}
    _applied(canary, *_role("mallory"), *_role(ODD, "approve"), *_role("ann", "approve", "reject"))
    _applied(*_role(SERVER), *_role(CONTROLLER), *(one for verb in Verb for one in _role(f"may-{verb}", verb)))
    _applied(*yaml.safe_load_all(FILE.read_text()))
    ends_at = time.monotonic() + IN_FORCE_WITHIN_S
    while _asked("mallory", "abort", str(time.monotonic_ns())) == "":
        assert time.monotonic() < ends_at, "the policy is not in force"
        time.sleep(0.2)
    yield
    run_kubectl("delete", "-f", str(FILE))
    run_kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def _asked(user: str, key: str, value: str | dict[str, Any], *, way: str = "merge") -> str:
    """What the server says against it; empty if it was let in."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    patch = json.dumps({"metadata": {"annotations": {PREFIX + key: text}}})
    done = run_kubectl(
        "patch", "canaries.rollouts.dev", "app", "-n", NAMESPACE, f"--as={user}", "--type", way, "-p", patch
    )
    return "" if done.returncode == 0 else done.stderr


def _intent(user: str, **fields: Any) -> dict[str, Any]:
    return {"id": str(time.monotonic_ns()), "revision": "b", "user": user, "reason": "it looks well"} | fields


def _stored(key: str) -> str | None:
    canary = kubectl_json("get", "canaries.rollouts.dev", "app", "-n", NAMESPACE)
    told: str | None = canary["metadata"].get("annotations", {}).get(PREFIX + key)
    return told


@pytest.mark.parametrize("verb", list(Verb), ids=str)
def test_each_verb_takes_its_right(verb: Verb) -> None:
    """Who has it asks in the own name; who may only edit Canaries hears which verb is missing."""
    mine = _intent(f"may-{verb}", full=True, weight=40)
    assert _asked(f"may-{verb}", verb, mine) == ""
    assert json.loads(_stored(verb) or "") == mine

    refused = _asked("mallory", verb, _intent("mallory"))

    assert f"mallory may not {verb} this Canary: it takes the verb {verb} on canaries.rollouts.dev" in refused
    assert json.loads(_stored(verb) or "") == mine


@pytest.mark.parametrize("key", ["approve", "approve.ann"])
def test_a_forged_name_is_refused(key: str) -> None:
    """Not even who may approve approves as somebody else."""
    assert 'is not in your name: write "user": "ann" into it' in _asked("ann", key, _intent("bob"))
    assert 'is not in your name: write "user": "mallory" into it' in _asked("mallory", key, _intent("ann"))


FORGERIES = {
    "no user": '{"id": "1", "revision": "b"}',
    "two users, the second false": '{"id": "1", "user": "ann", "revision": "b", "user": "bob"}',
    "two users, the first false": '{"id": "1", "user": "bob", "revision": "b", "user": "ann"}',
    "escaped key": '{"id": "1", "user": "ann", "revision": "b", "\\u0075ser": "bob"}',
    "the right one within a text": '{"id": "1", "revision": "b", "reason": "\\"user\\": \\"ann\\"", "user": "bob"}',
    "the right one as a value": '{"id": "user", "revision": "ann", "reason": "ann", "user": "bob"}',
    "hidden ends": '{"id": "\\\\", "revision": "b", "reason": "\\\\\\"", "user": "bob", "via": "\\",\\"user\\":"}',
    "nested": '{"id": "1", "revision": "b", "user": "ann", "more": {"user": "bob"}}',
    "a list": '[{"id": "1", "revision": "b", "user": "ann"}]',
    "capital": '{"id": "1", "revision": "b", "User": "ann"}',
    "only an id": "1",
    "not JSON": '{"id": "1", "revision": "b", "user": "ann"',
    "text behind": '{"id": "1", "revision": "b", "user": "ann"} {"user": "bob"}',
    "too long": '{"id": "1", "revision": "b", "user": "ann", "reason": "' + "x" * 5000 + '"}',
}


@pytest.mark.parametrize("text", FORGERIES.values(), ids=FORGERIES)
def test_what_could_be_read_as_somebody_elses_is_refused(text: str) -> None:
    """Each says what to write."""
    refused = _asked("ann", "approve", text)

    assert "denied request" in refused
    assert "write " in refused


def test_an_approval_without_a_revision_is_refused() -> None:
    """It would be one for whatever comes."""
    assert 'write "revision": "<status.lastAppliedSpec>"' in _asked("ann", "approve", {"id": "1", "user": "ann"})
    assert 'write "revision": "<status.lastAppliedSpec>"' in _asked("ann", "approve", _intent("ann", revision=""))


def test_an_action_that_there_is_not_is_refused() -> None:
    """A slip of the pen would be asked, and never heard."""
    assert "is no action: write actions.rollouts.dev/ and one of" in _asked("ann", "aprove", _intent("ann"))
    assert "is no action" in _asked("ann", "abort.ann", _intent("ann"))


def test_a_name_with_quotes_and_other_letters_is_compared_as_it_is() -> None:
    """As the program writes it."""
    action = Action(verb=Verb.APPROVE, id="7", revision="b", user=ODD, reason='so "be" it')

    assert _asked(ODD, "approve.odd", intent_text(action)) == ""
    assert _stored("approve.odd") == intent_text(action)


@pytest.mark.parametrize("account", [SERVER, CONTROLLER])
def test_our_own_account_writes_who_asked_it(account: str) -> None:
    """It has asked for the verb with that user's token."""
    assert _asked(account, "approve.eve", _intent("eve")) == ""


def test_what_does_not_touch_actions_goes_through() -> None:
    """Also beside actions of others that are there, and taking one away."""
    _asked(SERVER, "pause", _intent("somebody"))
    done = run_kubectl(
        "label", "canaries.rollouts.dev/app", "-n", NAMESPACE, "--as=mallory", "--overwrite", "team=shop"
    )
    assert done.returncode == 0, done.stderr
    gone = run_kubectl("annotate", "canaries.rollouts.dev/app", "-n", NAMESPACE, "--as=mallory", f"{PREFIX}pause-")
    assert gone.returncode == 0, gone.stderr
    assert _stored("pause") is None


def test_a_new_canary_brings_no_forged_approval() -> None:
    """It is held like a change."""
    canary = canary_manifest()
    annotations = {f"{PREFIX}approve": json.dumps(_intent("ann"))}
    canary["metadata"] = {"name": "other", "namespace": NAMESPACE, "annotations": annotations}

    done = run_kubectl("create", "-f", "-", "--as=mallory", manifest=canary)

    assert "is not in your name" in done.stderr


def test_three_at_once_are_too_many() -> None:
    """The server limits what a policy may ask of its authorizer."""
    annotations = {PREFIX + verb: json.dumps(_intent("ann")) for verb in ("approve", "reject", "pause")}
    patch = json.dumps({"metadata": {"annotations": annotations}})
    done = run_kubectl(
        "patch", "canaries.rollouts.dev", "app", "-n", NAMESPACE, "--as=ann", "--type=merge", "-p", patch
    )
    assert "at most two actions" in done.stderr
