"""The commands by which a person acts: what they write, what they wait for, and what they say of what became of it."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from aiohttp import web

from rollouts.api.actions import PREFIX, Verb, read_actions
from rollouts.api.intents import key_of
from rollouts.api.resources import CANARIES
from rollouts.cli import exits
from rollouts.cli.cluster.by_server import reach_of
from rollouts.cli.cluster.intents import Asked, annotated, weight_of
from rollouts.cli.cluster.session import connected
from rollouts.cli.flags import Flags
from rollouts.cli.refused import CommandRefused
from rollouts.core.heard import digest_of
from rollouts.kube.requests import Request
from rollouts.kube.transport import Response, Transport
from tests.cli.conftest import SHOP, Cli, Done, Shop, ago
from tests.kube.waiting import until

APPROVED = PREFIX + "approve."
GATE = {"type": "confirm-promotion", "since": ago(5), "message": "release-manager waits for an approval"}


def _written(shop: Shop, verb: str) -> dict[str, Any] | None:
    """What stands in the annotation."""
    canary = shop.server.stored(CANARIES, SHOP) or {}
    annotations = canary["metadata"].get("annotations") or {}
    texts = [text for name, text in annotations.items() if name.removeprefix(PREFIX).partition(".")[0] == verb]
    return dict(json.loads(texts[0])) if texts else None


async def _taken(shop: Shop, verb: str, outcome: str, message: str = "") -> None:
    """Be the controller: take the action once it stands there."""
    ends_at = asyncio.get_running_loop().time() + 30
    while (asked := _written(shop, verb)) is None:
        assert asyncio.get_running_loop().time() < ends_at
        await asyncio.sleep(0.02)
    shop.write("WaitingPromotion", actions=[{
        "verb": verb, "id": asked["id"], "user": asked.get("user", ""), "outcome": outcome,
        "message": message, "takenAt": ago(0),
    }])  # fmt: skip


async def test_an_approval_says_which_gate_and_revision(shop: Shop) -> None:
    """It is written with the revision that was seen, and the command ends when the controller has taken it."""
    shop.write("WaitingPromotion", gate=GATE, desiredWeight=50, stepIndex=2)

    done, _ = await asyncio.gather(
        shop.cli("approve", "shop", "--reason", "looks good"), _taken(shop, "approve", "Done")
    )

    assert done.code == exits.DONE, done
    written = _written(shop, "approve")
    assert written is not None
    assert {name: written[name] for name in ("revision", "reason")} == {
        "revision": shop.template, "reason": "looks good",
    }  # fmt: skip
    assert f"approve of gate confirm-promotion for revision {shop.template}: done" in done.out


async def test_an_action_that_the_controller_refuses(shop: Shop) -> None:
    """The controller's words, and exit code 1."""
    shop.write("Progressing", desiredWeight=10, stepIndex=1)

    done, _ = await asyncio.gather(
        shop.cli("promote", "shop", "--full", "-o", "json"),
        _taken(shop, "promote", "Refused", "not all pods are ready"),
    )

    assert done.code == exits.FAILED, done
    assert json.loads(done.out)["outcome"] == "Refused"
    assert "refused: not all pods are ready" in done.err
    assert (_written(shop, "promote") or {})["full"] is True


async def test_an_action_that_nobody_takes(shop: Shop) -> None:
    """Where the controller is away it says so, and what it asked for stands; with --no-wait it does not wait."""
    shop.write("Progressing", desiredWeight=10, stepIndex=1)

    late = await shop.cli("pause", "shop", "--timeout", "1")
    sent = await shop.cli("set-weight", "shop", "25%", "--no-wait", "-o", "name")

    assert (late.code, sent.code) == (exits.FAILED, exits.DONE), late
    assert "not taken yet after 1 s: the controller may be down" in late.err
    assert sent.out == "canary.rollouts.dev/shop\n"
    assert (_written(shop, "set-weight") or {})["weight"] == 25


IMPOSSIBLE = {
    "nothing runs": ("Succeeded", "promote", "no release is running: it is Succeeded"),
    "no gate": ("Progressing", "approve", "the release waits at no gate"),
    "not failed": ("Progressing", "retry", "that is for one that has failed"),
    "not paused": ("Progressing", "resume", "it is not paused"),
}


