"""The controller's own account on a real API server: held, it stays in force; let go, it is gone."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts.api.resources import ObjectKey
from rollouts.errors import Forbidden, NotFound
from rollouts.kube.account import BINDING, NAMESPACED, SERVICE_ACCOUNTS, KubeAccount
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
    own = {"resourceNames": [NAME], "verbs": ["get", "patch"]}  # kubectl gets what it patches; the controller does not
    binding = {"resourceNames": [BINDING], "verbs": ["create", "patch", "delete"]}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {
            "apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata,
            "rules": [
                {"apiGroups": [""], "resources": ["serviceaccounts"], **own},
                {"apiGroups": [RBAC], "resources": ["roles"], **own},
                {"apiGroups": [RBAC], "resources": ["rolebindings"], **binding},
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
    for resource, name in ((SERVICE_ACCOUNTS, NAME), *((kind, NAME) for kind in NAMESPACED), (NAMESPACED[1], BINDING)):
        try:
            await real.send(get(resource, ObjectKey(NAMESPACE, name)))
        except NotFound:
            continue
        left.append(f"{resource} {name}")
    return left


async def test_deleted_it_stays_in_force_until_it_is_let_go(real: Transport) -> None:
    """Each time: all is deleted, the account still acts, and as its last act lets go; the binding goes by itself."""
    account = await connect(user=ACCOUNT)
    try:
        for _ in range(ROUNDS):
            _applied()
            held = KubeAccount(account, NAMESPACE, everywhere=False)
            await _allowed(held.hold)
            assert not await held.is_going()
            deleted = run_kubectl("delete", "-n", NAMESPACE, "--wait=false", *PARTS)
            assert deleted.returncode == 0, deleted.stderr
            assert await held.is_going()
            assert len(await _left(real)) == 3
            await held.let_go()
            ends_at = time.monotonic() + IN_FORCE_WITHIN_S
            while left := await _left(real):
                assert time.monotonic() < ends_at, left
                await asyncio.sleep(0.1)
    finally:
        await account.close()


async def test_while_it_stays_nothing_of_it_is_left(real: Transport) -> None:
    """Let go with its role in place, it takes the second binding away itself."""
    account = await connect(user=ACCOUNT)
    try:
        _applied()
        held = KubeAccount(account, NAMESPACE, everywhere=False)
        await _allowed(held.hold)
        await held.let_go()
        assert [left for left in await _left(real) if BINDING in left] == []
        deleted = run_kubectl("delete", "-n", NAMESPACE, "--timeout=20s", *PARTS)
        assert deleted.returncode == 0, deleted.stderr
    finally:
        await account.close()


async def _allowed(act: Callable[[], Awaitable[None]]) -> None:
    """As soon as the server knows of the role."""
    ends_at = time.monotonic() + IN_FORCE_WITHIN_S
    while True:
        try:
            await act()
        except Forbidden:
            assert time.monotonic() < ends_at
            await asyncio.sleep(0.1)
        else:
            return


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
    """Neither the role, though the API server would let it make that less, nor what else is in both."""
    _applied()
    marked = {"metadata": {"annotations": {"x": "y"}}}
    ends_at = time.monotonic() + IN_FORCE_WITHIN_S
    # Another value each time: what is there already is no change, and would be let in for ever.
    tried = ({"metadata": {"annotations": {"x": str(number)}}} for number in count())
    while "nothing but finalizers" not in (told := _refusal(f"role/{NAME}", next(tried))):
        assert time.monotonic() < ends_at, told
        time.sleep(0.5)
    assert "may not change a role" in _refusal(f"role/{NAME}", {"rules": []})
    for name in (f"serviceaccount/{NAME}", f"role/{NAME}"):
        assert "nothing but finalizers" in _refusal(name, marked)
        assert _refusal(name, {"metadata": {"finalizers": ["rollouts.dev/canaries-first"]}}) == ""
        assert _refusal(name, {"metadata": {"finalizers": None}}) == ""


@pytest.mark.parametrize("subject", ["somebody", NAME], ids=["another", "itself"])
def test_it_binds_itself_alone(policy: None, subject: str) -> None:
    """To its own role, by one binding of a name."""
    _applied()
    binding = next(one for one in _manifests() if one["kind"] == "RoleBinding")
    binding["metadata"] = {"name": BINDING, "namespace": NAMESPACE}
    binding["subjects"] = [{"kind": "ServiceAccount", "name": subject, "namespace": NAMESPACE}]
    words = ("apply", "--server-side", f"--as={ACCOUNT}", "--filename=-")
    refused = "bind its own role to itself" if subject != NAME else ""
    ends_at = time.monotonic() + IN_FORCE_WITHIN_S
    while refused not in (told := run_kubectl(*words, manifest=binding).stderr) or (told and not refused):
        assert time.monotonic() < ends_at, told
        run_kubectl("delete", f"rolebinding/{BINDING}", "-n", NAMESPACE, "--ignore-not-found")
        time.sleep(0.5)
    run_kubectl("delete", f"rolebinding/{BINDING}", "-n", NAMESPACE, "--ignore-not-found")
