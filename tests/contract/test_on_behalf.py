"""What the server relies on in `ports.OnBehalf`: the same cases for the double and for a real API server."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rollouts.api.resources import ObjectKey
from rollouts.errors import Forbidden
from rollouts.kube.access import nameless, open_client
from rollouts.kube.on_behalf import KubeOnBehalf
from rollouts.kube.transport import Transport
from rollouts.ports import Access, OnBehalf
from rollouts.testing.on_behalf import People
from tests.kube.kubectl import run_kubectl

NAMESPACE = "on-behalf"
RBAC = "rbac.authorization.k8s.io"
ANN, BOB = (f"system:serviceaccount:{NAMESPACE}:{name}" for name in ("ann", "bob"))


@dataclass(frozen=True, slots=True)
class Arranged:
    """Ann may get Canaries, approve one and list Events; Bob may nothing."""

    reviews: OnBehalf
    ann: str
    bob: str


def _applied(manifest: dict[str, Any]) -> None:
    done = run_kubectl("apply", "--server-side", "-f", "-", manifest=manifest)
    assert done.returncode == 0, done.stderr


def _token(name: str) -> str:
    metadata = {"name": name, "namespace": NAMESPACE}
    _applied({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    done = run_kubectl("create", "token", name, "-n", NAMESPACE)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _kube_tokens() -> tuple[str, str]:
    _applied({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    tokens = _token("ann"), _token("bob")
    metadata = {"name": "ann", "namespace": NAMESPACE}
    rules = [
        {"apiGroups": ["rollouts.dev"], "resources": ["canaries"], "verbs": ["get"]},
        {"apiGroups": ["rollouts.dev"], "resources": ["canaries"], "verbs": ["approve"], "resourceNames": ["app"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["list"]},
    ]
    _applied({"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules})
    subjects = [{"kind": "ServiceAccount", "name": "ann", "namespace": NAMESPACE}]
    role = {"apiGroup": RBAC, "kind": "Role", "name": "ann"}
    binding = {"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "metadata": metadata}
    _applied({**binding, "roleRef": role, "subjects": subjects})
    return tokens


@pytest.fixture(params=["memory", pytest.param("kube", marks=pytest.mark.kube)])
async def arranged(request: pytest.FixtureRequest) -> AsyncIterator[Arranged]:
    """Each in turn."""
    if request.param == "memory":
        rights = {Access("get", NAMESPACE), Access("approve", NAMESPACE, "app"), Access("list-events", NAMESPACE)}
        yield Arranged(People({"a": ANN, "b": BOB}, {ANN: rights}), "a", "b")
        return
    ann, bob = _kube_tokens()
    async with AsyncExitStack() as stack:
        # With a certificate that may do anything: none of that may be lent to who shows a token.
        admin = await open_client(kubeconfig=Path(os.environ["KUBECONFIG"]))
        stack.push_async_callback(admin.close)
        transport = Transport(nameless(admin), monotonic=time.monotonic)
        stack.push_async_callback(transport.close)
        yield Arranged(KubeOnBehalf(transport), ann, bob)


async def test_a_token_is_its_owners(arranged: Arranged) -> None:
    """And one that is nobody's is nobody's, whatever our own account is."""
    assert await arranged.reviews.user(arranged.ann) == ANN
    assert await arranged.reviews.user(arranged.bob) == BOB
    assert await arranged.reviews.user("nonsense") is None
    assert await arranged.reviews.user(arranged.ann[:-4] + "AAAA") is None


@pytest.mark.parametrize(
    ("access", "allowed"),
    [
        (Access("get", NAMESPACE, "app"), True),
        (Access("get", NAMESPACE), True),
        (Access("approve", NAMESPACE, "app"), True),
        (Access("approve", NAMESPACE, "other"), False),
        (Access("reject", NAMESPACE, "app"), False),
        (Access("get", "elsewhere", "app"), False),
        (Access("get"), False),
        (Access("patch", NAMESPACE, "app"), False),
    ],
    ids=repr,
)
async def test_rights_are_the_owners(arranged: Arranged, access: Access, *, allowed: bool) -> None:
    """Of that verb, there, on that Canary; who has none has none."""
    assert await arranged.reviews.may(arranged.ann, access) is allowed
    assert await arranged.reviews.may(arranged.bob, access) is False
    assert await arranged.reviews.may("nonsense", access) is False


async def test_events_are_for_who_may_list_them(arranged: Arranged) -> None:
    """Others are told that they may not."""
    quiet = ObjectKey(NAMESPACE, "quiet")  # of `app` some may be there: other tests have one
    assert list(await arranged.reviews.events(arranged.ann, quiet)) == []
    with pytest.raises(Forbidden):
        await arranged.reviews.events(arranged.bob, quiet)
