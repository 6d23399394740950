"""Signed links with a real HTTP client: opening one does nothing, using it acts once, and each end has a way out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from rollouts.api.actions import Verb
from rollouts.api.hooks import HookType
from rollouts.api.resources import CANARIES
from rollouts.core.links import GateFacts, Link, approval_links, sign_link
from tests.server.api_world import APP, GATE, KEYS, NOW, ApiWorld, api_world


@pytest.fixture
async def world() -> AsyncIterator[ApiWorld]:
    """One Canary that waits at a gate."""
    async with api_world() as made:
        made.canary()
        yield made


def facts(world: ApiWorld, **changes: Any) -> GateFacts:
    """The gate that it waits at."""
    canary = world.cluster.stored(CANARIES, APP)
    assert canary is not None
    told = {"namespace": "shop", "name": "app", "uid": canary["metadata"]["uid"], "revision": "b"} | changes
    return GateFacts(gate=HookType.CONFIRM_PROMOTION, **told)


def paths(world: ApiWorld, **changes: Any) -> dict[Verb, str]:
    """The links of a message, less the server's address."""
    links = approval_links(KEYS[0], world.url + "/", facts(world, **changes), NOW + timedelta(hours=1))
    return {verb: url.removeprefix(world.url) for verb, url in links}


ANN = {"name": "Ann <b>", "reason": "looks well"}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_opening_a_link_does_nothing(world: ApiWorld, method: str) -> None:
    """However often: scanners do that. The page asks, without a script, and tells its address to nobody."""
    for _ in range(3):
        async with world.request(method, paths(world)[Verb.APPROVE]) as answer:
            page, headers = await answer.text(), answer.headers
        if method == "GET":
            assert "Approve shop/app?" in page
            assert "<script" not in page
            assert '<form method="post"' in page
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; form-action 'self'")
    assert world.annotations() == {}


async def test_using_it_acts_once(world: ApiWorld) -> None:
    """The name that was typed is kept as one that was typed behind a link."""
    path = paths(world)[Verb.APPROVE]
    code, page = await world.ask("POST", path, data=ANN)
    assert (code, "Approved: shop/app, revision b" in page) == (202, True)
    [(key, intent)] = world.annotations().items()
    assert key.startswith("approve.link-")
    assert (intent["user"], intent["via"], intent["revision"]) == ("Ann <b>", "link", "b")

    code, page = await world.ask("POST", path, data=ANN)
    assert (code, "This link was used" in page) == (410, True)
    assert "kubectl canary" in page
    assert len(world.annotations()) == 1


async def test_the_other_link_rejects(world: ApiWorld) -> None:
    """It is the same page with another word."""
    assert (await world.ask("POST", paths(world)[Verb.REJECT], data=ANN))[0] == 202
    assert world.annotations()["reject"]["reason"] == "looks well"


async def test_who_says_no_name_is_asked_for_one(world: ApiWorld) -> None:
    """Nothing is done."""
    assert (await world.ask("POST", paths(world)[Verb.APPROVE], data={"name": "  "}))[0] == 400
    assert world.annotations() == {}


async def test_a_link_ends(world: ApiWorld) -> None:
    """And says what to do then."""
    path = paths(world)[Verb.APPROVE]
    world.now += timedelta(hours=1)
    for method in ("GET", "POST"):
        code, page = await world.ask(method, path, data=ANN)
        assert (code, "This link is over" in page, "kubectl canary" in page) == (410, True, True)
    assert world.annotations() == {}


@pytest.mark.parametrize("spoil", ["changed", "cut", "unsigned", "other key"])
async def test_a_forged_link_is_none(world: ApiWorld, spoil: str) -> None:
    """Whatever was done to it."""
    path = paths(world)[Verb.APPROVE]
    text = path.rpartition("/")[2]
    link = Link(facts(world), Verb.APPROVE, NOW + timedelta(hours=1))
    spoilt = {
        "changed": ("B" if text[9] != "B" else "C").join((text[:9], text[10:])),
        "cut": text[:-1],
        "unsigned": text.partition(".")[0] + ".",
        "other key": sign_link(b"x" * 32, link),
    }[spoil]
    for method in ("GET", "POST"):
        code, page = await world.ask(method, f"/links/{spoilt}", data=ANN)
        assert (code, "This is no link of ours" in page) == (404, True)
    assert world.annotations() == {}


async def test_who_guesses_links_is_slowed_down(world: ApiWorld) -> None:
    """By address."""
    codes = [(await world.ask("GET", f"/links/guess-{n}"))[0] for n in range(22)]
    assert (codes[0], codes[-1]) == (404, 429)


async def test_the_key_of_before_is_still_good(world: ApiWorld) -> None:
    """Until it is taken out of the file."""
    link = Link(facts(world), Verb.REJECT, NOW + timedelta(hours=1))
    assert (await world.ask("GET", "/links/" + sign_link(KEYS[1], link)))[0] == 200


@pytest.mark.parametrize(
    ("status", "changes", "said"),
    [
        ({"lastAppliedSpec": "c"}, {}, "There is nothing to decide any more"),
        ({"gate": None, "phase": "Promoting"}, {}, "There is nothing to decide any more"),
        ({"gate": {**GATE, "type": "confirm-rollout"}}, {}, "There is nothing to decide any more"),
        ({"gate": {**GATE, "approved": True}}, {}, "There is nothing to decide any more"),
        ({"gate": {**GATE, "needed": 2}}, {}, "A link is not enough here"),
        ({}, {"uid": "of-another"}, "The Canary is gone"),
        ({}, {"name": "nobody"}, "The Canary is gone"),
    ],
    ids=["revision", "past", "gate", "open", "two persons", "uid", "name"],
)
async def test_a_link_is_for_one_gate_of_one_revision(
    world: ApiWorld, status: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    """Else it says what has become of that, and does nothing."""
    path = paths(world, **changes)[Verb.APPROVE]
    world.canary(**status)
    for method in ("GET", "POST"):
        code, page = await world.ask(method, path, data=ANN)
        assert (code in {403, 410}, said in page) == (True, True)
    assert world.annotations() == {}


async def test_a_page_of_another_site_uses_no_link(world: ApiWorld) -> None:
    """Our own page hides its address, so that its origin is null."""
    path = paths(world)[Verb.APPROVE]
    for headers, code in (({"Sec-Fetch-Site": "cross-site"}, 403), ({"Origin": "https://x.example"}, 403)):
        assert (await world.ask("POST", path, data=ANN, headers=headers))[0] == code
    assert world.annotations() == {}
    own = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}
    assert (await world.ask("POST", path, data=ANN, headers=own))[0] == 202
