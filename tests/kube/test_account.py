from __future__ import annotations

import json

import pytest

from rollouts.errors import Forbidden
from rollouts.kube.account import KubeAccount
from rollouts.kube.transport import Transport
from tests.kube.rude_server import RudeServer, reply, status

RBAC = "/apis/rbac.authorization.k8s.io/v1"
ACCOUNT = "/api/v1/namespaces/here/serviceaccounts/rollouts-controller"
EVERYWHERE = [ACCOUNT, f"{RBAC}/clusterroles/rollouts-controller", f"{RBAC}/clusterrolebindings/rollouts-controller"]
ONE = [
    ACCOUNT,
    f"{RBAC}/namespaces/here/roles/rollouts-controller",
    f"{RBAC}/namespaces/here/rolebindings/rollouts-controller",
]
DONE = {"metadata": {"name": "rollouts-controller"}}


@pytest.mark.parametrize(("everywhere", "paths"), [(True, EVERYWHERE), (False, ONE)], ids=["cluster", "namespace"])
async def test_account_role_and_binding_are_held(
    rude: RudeServer, transport: Transport, *, everywhere: bool, paths: list[str]
) -> None:
    """By adding our finalizer to each, whatever others are there."""
    rude.script.extend([reply(200, DONE)] * 3)

    await KubeAccount(transport, "here", everywhere=everywhere).hold()

    assert [(asked.method, asked.path) for asked in rude.asked] == [("PATCH", path) for path in paths]
    assert {asked.headers["content-type"] for asked in rude.asked} == {"application/strategic-merge-patch+json"}
    assert [json.loads(asked.body) for asked in rude.asked] == [
        {"metadata": {"finalizers": ["rollouts.dev/canaries-first"]}}
    ] * 3


async def test_letting_go_goes_on_when_one_is_gone(rude: RudeServer, transport: Transport) -> None:
    """All three are asked for, whatever comes of the others; what is gone is let go."""
    rude.script.extend([*[reply(200, DONE)] * 4, reply(404, status(404)), reply(200, DONE)])

    await KubeAccount(transport, "here", everywhere=True).let_go()

    taken = [asked for asked in rude.asked if b"$deleteFromPrimitiveList/finalizers" in asked.body]
    assert sorted(asked.path for asked in taken) == sorted(EVERYWHERE)


async def test_a_right_that_ended_first_is_told(rude: RudeServer, transport: Transport) -> None:
    """Then one of them stays, and it is known."""
    rude.script.extend([*[reply(200, DONE)] * 5, reply(403, status(403))])

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
