"""Webhooks of a Canary, from its spec to what the receivers got and what the traffic did."""

from __future__ import annotations

import base64
from typing import Any

from rollouts.api.actions import PREFIX
from rollouts.api.resources import CANARIES, SECRETS
from rollouts.api.status import Phase
from rollouts.hooks.answer import Answered
from rollouts.testing.hooks import NO, YES
from tests.engine.world import KEY, PRIMARY_KEY, World, canary_manifest

GATE, CHAT, END = "http://gate.test/", "http://chat.test/", "http://end.test/"


def _hook(kind: str, url: str | None, **more: Any) -> dict[str, Any]:
    return {"type": kind, "name": kind, **({} if url is None else {"url": url}), **more}


async def _world(*hooks: dict[str, Any]) -> World:
    world = World(canary=canary_manifest(webhooks=list(hooks)))
    for url in (GATE, CHAT, END):
        world.hooks.script(url, YES)
    await world.initialize()
    world.hooks.received.clear()
    return world


def _sent(world: World, url: str) -> list[dict[str, Any]]:
    return [dict(request.payload) for request in world.hooks.received if request.url == url]


async def test_a_release_waits_for_its_confirmation() -> None:
    """No pod and no weight before the gate is open; the receiver is told which Canary and revision wait."""
    world = await _world(_hook("confirm-rollout", GATE, metadata={"team": "shop"}))
    world.hooks.script(GATE, NO)

    world.release()
    await world.run_until_phase(Phase.WAITING)
    await world.settle()

    assert (world.weight, world.replicas()) == (0, 0)
    asked = _sent(world, GATE)[0]
    assert (asked["name"], asked["namespace"], asked["phase"], asked["metadata"]) == (
        "app", "shop", "Waiting", {"team": "shop"},
    )  # fmt: skip
    assert asked["checksum"] == world.status.last_applied_spec
    world.hooks.script(GATE, YES)
    await world.run_until_phase(Phase.SUCCEEDED)
    assert world.image(PRIMARY_KEY) == "app:2"


async def test_an_approval_opens_a_gate_without_url() -> None:
    """An action is the only way, and it is enough."""
    world = await _world(_hook("confirm-promotion", None))
    world.release()
    await world.run_until_phase(Phase.WAITING_PROMOTION)
    for _ in range(5):
        world.clock.advance(10.0)
        await world.settle()
    assert (world.status.phase, world.weight) == (Phase.WAITING_PROMOTION, 50)

    world.cluster.edit(CANARIES, KEY, {"metadata": {"annotations": {PREFIX + "approve": "1"}}})
    await world.run_until_phase(Phase.SUCCEEDED)

    assert world.image(PRIMARY_KEY) == "app:2"


async def test_every_event_and_the_end_are_told_and_the_outbox_is_empty() -> None:
    """In order, with the peer's payload and an id of each; nothing is left to be told at rest."""
    world = await _world(_hook("event", CHAT), _hook("post-rollout", END))

    world.release()
    await world.run_until_phase(Phase.SUCCEEDED)
    await world.run_until_quiet()

    told = _sent(world, CHAT)
    assert [one["metadata"]["eventMessage"] for one in told] == [text for _, text in world.events()][-len(told) :]
    assert [one["metadata"]["eventType"] for one in told] == ["Normal"] * len(told)
    ids = [one["id"] for one in told]
    assert len(set(ids)) == len(ids) > 3
    (ended,) = _sent(world, END)
    assert ended["phase"] == "Succeeded"
    assert world.status.outbox == ()


async def test_what_nobody_confirmed_is_told_by_the_next_process_under_the_same_id() -> None:
    """The process dies while the receiver does not answer: nothing is lost, nothing gets another id."""
    world = await _world(_hook("event", CHAT))
    world.release()
    world.hooks.script(CHAT, YES)
    await world.run_until(lambda: world.weight == 20)
    (*_, last) = _sent(world, CHAT)
    number = world.status.outbox[-1].number

    world.restart()
    await world.settle()

    again = _sent(world, CHAT)[-1]
    assert again["id"] == last["id"]
    assert again["id"].endswith(f"-{number}")


async def test_a_secret_header_and_its_absence() -> None:
    """The header is sent; where the Secret is missing, the gate says which one."""
    header = {"name": "Authorization", "secretKeyRef": {"name": "gate", "key": "token"}}
    world = await _world(_hook("confirm-rollout", GATE, headersFrom=[header]))
    world.release()
    await world.run_until_phase(Phase.WAITING)
    await world.settle()
    assert world.hooks.received == []

    data = {"token": base64.b64encode(b"Bearer secret").decode()}
    metadata = {"name": "gate", "namespace": "shop"}
    world.cluster.put(SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    await world.run_until_phase(Phase.PROGRESSING)

    assert world.hooks.received[0].headers == {"Authorization": "Bearer secret"}


async def test_a_rollback_hook_ends_the_run_while_the_checks_pass() -> None:
    """Its 2xx is enough; all traffic is on the primary."""
    world = await _world(_hook("rollback", GATE))
    world.hooks.script(GATE, Answered(404))
    world.release()
    await world.run_until(lambda: world.weight == 20)

    world.hooks.script(GATE, YES)
    await world.run_until_phase(Phase.FAILED)

    assert world.weight == 0
    assert "rollback hook rollback asks for it" in world.events()[-1][1]
