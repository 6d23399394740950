from __future__ import annotations

import json

import pytest

from rollouts.errors import Forbidden
from rollouts.kube.account import KubeAccount
from rollouts.kube.transport import Transport
from tests.kube.rude_server import RudeServer, Step, reply, status

RBAC = "/apis/rbac.authorization.k8s.io/v1"
ACCOUNT = "/api/v1/namespaces/here/serviceaccounts/rollouts-controller"
OURS = "rollouts-controller-until-given-back"
ROLE, BINDING = f"{RBAC}/clusterroles/rollouts-controller", f"{RBAC}/clusterrolebindings/{OURS}"
EVERYWHERE = [ACCOUNT, ROLE, BINDING]
HERE = f"{RBAC}/namespaces/here"
ONE = [ACCOUNT, f"{HERE}/roles/rollouts-controller", f"{HERE}/rolebindings/{OURS}"]
DONE = {"metadata": {"name": "rollouts-controller", "uid": "role-uid"}}
GOING = {"metadata": DONE["metadata"] | {"deletionTimestamp": "2026-01-01T00:00:00Z"}}
FINALIZER = "rollouts.dev/canaries-first"


@pytest.mark.parametrize(("everywhere", "paths"), [(True, EVERYWHERE), (False, ONE)], ids=["cluster", "namespace"])
async def test_account_and_role_are_held_and_bound_once_more(
    rude: RudeServer, transport: Transport, *, everywhere: bool, paths: list[str]
) -> None:
    """Our finalizer is added, whatever others are there; the binding goes with the role that owns it."""
    rude.script.extend([reply(200, DONE)] * 3)

    await KubeAccount(transport, "here", everywhere=everywhere).hold()

    assert [(asked.method, asked.path) for asked in rude.asked] == [("PATCH", path) for path in paths]
    account, role, binding = rude.asked
    assert {asked.headers["content-type"] for asked in (account, role)} == {"application/strategic-merge-patch+json"}
    assert [json.loads(asked.body) for asked in (account, role)] == [{"metadata": {"finalizers": [FINALIZER]}}] * 2
    made = json.loads(binding.body)
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == (made["roleRef"]["kind"], "rollouts-controller", "role-uid")
    assert made["subjects"] == [{"kind": "ServiceAccount", "name": "rollouts-controller", "namespace": "here"}]
    assert made["metadata"].get("namespace") == (None if everywhere else "here")


@pytest.mark.parametrize(
    ("role", "paths"),
    [
        (reply(200, DONE), [ACCOUNT, ROLE, BINDING]),
        (reply(200, GOING), [ACCOUNT, ROLE]),
        (reply(404, status(404)), [ACCOUNT, ROLE]),
    ],
    ids=["that stays", "that is deleted", "that is gone"],
)
async def test_with_a_role(rude: RudeServer, transport: Transport, *, role: Step, paths: list[str]) -> None:
    """The account first, then the role: with one that goes the right to anything more goes, and the binding too."""
    rude.script.extend([reply(200, DONE), role, reply(200, {})])

    await KubeAccount(transport, "here", everywhere=True).let_go()

    assert [asked.path for asked in rude.asked] == paths
    taken = {"metadata": {"$deleteFromPrimitiveList/finalizers": [FINALIZER]}}
    assert [json.loads(asked.body) for asked in rude.asked[:2]] == [taken, taken]


async def test_a_right_that_is_missing_is_told(rude: RudeServer, transport: Transport) -> None:
    """Then it stays as it is, and that is known."""
    rude.script.append(reply(403, status(403)))

    with pytest.raises(Forbidden):
        await KubeAccount(transport, "here", everywhere=True).let_go()


@pytest.mark.parametrize(
    ("metadata", "going"),
    [
        ({}, False),
        ({"finalizers": ["rollouts.dev/canaries-first"]}, False),
        ({"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x/y"]}, False),
        ({"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["rollouts.dev/canaries-first"]}, True),
    ],
    ids=["is there", "is held", "goes unheld", "goes, held"],
)
async def test_whether_it_goes_is_seen_on_the_account(
    rude: RudeServer, transport: Transport, *, metadata: dict[str, object], going: bool
) -> None:
    """By a change of nothing."""
    rude.script.append(reply(200, {"metadata": metadata}))

    assert await KubeAccount(transport, "here", everywhere=True).is_going() is going
    assert [(asked.path, json.loads(asked.body)) for asked in rude.asked] == [(ACCOUNT, {})]


async def test_an_account_that_is_not_there_does_not_go(rude: RudeServer, transport: Transport) -> None:
    """So it is where the program runs as somebody else."""
    rude.script.append(reply(404, status(404)))

    assert not await KubeAccount(transport, "here", everywhere=True).is_going()
