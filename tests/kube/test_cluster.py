from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest

from rollouts.api.resources import CANARIES, DEPLOYMENTS, EVENTS, RULES_REVIEWS, ObjectKey
from rollouts.errors import Conflict, InvariantViolated, Throttled, Unavailable
from rollouts.kube.clock import ServerClock
from rollouts.kube.cluster import ATTEMPTS, KubeCluster, stores_for
from rollouts.kube.failures import NotSent
from rollouts.kube.transport import Transport
from rollouts.ports import Apply, Create, Delete, PatchJson, PatchStatus, Write
from tests.kube.rude_server import RudeServer, config_map, event, hang, page, reply, reset, status, stream
from tests.kube.waiting import CONFIG_MAPS, QUICK, running, until

A = ObjectKey("default", "a")
LIST_PATH = "/api/v1/namespaces/default/configmaps"
OBJECT_PATH = f"{LIST_PATH}/a"
APPLY = Apply(CONFIG_MAPS, {"metadata": {"namespace": "default", "name": "a"}, "data": {"value": "x"}})
EVENT = Create(EVENTS, {"metadata": {"namespace": "default", "name": "e.1"}, "reason": "Promoted"})


@pytest.fixture
def changes() -> list[str]:
    """Names told to have changed."""
    return []


@pytest.fixture
def cluster(transport: Transport, clock: ServerClock, changes: list[str]) -> KubeCluster:
    """A cluster that knows ConfigMaps."""
    stores = stores_for([CONFIG_MAPS], on_change=lambda _resource, key: changes.append(key.name))
    return KubeCluster(transport, stores, clock=clock, random=Random(1), pace=QUICK)


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (APPLY, (OBJECT_PATH, "application/apply-patch+yaml")),
        (PatchJson(CONFIG_MAPS, A, [{}]), (OBJECT_PATH, "application/json-patch+json")),
        (PatchStatus(CONFIG_MAPS, A, "7", {}), (f"{OBJECT_PATH}/status", "application/merge-patch+json")),
        (Create(CONFIG_MAPS, config_map("a", 0)), (LIST_PATH, "application/json")),
    ],
    ids=["apply", "json-patch", "status", "create"],
)
async def test_the_answer_to_a_write_is_seen_by_the_next_read(
    rude: RudeServer, cluster: KubeCluster, changes: list[str], write: Write, expected: tuple[str, str]
) -> None:
    """Each write goes where it belongs and returns the whole object, which is stored before the watch tells."""
    answer = config_map("a", 8, value="x")
    answer["metadata"]["managedFields"] = [{"manager": "rollouts"}]
    rude.script.append(reply(200, answer))
    assert await cluster.write(write) == answer
    found = cluster.read(CONFIG_MAPS, A)
    assert found is not None
    assert (found["metadata"]["resourceVersion"], "managedFields" in found["metadata"]) == ("8", False)
    assert changes == ["a"]
    assert (rude.asked[0].path, rude.asked[0].headers["content-type"]) == expected


async def test_a_review_is_answered_and_not_stored(rude: RudeServer, cluster: KubeCluster) -> None:
    """Reviews have no name and no store; the answer goes to who asked."""
    rude.script.append(reply(201, {"status": {"incomplete": False}}))
    assert await cluster.write(Create(RULES_REVIEWS, {"spec": {}})) == {"status": {"incomplete": False}}
    assert not cluster.list_all(CONFIG_MAPS)


async def test_an_event_that_exists_is_done(rude: RudeServer, cluster: KubeCluster) -> None:
    """The name is fixed by what happened: somebody of ours wrote it already."""
    rude.script.append(reply(409, status(409, reason="AlreadyExists")))
    assert await cluster.write(EVENT) == EVENT.manifest


async def test_another_object_that_exists_is_a_conflict(rude: RudeServer, cluster: KubeCluster) -> None:
    """Only for Events is a taken name success."""
    rude.script.append(reply(409, status(409, reason="AlreadyExists")))
    with pytest.raises(Conflict):
        await cluster.write(Create(DEPLOYMENTS, config_map("a", 0)))


async def test_a_throttled_write_is_sent_again(rude: RudeServer, cluster: KubeCluster) -> None:
    """429 means that the write was not carried out: it is repeated, byte for byte, after the time asked for."""
    rude.script += [reply(429, status(429), Retry_After="0"), reply(200, config_map("a", 8))]
    await cluster.write(APPLY)
    assert len(rude.asked) == 2
    assert rude.asked[0].body == rude.asked[1].body


@pytest.mark.parametrize("headers", [{"Retry_After": "11"}, {}], ids=["too-long", "unknown"])
async def test_a_long_throttle_is_left_to_the_engine(
    rude: RudeServer, cluster: KubeCluster, headers: dict[str, str]
) -> None:
    """Nothing is repeated here when the server asks for long, or does not say for how long."""
    rude.script.append(reply(429, status(429), **headers))
    with pytest.raises(Throttled):
        await cluster.write(APPLY)
    assert len(rude.asked) == 1


async def test_throttling_without_end_is_given_up(rude: RudeServer, cluster: KubeCluster) -> None:
    """A bounded number of attempts, and the last error comes out as it is."""
    rude.script += [reply(429, status(429), Retry_After="0")] * 10
    with pytest.raises(Throttled):
        await cluster.write(APPLY)
    assert len(rude.asked) == ATTEMPTS


