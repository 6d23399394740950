"""The controller's own account on a real API server: held, it stays in force; let go, it is gone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts.api.resources import ObjectKey
from rollouts.errors import NotFound
from rollouts.kube.account import NAMESPACED, SERVICE_ACCOUNTS, KubeAccount
from rollouts.kube.requests import get
from rollouts.kube.transport import Transport
from tests.kube.kubectl import run_kubectl
from tests.kube.test_real_server import connect, real

__all__ = ["real"]

pytestmark = pytest.mark.kube

ROOT = Path(__file__).parents[2]
NAMESPACE, NAME = "own-account", "rollouts-controller"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:{NAME}"
RBAC = "rbac.authorization.k8s.io"
IN_FORCE_WITHIN_S = 30.0
ROUNDS = 10
PARTS = (f"serviceaccount/{NAME}", f"role/{NAME}", f"rolebinding/{NAME}")


def _manifests() -> list[dict[str, Any]]:
    metadata = {"name": NAME, "namespace": NAMESPACE}
    own = {"resourceNames": [NAME], "verbs": ["patch"]}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {
            "apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata,
            "rules": [
                {"apiGroups": [""], "resources": ["serviceaccounts"], **own},
                {"apiGroups": [RBAC], "resources": ["roles", "rolebindings"], **own},
            ],
        },
        {
            "apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": NAME},
            "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
        },
    ]  # fmt: skip


def _applied() -> None:
    for manifest in _manifests():
        done = run_kubectl("apply", "--server-side", "-f", "-", manifest=manifest)
        assert done.returncode == 0, done.stderr


async def _left(real: Transport) -> list[str]:
    left = []
    for resource in (SERVICE_ACCOUNTS, *NAMESPACED):
        try:
            await real.send(get(resource, ObjectKey(NAMESPACE, NAME)))
        except NotFound:
            continue
        left.append(str(resource))
    return left


async def test_deleted_it_stays_in_force_until_it_is_let_go(real: Transport) -> None:
    """Each time: all is deleted, the account still acts, and as its last act lets all three go."""
    account = await connect(user=ACCOUNT)
    try:
        for _ in range(ROUNDS):
            _applied()
            held = KubeAccount(account, NAMESPACE, everywhere=False)
            await held.hold()
            assert not await held.is_going()
            deleted = run_kubectl("delete", "-n", NAMESPACE, "--wait=false", *PARTS)
            assert deleted.returncode == 0, deleted.stderr
            assert await held.is_going()
            assert len(await _left(real)) == 3
            await held.let_go()
            assert await _left(real) == []
    finally:
        await account.close()


@pytest.fixture
def policy() -> Iterator[None]:
    """deploy/policies/own-account.yaml, for the account of this file."""
    text = (ROOT / "deploy" / "policies" / "own-account.yaml").read_text(encoding="utf-8")
    manifests = [
        *yaml.safe_load_all(
            text.replace("system:serviceaccount:rollouts-system:", f"system:serviceaccount:{NAMESPACE}:")
        )
    ]
    for manifest in manifests:
        manifest["metadata"]["name"] = "tried.own-account.rollouts.dev"
        if "policyName" in manifest["spec"]:
            manifest["spec"]["policyName"] = manifest["metadata"]["name"]
        done = run_kubectl("apply", "--server-side", "-f", "-", manifest=manifest)
        assert done.returncode == 0, done.stderr
    yield
    for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
        run_kubectl("delete", kind, "tried.own-account.rollouts.dev")


def _refusal(name: str, patch: dict[str, Any]) -> str:
    words = ("patch", name, "-n", NAMESPACE, f"--as={ACCOUNT}", "--type=merge", f"--patch={json.dumps(patch)}")
    return run_kubectl(*words).stderr


def test_it_changes_nothing_but_finalizers(policy: None) -> None:
    """Not to whom its role is bound, not the role, though the API server's own rules would let it make either less."""
    _applied()
    nobody: dict[str, Any] = {"subjects": []}
    ends_at = time.monotonic() + IN_FORCE_WITHIN_S
    while "may not change to whom" not in _refusal(f"rolebinding/{NAME}", nobody):
        assert time.monotonic() < ends_at
        _applied()
        time.sleep(0.5)
    assert "may not change a role" in _refusal(f"role/{NAME}", {"rules": []})
    marked = {"metadata": {"annotations": {"x": "y"}}}
    for name in PARTS:
        assert "nothing but finalizers" in _refusal(name, marked)
        assert _refusal(name, {"metadata": {"finalizers": ["rollouts.dev/canaries-first"]}}) == ""
        assert _refusal(name, {"metadata": {"finalizers": None}}) == ""