@pytest.mark.parametrize(("phase", "verb", "words"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
async def test_what_makes_no_sense_is_not_written(shop: Shop, phase: str, verb: str, words: str) -> None:
    """An action that can't be carried out is refused at once, with what there is to do, and leaves nothing behind."""
    shop.write(phase)

    done = await shop.cli(verb, "shop")

    assert done.code == exits.FAILED, done
    assert words in done.err
    assert _written(shop, verb) is None


async def test_by_way_of_the_server(shop: Shop, tmp_path: Path) -> None:
    """With --server nothing is patched: the kubeconfig's token goes to our API, and what that says is told."""
    shop.write("WaitingPromotion", gate=GATE)
    told = yaml.safe_load(shop.cli.kubeconfig.read_text())
    told["users"][0]["user"] = {"token": "secret-token"}
    (tmp_path / "with-token").write_text(yaml.safe_dump(told))
    cli = Cli(tmp_path / "with-token")

    allowed, asked = await _served(cli, 202, {"id": "made-there", "user": "ann"}, "--no-wait")
    refused, _ = await _served(cli, 403, {"message": "you may not approve canaries.rollouts.dev in default"})
    unknown, _ = await _served(cli, 401, {"message": "who are you"})
    anonymous, nothing = await _served(shop.cli, 202, {})

    assert allowed.code == exits.DONE, allowed
    method, path, token, body = asked[0]
    assert (method, path, token) == (
        "POST", "/api/v1/namespaces/default/canaries/shop/actions/approve", "Bearer secret-token",
    )  # fmt: skip
    assert json.loads(body)["revision"] == shop.template
    assert _written(shop, "approve") is None
    assert "you may not approve canaries.rollouts.dev in default (403): ask for a Role" in refused.err
    assert "your token is wrong or expired" in unknown.err
    assert "needs a bearer token" in anonymous.err
    assert nothing == []


async def test_two_persons_approve_at_once(shop: Shop, tmp_path: Path) -> None:
    """Both approvals stand, each under a key of its person, and those of another revision are gone."""
    shop.write("WaitingPromotion", gate=GATE | {"needed": 2})
    shop.server.edit(CANARIES, SHOP, {"metadata": {"annotations": {APPROVED + "0": '{"id": "0", "revision": "old"}'}}})

    done = await asyncio.gather(*(_as_process(shop, tmp_path, user) for user in ("ann", "bob")))

    assert done == [exits.DONE, exits.DONE]
    stored = shop.server.stored(CANARIES, SHOP) or {}
    told = {name: json.loads(text)["user"] for name, text in stored["metadata"]["annotations"].items()}
    assert {name: user for name, user in told.items() if name.startswith(PREFIX)} == {
        APPROVED + key_of("ann"): "ann", APPROVED + key_of("bob"): "bob",
    }  # fmt: skip


async def _as_process(shop: Shop, folder: Path, user: str) -> int:
    """Approve as that user, beside others. The exit code."""
    told = yaml.safe_load(shop.cli.kubeconfig.read_text())
    told["users"][0]["name"] = told["contexts"][0]["context"]["user"] = user
    path = folder / user
    path.write_text(yaml.safe_dump(told))
    words = ("-m", "rollouts", "approve", "shop", "--no-wait", "--kubeconfig", str(path))
    process = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.DEVNULL)
    return await process.wait()


async def test_an_approval_meets_another_write(shop: Shop) -> None:
    """Where somebody else writes between the look and the patch, it looks again."""
    shop.write("WaitingPromotion", gate=GATE)
    asked = Asked(Verb.APPROVE, "1")
    async with connected(Flags(kubeconfig=str(shop.cli.kubeconfig))) as session:
        crowded = replace(session, transport=cast("Transport", _Crowded(session.transport, shop)))
        outcome = await annotated(crowded, "shop", asked)

    stored = shop.server.stored(CANARIES, SHOP) or {}
    assert set(stored["metadata"]["annotations"]) == {PREFIX + "pause", APPROVED + key_of(session.place.user)}
    assert outcome.revision == shop.template


class _Crowded:
    """The way to the API server, on which somebody else pauses before the first patch comes there."""

    def __init__(self, real: Transport, shop: Shop) -> None:
        self._real, self._shop, self._first = real, shop, True

    async def send(self, request: Request) -> Response:
        if request.method == "PATCH" and self._first:
            self._first = False
            self._shop.server.edit(CANARIES, SHOP, {"metadata": {"annotations": {PREFIX + "pause": "1"}}})
        return await self._real.send(request)


HEARD: dict[str, tuple[dict[str, Any] | None, int, str]] = {
    "it counts": (GATE | {"needed": 2, "approvals": [{"user": "rollouts-embedded", "at": ago(0)}]}, 0, "done"),
    "the gate is open": (None, 0, "done"),
    "it does not count": (GATE | {"needed": 2}, 1, "refused: it does not count: `rollouts events` says why"),
}


@pytest.mark.parametrize(("gate", "code", "said"), HEARD.values(), ids=HEARD.keys())
async def test_an_approval_that_is_not_the_last(shop: Shop, gate: dict[str, Any] | None, code: int, said: str) -> None:
    """The status keeps the last approval in full: of the others it is seen that they were heard, and what they did."""
    shop.write("WaitingPromotion", gate=GATE | {"needed": 2})

    async def controller() -> None:
        await until(lambda: _written(shop, "approve") is not None, within_s=30)
        (action,) = read_actions(shop.server.stored(CANARIES, SHOP) or {})
        shop.write("WaitingPromotion", gate=gate, heard=[digest_of(action)])

    done, _ = await asyncio.gather(shop.cli("approve", "shop"), controller())

    assert done.code == code, done
    assert said in done.out + done.err


async def _served(cli: Cli, code: int, answer: Any, *words: str) -> tuple[Done, list[Any]]:
    """Approve by way of a server that answers so, and what it was asked."""
    asked: list[Any] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append((request.method, request.path, request.headers.get("Authorization"), await request.text()))
        return web.json_response(answer, status=code)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        return await cli("approve", "shop", "--server", url, *words), asked
    finally:
        await runner.cleanup()


REACH = {
    "loopback": ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
    "a Service": ("http://rollouts.rollouts-system.svc:8080", "http://rollouts.rollouts-system.svc:8080"),
    "the world": ("http://rollouts.example.com", "unencrypted: use https://"),
    "encrypted": ("https://rollouts.example.com", "https://rollouts.example.com"),
    "no URL": ("rollouts", "write a URL"),
    "a password": ("https://ann:pw@rollouts.example.com", "holds a password"),
}


@pytest.mark.parametrize(("url", "expected"), REACH.values(), ids=REACH.keys())
def test_a_token_stays_where_it_is_safe(url: str, expected: str) -> None:
    """A plain connection leads to this machine or within the cluster, else no token is sent over it."""
    try:
        found = reach_of(url)
    except CommandRefused as refused:
        found = str(refused)

    assert expected in found


def test_weights_are_parts_or_shares() -> None:
    """A number is so many parts of weightTotal; a percentage is a share of it; anything else is refused."""
    assert [weight_of("40", 100), weight_of("2.5%", 1000), weight_of("0", 100)] == [40, 25, 0]
    for wrong in ("101", "-1", "2.5", "much", "2.55%"):
        with pytest.raises(CommandRefused, match="whole number from 0 to 100"):
            weight_of(wrong, 100)


async def test_an_intent_is_written_as_the_policy_reads_it(shop: Shop) -> None:
    """Names and reasons as they are: with its letters escaped a name was not its owner's, and was refused."""
    shop.write("Progressing", desiredWeight=10, stepIndex=1)

    await shop.cli("pause", "shop", "--reason", "geprüft", "--no-wait")

    canary = shop.server.stored(CANARIES, SHOP) or {}
    assert '"reason": "geprüft"' in canary["metadata"]["annotations"][PREFIX + "pause"]


async def test_what_no_intent_can_say_is_not_written(shop: Shop) -> None:
    """The field is named."""
    shop.write("Progressing", desiredWeight=10, stepIndex=1)

    done = await shop.cli("pause", "shop", "--revision", "r" * 65)

    assert (done.code, "revision: String should have at most 64 characters" in done.err) == (exits.REFUSED, True), done
    assert _written(shop, "pause") is None