@pytest.mark.parametrize(
    "step",
    [reply(500, status(500)), reply(503, status(503), Retry_After="0"), reset, hang],
    ids=["500", "503", "reset", "hang"],
)
async def test_a_write_of_unknown_effect_is_never_repeated_here(
    rude: RudeServer, cluster: KubeCluster, step: Callable[[Any], Awaitable[None]]
) -> None:
    """It may have been carried out: the engine observes before it decides."""
    rude.script.append(step)
    with pytest.raises(Unavailable):
        await cluster.write(EVENT)
    assert len(rude.asked) == 1


async def test_a_refused_connection_is_tried_again(
    rude: RudeServer, cluster: KubeCluster, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the server restarts nothing listens; the write goes through once something does."""
    send, refusals = transport.send, [NotSent("refused"), NotSent("refused")]

    async def flaky(request: Any) -> Any:
        if refusals:
            raise refusals.pop()
        return await send(request)

    monkeypatch.setattr(transport, "send", flaky)
    rude.script.append(reply(200, config_map("a", 8)))
    assert (await cluster.write(APPLY))["metadata"]["resourceVersion"] == "8"


async def test_an_answer_that_is_no_object_is_not_stored(rude: RudeServer, cluster: KubeCluster) -> None:
    """A proxy's JSON must not end in the store."""
    rude.script.append(reply(200, {"hello": "world"}))
    with pytest.raises(Unavailable):
        await cluster.write(APPLY)
    assert not cluster.list_all(CONFIG_MAPS)


async def test_running_fills_the_stores(rude: RudeServer, cluster: KubeCluster) -> None:
    """`wait_synced` returns after the first list; reads then follow the watch without a request."""
    rude.script += [page(config_map("a", 5)), stream(event("ADDED", config_map("b", 11)), then=hang)]
    async with running(cluster.run()):
        await cluster.wait_synced()
        assert cluster.read(CONFIG_MAPS, A)
        await until(lambda: len(cluster.list_all(CONFIG_MAPS, "default")) == 2)
        assert ([*cluster.list_all(CONFIG_MAPS, "shop")], cluster.trouble(CONFIG_MAPS)) == ([], "")
    assert len(rude.asked) == 2


def test_reading_an_unwatched_kind_is_a_defect_of_ours(cluster: KubeCluster) -> None:
    """It would look as if nothing existed."""
    with pytest.raises(InvariantViolated, match=r"canaries\.rollouts\.dev"):
        cluster.read(CANARIES, A)


async def test_a_status_patch_carries_its_precondition(rude: RudeServer, cluster: KubeCluster) -> None:
    """The resourceVersion that was read goes into the body, so that a stale write is refused."""
    rude.script.append(reply(200, config_map("a", 8)))
    await cluster.write(PatchStatus(CONFIG_MAPS, A, "7", {"phase": "Failed"}))
    assert json.loads(rude.asked[0].body) == {"metadata": {"resourceVersion": "7"}, "status": {"phase": "Failed"}}


def deleted(uid: str) -> dict[str, Any]:
    """What most kinds answer to a DELETE."""
    return {"kind": "Status", "status": "Success", "metadata": {}, "details": {"name": "a", "uid": uid}}


@pytest.mark.parametrize("kind", ["status", "object"])
async def test_what_a_delete_has_ended_is_gone_from_the_next_read(
    rude: RudeServer, cluster: KubeCluster, changes: list[str], kind: str
) -> None:
    """At once, told once, and a late event of the watch does not bring it back."""
    made = config_map("a", 8)
    uid = made["metadata"]["uid"]
    rude.script += [reply(200, made), reply(200, deleted(uid) if kind == "status" else made)]
    await cluster.write(APPLY)
    changes.clear()
    assert await cluster.write(Delete(CONFIG_MAPS, A)) == {}
    assert (cluster.read(CONFIG_MAPS, A), changes) == (None, ["a"])
    cluster._stores[CONFIG_MAPS].absorb(config_map("a", 9))
    assert cluster.read(CONFIG_MAPS, A) is None


async def test_a_successor_that_is_known_already_stays(rude: RudeServer, cluster: KubeCluster) -> None:
    """The watch may bring it before the answer to the delete of its predecessor."""
    rude.script += [reply(200, config_map("a", 8)), reply(200, deleted("its-predecessor"))]
    await cluster.write(APPLY)
    await cluster.write(Delete(CONFIG_MAPS, A))
    assert cluster.read(CONFIG_MAPS, A) is not None


async def test_what_finalizers_hold_is_returned_and_kept(rude: RudeServer, cluster: KubeCluster) -> None:
    """With its mark; the write that takes the last finalizer ends it."""
    marked, ended = config_map("a", 9), config_map("a", 9)
    marked["metadata"] |= {"deletionTimestamp": "2026-01-02T12:00:00Z", "finalizers": ["x"]}
    ended["metadata"] |= {"deletionTimestamp": "2026-01-02T12:00:00Z"}
    rude.script += [reply(200, marked), reply(200, ended)]
    assert await cluster.write(Delete(CONFIG_MAPS, A)) == marked
    assert cluster.read(CONFIG_MAPS, A) is not None
    assert await cluster.write(PatchJson(CONFIG_MAPS, A, [{}])) == ended
    assert cluster.read(CONFIG_MAPS, A) is None


async def test_a_strange_answer_to_a_delete_ends_nothing(rude: RudeServer, cluster: KubeCluster) -> None:
    """A proxy's JSON is no proof that anything is gone."""
    rude.script += [reply(200, config_map("a", 8)), reply(200, {"hello": "world"})]
    await cluster.write(APPLY)
    with pytest.raises(Unavailable):
        await cluster.write(Delete(CONFIG_MAPS, A))
    assert cluster.read(CONFIG_MAPS, A) is not None
