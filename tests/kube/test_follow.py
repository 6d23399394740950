"""A person looks on: what is seen of a scope while the server expires, refuses, tears and is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from rollouts.api.resources import ObjectKey
from rollouts.errors import Forbidden, KubeError, Unavailable
from rollouts.kube import follow as following
from rollouts.kube.follow import Seen, follow, list_scope
from rollouts.kube.scope import Scope
from rollouts.kube.transport import Transport
from tests.kube.rude_server import (
    Asked,
    RudeServer,
    Step,
    bookmark,
    config_map,
    cut,
    event,
    hang,
    page,
    reply,
    reset,
    status,
    stream,
)  # fmt: skip
from tests.kube.waiting import CONFIG_MAPS

SCOPE = Scope(CONFIG_MAPS, "default")
WITHIN_S = 20.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that a test can sit out."""
    monkeypatch.setattr(following, "PAUSES_S", (0.01, 0.02))
    monkeypatch.setattr(following, "POLL_S", 0.01)


async def looked(transport: Transport, enough: Callable[[Seen], bool]) -> list[Seen]:
    """All that is seen, until it is enough."""
    seen: list[Seen] = []
    async with asyncio.timeout(WITHIN_S), aclosing(follow(transport, SCOPE)) as news:
        async for one in news:
            seen.append(one)
            if enough(one):
                break
    return seen


def values(seen: Seen) -> dict[str, str]:
    """What there is, by name."""
    return {key.name: found["data"]["value"] for key, found in seen.objects.items()}


def there(**expected: str) -> Callable[[Seen], bool]:
    """Whether that is all there is, and known to be the newest."""
    return lambda seen: values(seen) == expected and not seen.trouble


async def test_each_change_is_seen(rude: RudeServer, transport: Transport) -> None:
    """The list at once, and then what is new, changed and gone, each for itself; a bookmark is no news."""
    rude.script += [
        page(config_map("a", 5), config_map("b", 6), version="10"),
        stream(
            event("MODIFIED", config_map("a", 11, value="new")), bookmark(12), event("DELETED", config_map("b", 13)),
            event("ADDED", config_map("c", 14)), then=hang,
        ),
    ]  # fmt: skip

    seen = await looked(transport, there(a="new", c=""))

    told = [values(one) for one in seen]
    assert told[0] == {"a": "", "b": ""}
    assert told[-3:] == [{"a": "new", "b": ""}, {"a": "new"}, {"a": "new", "c": ""}]
    assert rude.paths() == ["list", "watch 10"]


async def test_what_was_seen_stays_as_it_was(rude: RudeServer, transport: Transport) -> None:
    """Later changes don't reach into what was handed out before."""
    rude.script += [page(config_map("a", 5)), stream(event("DELETED", config_map("a", 11)), then=hang)]

    seen = await looked(transport, there())

    assert values(seen[0]) == {"a": ""}


async def test_pages_are_one_list(rude: RudeServer, transport: Transport) -> None:
    """Of the kind that a list names once, for all; and by the selectors of the scope."""
    rude.script += [page(config_map("a", 1), more="t1"), page(config_map("b", 2), version="11")]

    found, version = await list_scope(transport, Scope(CONFIG_MAPS, "default", "team=a", "metadata.name=x"))

    assert (sorted(key.name for key in found), version) == (["a", "b"], "11")
    assert {(one["apiVersion"], one["kind"]) for one in found.values()} == {("v1", "ConfigMap")}
    assert {asked.query["labelSelector"] + asked.query["fieldSelector"] for asked in rude.asked} == {
        "team=ametadata.name=x"
    }
    assert rude.asked[1].query["continue"] == "t1"


EXPIRED: dict[str, Step] = {
    "as an event": stream(event("ERROR", status(410))),
    "as a status": reply(410, status(410)),
    "a line that is torn": stream(b'{"type": "ADDED", "obj\n'),
    "another error": stream(event("ERROR", status(500))),
}


@pytest.mark.parametrize("ended", EXPIRED.values(), ids=EXPIRED.keys())
async def test_what_was_missed_is_found_by_a_list(rude: RudeServer, transport: Transport, ended: Step) -> None:
    """What went away while nobody watched is gone after the next list, and nobody is told of trouble."""
    rude.script += [page(config_map("a", 5), config_map("b", 6)), ended, page(config_map("b", 6), version="30"), hang]

    seen = await looked(transport, there(b=""))

    assert [one.trouble for one in seen if one.trouble] == []
    assert rude.paths()[:3] == ["list", "watch 10", "list"]


