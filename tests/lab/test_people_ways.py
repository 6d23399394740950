"""What people do at the gate, rehearsed: our real server over loopback, and a receiver in Slack's place."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
import yaml

from e2e.people.facts import Try
from e2e.people.people import Person
from e2e.people.plan import BY_LINK, BY_POST, canary
from e2e.people.slack import SECRET, receiving
from e2e.people.ways import WAYS, Stand, unpromoted
from rollouts.api.actions import Verb
from rollouts.api.hooks import HookType
from rollouts.api.resources import CANARIES, ObjectKey
from rollouts.core.links import LASTS, GateFacts, approval_links
from rollouts.embedded import serving, write_kubeconfig
from rollouts.testing.memory_server import MemoryServer
from tests.lab.people_facts import GOLDEN, message
from tests.server.api_world import GATE, KEYS, NOW, STATUS, ApiWorld, api_world

APP = ObjectKey("default", "app")


@pytest.fixture
async def world() -> AsyncIterator[ApiWorld]:
    """A Canary that waits at its gate."""
    async with api_world() as made:
        made.canary(APP)
        yield made


def _person(world: ApiWorld, name: str, *verbs: Verb) -> Person:
    person = Person(name, "default", "", Path("/none"))
    return replace(person, token=world.person(person.user, *verbs, namespace="default"))


def _stand(world: ApiWorld) -> Stand:
    """The message has the links that the controller would sign."""
    stored = world.cluster.stored(CANARIES, APP)
    assert stored is not None
    facts = GateFacts("default", "app", stored["metadata"]["uid"], HookType.CONFIRM_PROMOTION, "b")
    urls = {str(verb).capitalize(): url for verb, url in approval_links(KEYS[0], world.url, facts, NOW + LASTS)}
    told = message(1.0, "default/app: waits to be promoted", 1, links=True)
    text = json.dumps(dict(told.payload))
    for name, url in urls.items():
        text = text.replace(f'"http://127.0.0.1/{name}"', f'"{url}"')
    people = _person(world, "approver", Verb.APPROVE), _person(world, "developer")
    return Stand(world.url, *people, replace(told, payload=json.loads(text)), "b")


def _gone_wrong(tries: tuple[Try, ...]) -> list[Try]:
    return [one for one in tries if not one.as_wanted]


async def test_a_scanner_changes_nothing_and_the_confirmation_approves_once(world: ApiWorld) -> None:
    """The name that was typed stands in the action, marked as one that came by a link."""
    stand, way = _stand(world), WAYS[BY_LINK.name]
    assert _gone_wrong(await way.before(stand)) == []
    assert world.annotations(APP) == {}
    assert (await way.approve(stand)).as_wanted
    assert _gone_wrong(await way.after(stand)) == []
    [intent] = world.annotations(APP).values()
    assert (f"unverified, by link: {intent['user']}", intent["via"]) == (way.who(stand), "link")


async def test_posts_take_the_right_and_the_revision(world: ApiWorld) -> None:
    """Nobody, somebody without the verb, and an approval of something else are turned away; then it is approved."""
    stand, way = _stand(world), WAYS[BY_POST.name]
    assert _gone_wrong(await way.before(stand)) == []
    assert world.annotations(APP) == {}
    assert (await way.approve(stand)).as_wanted
    [intent] = world.annotations(APP).values()
    assert intent["user"] == way.who(stand) == "system:serviceaccount:default:approver"


async def test_who_may_only_approve_looks_and_can_not_promote(world: ApiWorld, tmp_path: Path) -> None:
    """By the command, which says which verb is missing, and by a POST."""
    stand = _stand(world)
    kubernetes = MemoryServer(lambda: datetime.now(UTC))
    async with serving(kubernetes) as url, aiohttp.ClientSession(url) as session:
        path = tmp_path / "kubeconfig"
        write_kubeconfig(path, url)
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
        told["users"][0]["user"] = {"token": stand.approver.token}
        path.write_text(yaml.safe_dump(told), encoding="utf-8")
        async with session.post(CANARIES.path(namespace=APP.namespace), json=canary()) as made:
            assert made.status == 201
        gate = {"gate": {**GATE, "message": "confirm-promotion release-managers waits for an approval"}}
        kubernetes.set_status(CANARIES, APP, {**STATUS, **gate, "observedGeneration": 1, "weightTotal": 100})
        tries = await unpromoted(replace(stand, approver=replace(stand.approver, kubeconfig=path)))
    assert _gone_wrong(tries) == []
    assert world.annotations(APP) == {}


async def test_a_server_that_lets_everybody_in_is_found(world: ApiWorld) -> None:
    """What opens nothing is judged by what it was answered."""
    stand = _stand(world)
    world.person(stand.developer.user, Verb.APPROVE, namespace="default")
    assert [one.what for one in _gone_wrong(await WAYS[BY_POST.name].before(stand))] == ["the developer's POST approve"]


async def test_the_receiver_keeps_what_slack_takes_and_says_what_it_refuses() -> None:
    """With the flaw beside the message; at another path there is no service."""
    fine = json.loads(GOLDEN.read_text(encoding="utf-8"))
    unblocked = {**fine, "attachments": [{"blocks": [{"type": "marquee"}]}]}
    async with receiving("127.0.0.1") as (slack, address), aiohttp.ClientSession() as session:
        assert address.endswith(SECRET)
        told = [
            (address, fine, 200),
            (address, unblocked, 400),
            (address, {"text": "x"}, 400),
            (address[:-1], fine, 404),
        ]
        for url, payload, status in told:
            async with session.post(url, json=payload) as answer:
                assert answer.status == status
        async with session.post(address, data=b"no JSON") as answer:
            assert answer.status == 400
    assert [bool(one.flaw) for one in slack.messages] == [False, True, True, True, True]
    assert slack.messages[0].headline == "eu-1/shop/checkout: rolled back after 14 s"
    assert slack.since(slack.messages[-1].at_s + 1) == ()
