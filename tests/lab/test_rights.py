"""What the plays say of the controller's rights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from e2e.lab.credentials import CONTROLLER
from e2e.play.rights import add_up, granted_by, granted_to_controller, judge, read_rights, remember

RULES = [
    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list", "patch"]},
    {"apiGroups": ["rollouts.dev"], "resources": ["canaries/status"], "verbs": ["patch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
]
GRANTED = {"list deployments.apps", "patch deployments.apps", "patch canaries.rollouts.dev/status", "list pods"}


def _line(verb: str, target: dict[str, str] | None = None, user: str = CONTROLLER) -> str:
    event: dict[str, Any] = {
        "auditID": f"{verb}{target}",
        "verb": verb,
        "user": {"username": user},
        "requestURI": "/version?timeout=3s",
        "responseStatus": {"code": 200},
    }
    if target:
        event["objectRef"] = target
    return json.dumps(event) + "\n"


STATUS = {"apiGroup": "rollouts.dev", "resource": "canaries", "subresource": "status"}


def test_each_request_counts_once_and_only_the_controllers() -> None:
    """By verb, kind and subresource; a watch's two lines are one, others' requests and half a line are none."""
    watch = _line("watch", {"resource": "pods"})
    lines = [watch, watch, _line("patch", STATUS), _line("get"), _line("list", {"resource": "pods"}, "admin"), "{"]

    assert read_rights(lines) == {
        "watch pods": [1, 0], "patch canaries.rollouts.dev/status": [1, 0], "get /version": [1, 0],
    }  # fmt: skip


def test_what_is_applied_and_was_not_there_was_created() -> None:
    """The log has one patch, and the API server asked for two rights."""
    line = json.loads(_line("patch", {"resource": "services"}))
    line["responseStatus"]["code"] = 201

    assert read_rights([json.dumps(line) + "\n"]) == {"patch services": [1, 0], "create services": [1, 0]}


def test_the_controller_has_what_is_bound_to_it_and_to_all_accounts() -> None:
    """Roles of others are not its own."""

    def role(name: str, *rules: dict[str, Any]) -> dict[str, Any]:
        return {"kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}

    def bound(role_name: str, **subject: str) -> dict[str, Any]:
        ref = {"kind": "ClusterRole", "name": role_name}
        metadata = {"name": role_name}
        return {"kind": "ClusterRoleBinding", "metadata": metadata, "roleRef": ref, "subjects": [subject]}

    _, _, namespace, name = CONTROLLER.split(":")
    manifests = [
        *(role(letter, rule) for letter, rule in zip("abc", RULES, strict=True)),
        bound("a", kind="ServiceAccount", name=name, namespace=namespace),
        bound("b", kind="Group", name="system:serviceaccounts"),
        bound("c", kind="ServiceAccount", name="rollouts-server", namespace=namespace),
    ]
    assert granted_to_controller(manifests) == GRANTED - {"list pods"}


def test_a_role_is_taken_apart() -> None:
    """One right for each verb on each kind, with its subresource."""
    assert granted_by(RULES) == GRANTED


def test_a_role_that_was_used_whole_is_right() -> None:
    """What everybody may is no right of the role's."""
    used = {right: [1, 0] for right in GRANTED} | {"get /version": [3, 0]}
    assert judge(used, GRANTED).ok


def test_a_refusal_a_surplus_and_another_role_are_found() -> None:
    """Each is named; what is refused although it is granted was taken away on purpose."""
    used = {"list deployments.apps": [4, 2], "patch deployments.apps": [1, 0], "list pods": [1, 0], "get nodes": [1, 0]}

    verdict = judge({**used, "create pods": [0, 1]}, GRANTED)

    assert not verdict.ok
    assert verdict.missing == ("create pods",)
    assert verdict.unused == ("patch canaries.rollouts.dev/status",)
    assert verdict.beyond == ("get nodes",)
    assert verdict.taken_away == ("list deployments.apps",)


def test_plays_add_up_and_each_is_remembered_as_it_was_last(tmp_path: Path) -> None:
    """A play that is played again replaces what it had left; the others' stays."""
    file = tmp_path / "out" / "rights.json"
    remember(file, "one", {"list pods": [1, 1]})
    remember(file, "two", {"list pods": [5, 0]})
    remember(file, "one", {"list pods": [2, 0], "get pods": [1, 0]})

    assert add_up(json.loads(file.read_text()).values()) == {"list pods": [7, 0], "get pods": [1, 0]}