async def test_a_watch_that_ends_goes_on_from_where_it_was(rude: RudeServer, transport: Transport) -> None:
    """By its bookmark, without another list."""
    rude.script += [page(config_map("a", 5)), stream(bookmark(20)), stream(event("ADDED", config_map("b", 21)))]

    await looked(transport, there(a="", b=""))

    assert rude.paths()[:3] == ["list", "watch 10", "watch 20"]


async def test_who_may_not_watch_is_served_by_lists(rude: RudeServer, transport: Transport) -> None:
    """Less promptly, and watch is asked for once."""
    rude.script += [
        page(config_map("a", 5)), reply(403, status(403, "no watch", "Forbidden")),
        page(config_map("a", 5)), page(config_map("b", 6)),
    ]  # fmt: skip

    await looked(transport, there(b=""))

    assert rude.paths() == ["list", "watch 10", "list", "list"]


FIRST: dict[str, tuple[Step, type[KubeError], str]] = {
    "forbidden": (reply(403, status(403, "no list", "Forbidden")), Forbidden, "no list"),
    "away": (reply(503, status(503, "starting")), Unavailable, "starting"),
    "no list": (reply(200, {"kind": "List", "items": "none"}), Unavailable, "the answer is no list"),
    "things that are no objects": (reply(200, {"kind": "List", "items": [{"a": 1}]}), Unavailable, "is no list"),
}


@pytest.mark.parametrize(("answer", "kind", "said"), FIRST.values(), ids=FIRST.keys())
async def test_what_is_wrong_from_the_start_is_told_at_once(
    rude: RudeServer, transport: Transport, answer: Step, kind: type[KubeError], said: str
) -> None:
    """Nobody waits for a cluster that was never there."""
    rude.script += [answer] * 6  # the transport may try again by itself

    with pytest.raises(kind, match=said):
        await looked(transport, lambda _: True)


async def test_a_right_that_is_taken_away(rude: RudeServer, transport: Transport) -> None:
    """Where lists are refused too there is nothing to look at any more."""
    refused = reply(403, status(403, "not any more", "Forbidden"))
    rude.script += [page(config_map("a", 5)), refused, refused]

    with pytest.raises(Forbidden, match="not any more"):
        await looked(transport, lambda _: False)


@pytest.mark.parametrize("failing", [reset, cut, reply(503, status(503, "starting"))], ids=["reset", "cut", "503"])
async def test_a_server_that_is_away_for_a_moment(rude: RudeServer, transport: Transport, failing: Step) -> None:
    """The first failure may be nothing but the end of a connection; after that it is said, until it is over."""
    away = [failing] * 8
    rude.script += [page(config_map("a", 5)), *away, stream(event("ADDED", config_map("b", 11)), then=hang)]

    seen = await looked(transport, there(a="", b=""))

    troubled = [one for one in seen if one.trouble]
    assert troubled
    assert all(values(one) == {"a": ""} for one in troubled)
    assert seen[-1].trouble == ""


async def test_a_server_that_asks_for_patience_has_it(rude: RudeServer, transport: Transport) -> None:
    """Retry-After is waited for, however short our own pauses are."""
    at_s: list[float] = []

    async def throttled(asked: Asked) -> None:
        at_s.append(time.monotonic())
        await reply(429, status(429, "slow down", "TooManyRequests"), Retry_After="1")(asked)

    async def then(asked: Asked) -> None:
        at_s.append(time.monotonic())
        await stream(event("ADDED", config_map("b", 11)), then=hang)(asked)

    rude.script += [page(config_map("a", 5)), throttled, then]

    await looked(transport, there(a="", b=""))

    assert at_s[-1] - at_s[0] >= 1.0


async def test_who_looks_away_leaves_no_connection(rude: RudeServer, transport: Transport) -> None:
    """When the reader goes, the watch is closed with it."""
    closed = asyncio.Event()

    async def watched(asked: Asked) -> None:
        await asked.start(200, Transfer_Encoding="chunked")
        try:
            while True:
                await asked.send(b"1\r\n\n\r\n")
                await asyncio.sleep(0.01)
        except ConnectionError:
            closed.set()

    rude.script += [page(config_map("a", 5)), watched]
    count = 0

    def twice(_: Seen) -> bool:
        nonlocal count
        count += 1
        return count == 2  # the list, and the watch that is open

    await looked(transport, twice)
    async with asyncio.timeout(WITHIN_S):
        await closed.wait()


def test_one_object_is_a_scope() -> None:
    """By its name, in its namespace."""
    asked: Any = Scope.one(CONFIG_MAPS, ObjectKey("default", "a")).listed()
    assert ("fieldSelector", "metadata.name=a") in asked.query
