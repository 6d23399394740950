"""List and watch against a server that expires, throttles, tears, hangs and resets: the store ends up right."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest
from kubernetes_asyncio.client import ApiClient, Configuration

from rollouts.api.resources import SIDECARS, VIRTUAL_SERVICES, ObjectKey
from rollouts.errors import NotFound
from rollouts.kube.clock import ServerClock
from rollouts.kube.reflector import SPREAD_S, Pace, Reflector
from rollouts.kube.requests import list_page
from rollouts.kube.store import Store
from rollouts.kube.transport import Transport
from tests.kube.rude_server import (
    Asked,
    RudeServer,
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
from tests.kube.waiting import CONFIG_MAPS, QUICK, running, until


@pytest.fixture
def store() -> Store:
    """An empty store."""
    return Store(CONFIG_MAPS)


@asynccontextmanager
async def reflecting(
    transport: Transport, store: Store, clock: ServerClock, pace: Pace = QUICK
) -> AsyncIterator[Reflector]:
    """A reflector at work."""
    reflector = Reflector(transport, store, clock=clock, random=Random(1), pace=pace)
    async with running(reflector.run()):
        yield reflector


def values(store: Store) -> dict[str, str]:
    """What the store holds, by name."""
    return {found["metadata"]["name"]: found["data"]["value"] for found in store.list_all()}


async def test_list_then_watch(rude: RudeServer, transport: Transport, store: Store, clock: ServerClock) -> None:
    """The list fills the store, the watch from its version keeps it true."""
    rude.script += [
        page(config_map("a", 5), config_map("b", 6), version="10"),
        stream(
            event("MODIFIED", config_map("a", 11, value="new")),
            event("DELETED", config_map("b", 12)),
            event("ADDED", config_map("c", 13)),
            then=hang,
        ),
    ]
    async with reflecting(transport, store, clock) as reflector:
        await until(lambda: values(store) == {"a": "new", "c": ""})
        assert reflector.synced.is_set()
    assert rude.paths()[:2] == ["list", "watch 10"]


async def test_pages_are_one_list(rude: RudeServer, transport: Transport, store: Store, clock: ServerClock) -> None:
    """The token of each page fetches the next; nothing is shown before the last one is in."""
    seen: list[int] = []

    async def last(asked: Asked) -> None:
        seen.append(len(store.list_all()))
        await page(config_map("c", 3), version="10")(asked)

    rude.script += [page(config_map("a", 1), more="t1"), page(config_map("b", 2), more="t2"), last]
    async with reflecting(transport, store, clock):
        await until(lambda: len(values(store)) == 3)
    assert rude.paths()[:3] == ["list", "list t1", "list t2"]
    assert seen == [0]


async def test_a_token_that_expires_starts_the_list_anew(
    rude: RudeServer, transport: Transport, store: Store, clock: ServerClock
) -> None:
    """Half a list is never taken for a whole one."""
    rude.script += [
        page(config_map("old", 1), more="t1"),
        reply(410, status(410, reason="Expired")),
        page(config_map("new", 20), version="20"),
    ]
    async with reflecting(transport, store, clock):
        await until(lambda: values(store) == {"new": ""})
    assert rude.paths()[:3] == ["list", "list t1", "list"]


@pytest.mark.parametrize(
    "expiry", [stream(event("ERROR", status(410))), reply(410, status(410))], ids=["as-event", "as-status"]
)
async def test_an_expired_watch_lists_again_and_finds_the_deletions(
    rude: RudeServer, transport: Transport, store: Store, clock: ServerClock, expiry: object
) -> None:
    """What was deleted while nobody watched is gone after the next list."""
    rude.script += [page(config_map("a", 5), config_map("b", 6)), expiry, page(config_map("b", 6), version="30")]  # type: ignore[list-item]
    async with reflecting(transport, store, clock):
        await until(lambda: values(store) == {"b": ""})
        await until(lambda: len(rude.asked) >= 4)
    assert rude.paths()[:4] == ["list", "watch 10", "list", "watch 30"]


async def test_at_its_end_a_watch_goes_on_from_its_bookmark_at_once(
    rude: RudeServer, transport: Transport, store: Store, clock: ServerClock
) -> None:
    """The server's own time-out is no failure: no list, no wait, no loss of place."""

    async def full_length(asked: Asked) -> None:
        await stream(bookmark(40), then=wait_most_of_the_watch)(asked)

    async def wait_most_of_the_watch(asked: Asked) -> None:
        await clock.sleep(0.6)

    slow = Pace(watch_s=(1, 1), first_delay_s=100.0, cap_s=100.0)
    rude.script += [page(), full_length]
    async with reflecting(transport, store, clock, slow):
        await until(lambda: len(rude.asked) == 3)
    assert rude.paths() == ["list", "watch 10", "watch 40"]


async def test_a_watch_that_ends_at_once_is_not_repeated_in_a_hot_loop(
    rude: RudeServer, transport: Transport, store: Store, clock: ServerClock
) -> None:
    """A server that accepts and closes is a failure like another, with growing delays."""
    rude.script += [page(), *[stream() for _ in range(50)]]
    async with reflecting(transport, store, clock, Pace(first_delay_s=0.05, cap_s=5.0)):
        await clock.sleep(0.5)
    assert 2 <= len(rude.asked) <= 15


async def test_retry_after_is_respected(
    rude: RudeServer, transport: Transport, store: Store, clock: ServerClock
) -> None:
    """A throttled list is not repeated before the time asked for."""
    times_s: list[float] = []

    async def throttle(asked: Asked) -> None:
        times_s.append(time.monotonic())
        await reply(429, status(429), Retry_After="1")(asked)

    async def accept(asked: Asked) -> None:
        times_s.append(time.monotonic())
        await page(config_map("a", 1))(asked)

    rude.script += [throttle, accept]
    pace = Pace(first_delay_s=0.01, cap_s=0.05)
    async with reflecting(transport, store, clock, pace):
        await until(lambda: values(store))
    assert 1.0 <= times_s[1] - times_s[0] < 1.5


@pytest.mark.parametrize(
    "broken",
    [
        reply(500, status(500)),
        reply(502, b"<html>bad gateway</html>"),
        reset,
        hang,
        stream(event("MODIFIED", config_map("a", 11, value="kept"))[:-9]),
        stream(b"garbage\n", then=hang),
        stream(event("ERROR", status(500, "internal"))),
        stream(event("ERROR", status(504, "Too large resource version"))),
        stream(then=reset),
        stream(then=cut),
        stream(then=hang),
    ],
    ids=[
        "500", "html", "reset", "hang", "torn-line", "garbage", "error-event", "too-large-version", "reset-in-body",
        "cut-in-body", "half-open",
    ],
)  # fmt: skip
async def test_a_broken_watch_mends(
    rude: RudeServer, transport: Transport, store: Store, clock: ServerClock, broken: object
) -> None:
    """Whatever breaks a watch, the next one brings what was missed, and no object is lost meanwhile."""
    rude.script += [
        page(config_map("a", 5, value="old")),
        broken,  # type: ignore[list-item]
        page_or_watch,
        page_or_watch,
    ]
    async with reflecting(transport, store, clock):
        await until(lambda: values(store) == {"a": "old"})
        await until(lambda: values(store) == {"a": "new"})
        assert store.trouble == ""


async def page_or_watch(asked: Asked) -> None:
    """A healthy server that has changed the object at version 11."""
    if "watch" in asked.query:
        changes = [event("MODIFIED", config_map("a", 11, value="new"))] if asked.query["resourceVersion"] < "11" else []
        await stream(*changes, then=hang)(asked)
    else:
        await page(config_map("a", 11, value="new"), version="11")(asked)


async def test_garbage_after_progress_goes_on_from_the_last_good_line(
    rude: RudeServer, transport: Transport, store: Store, clock: ServerClock
) -> None:
    """A torn line costs a reconnection, not a list."""
    line = event("MODIFIED", config_map("a", 12, value="new"))
    rude.script += [
        page(config_map("a", 5)),
        stream(event("MODIFIED", config_map("a", 11, value="mid")), line[:20]),
        stream(line, then=hang),
    ]
    async with reflecting(transport, store, clock):
        await until(lambda: values(store) == {"a": "new"})
    assert rude.paths()[:3] == ["list", "watch 10", "watch 11"]


async def test_garbage_without_progress_lists_again(
    rude: RudeServer, transport: Transport, store: Store, clock: ServerClock
) -> None:
    """The same place would bring the same garbage for ever."""
    rude.script += [page(config_map("a", 5)), stream(b"garbage\n"), page(config_map("b", 12), version="12")]
    async with reflecting(transport, store, clock):
        await until(lambda: values(store) == {"b": ""})
    assert rude.paths()[:3] == ["list", "watch 10", "list"]


async def test_a_watch_that_keeps_failing_lists_again(
    rude: RudeServer, transport: Transport, store: Store, clock: ServerClock
) -> None:
    """After five failures in a row the place itself is suspect; a list that is older shows a restored backup."""
    refuse = reply(504, status(504, "Too large resource version"))
    rude.script += [page(config_map("a", 900, value="lost"), version="1000"), *[refuse] * 5]
    rude.script.append(page(config_map("a", 40, value="restored"), version="50"))
    async with reflecting(transport, store, clock):
        await until(lambda: values(store) == {"a": "restored"})
        await until(lambda: len(rude.asked) == 8)
    assert rude.paths() == ["list", *["watch 1000"] * 5, "list", "watch 50"]


async def test_an_absent_kind_is_told_and_found_when_it_comes(
    rude: RudeServer, transport: Transport, clock: ServerClock
) -> None:
    """404 of the kind: the trouble says what to install, nobody waits for a first list, and it clears by itself."""
    troubles: list[str] = []
    routes = Store(VIRTUAL_SERVICES, on_trouble=lambda _resource: troubles.append(routes.trouble))
    absent = reply(404, b"404 page not found")
    rude.script += [absent, absent, page(config_map("a", 5)), stream(then=hang)]
    async with reflecting(transport, routes, clock) as reflector:
        await reflector.synced.wait()
        await until(lambda: routes.read(ObjectKey("default", "a")))
        await until(lambda: routes.trouble == "")
    text = "virtualservices.networking.istio.io is not served by this cluster: install Istio's CRDs"
    assert troubles == [text, ""]


@pytest.mark.parametrize("verb", ["list", "watch"])
async def test_a_missing_right_is_named(
    rude: RudeServer, transport: Transport, store: Store, clock: ServerClock, verb: str
) -> None:
    """403: the trouble names verb and resource, and goes when the right is given."""
    said = f'configmaps is forbidden: User "u" cannot {verb} resource "configmaps" in API group ""'
    refuse = reply(403, status(403, said))
    rude.script += [refuse] if verb == "list" else [page(), refuse]
    async with reflecting(transport, store, clock) as reflector:
        await until(lambda: store.trouble)
        await reflector.synced.wait()
        assert store.trouble.startswith(f"the controller's account lacks the right to {verb} configmaps: ")
        rude.script += [page_or_watch] * 3
        await until(lambda: store.trouble == "")


async def test_a_server_that_stays_away_is_trouble_and_a_hiccup_is_not(
    rude: RudeServer, transport: Transport, store: Store, clock: ServerClock
) -> None:
    """Two failures in a row pass in silence, the third is told, and the objects known stay."""
    rude.script += [page(config_map("a", 5)), reset, reset]

    async def look(asked: Asked) -> None:
        assert store.trouble == ""
        asked.reset()

    rude.script += [look, *[reset] * 50]
    async with reflecting(transport, store, clock):
        await until(lambda: store.trouble)
        assert store.trouble.startswith("configmaps can't be watched: ")
        assert values(store) == {"a": ""}


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        {},
        {"metadata": {"resourceVersion": ""}},
        {"metadata": {"resourceVersion": "1"}},
        {"metadata": {"resourceVersion": "1"}, "items": {}},
        {"metadata": {"resourceVersion": "1"}, "items": [{"metadata": {}}]},
    ],
    ids=["html", "empty", "no-version", "no-items", "items-no-list", "nameless-item"],
)
async def test_what_is_no_list_is_never_taken_for_an_empty_one(
    rude: RudeServer, transport: Transport, store: Store, clock: ServerClock, body: object
) -> None:
    """A proxy's 200 must not delete everything."""
    rude.script += [page(config_map("a", 5)), reply(410, status(410)), reply(200, body), hang]
    async with reflecting(transport, store, clock):
        await until(lambda: len(rude.asked) == 4)
        assert values(store) == {"a": ""}


async def test_a_list_without_items_is_empty(
    rude: RudeServer, transport: Transport, store: Store, clock: ServerClock
) -> None:
    """`items: null` is how Go writes an empty list."""
    rude.script.append(reply(200, {"metadata": {"resourceVersion": "10"}, "items": None}))
    async with reflecting(transport, store, clock) as reflector:
        await reflector.synced.wait()
    assert values(store) == {}


async def test_a_watch_that_was_open_for_a_while_wipes_out_earlier_failures(
    rude: RudeServer, transport: Transport, store: Store, clock: ServerClock
) -> None:
    """After it the delays start small again, though it broke."""

    async def last_a_while_and_reset(asked: Asked) -> None:
        await clock.sleep(0.15)
        asked.reset()

    pace = Pace(watch_s=(1, 1), held_s=0.1, first_delay_s=0.01, cap_s=0.02, patience=3)
    rude.script += [reset, reset, page(), stream(then=last_a_while_and_reset), hang]
    async with reflecting(transport, store, clock, pace) as reflector:
        await until(lambda: len(rude.asked) == 5)
        assert reflector._backoff.failures == 1


async def test_a_watch_that_came_to_its_end_wipes_out_earlier_failures(
    rude: RudeServer, transport: Transport, store: Store, clock: ServerClock
) -> None:
    """However short it is meant to be."""

    async def last_to_the_end(_asked: Asked) -> None:
        await clock.sleep(0.6)

    pace = Pace(watch_s=(1, 1), held_s=1000.0, first_delay_s=0.01, cap_s=0.02, patience=3)
    rude.script += [reset, reset, page(), stream(then=last_to_the_end), hang]
    async with reflecting(transport, store, clock, pace) as reflector:
        await until(lambda: len(rude.asked) == 5)
        assert reflector._backoff.failures == 0


async def test_who_could_not_reach_the_server_goes_on_as_soon_as_it_has_answered_anybody(
    store: Store, clock: ServerClock
) -> None:
    """A server that is back: no kind waits for the end of its back-off, and what was said is taken back."""
    rude, pace = RudeServer(port=_free_port()), Pace(first_delay_s=1000.0, cap_s=1000.0, patience=1)
    transport = Transport(ApiClient(Configuration(host=rude.url)), monotonic=time.monotonic)
    rude.script += [reply(404, status(404)), page(config_map("a", 5)), hang]
    async with reflecting(transport, store, clock, pace):
        await until(lambda: "no connection" in store.trouble)
        server = await asyncio.start_server(rude.serve, "127.0.0.1", rude.port)
        with pytest.raises(NotFound):
            await transport.send(list_page(CONFIG_MAPS))
        await until(lambda: values(store) == {"a": ""})
        assert store.trouble == ""
    await transport.close()
    server.close()


async def test_a_server_that_answers_others_is_no_reason_to_hurry_where_it_refuses(
    rude: RudeServer, transport: Transport, store: Store, clock: ServerClock
) -> None:
    """Who was answered, badly, keeps its back-off: two such could drive each other without end."""
    rude.script += [reply(503, status(503)), *[reply(404, status(404))] * 5]
    async with reflecting(transport, store, clock, Pace(first_delay_s=1000.0, cap_s=1000.0)):
        await until(lambda: len(rude.asked) == 1)
        for _ in range(5):
            with pytest.raises(NotFound):
                await transport.send(list_page(CONFIG_MAPS))
        await clock.sleep(2 * SPREAD_S)
    assert len(rude.asked) == 6


async def test_a_watch_that_is_cut_again_and_again_is_no_trouble_and_soon_taken_up(
    rude: RudeServer, transport: Transport, clock: ServerClock
) -> None:
    """Each was open for a while: it is taken up as after a first failure, and nobody is told of a trouble."""
    troubles: list[str] = []
    own = Store(CONFIG_MAPS, on_trouble=lambda _resource: troubles.append(own.trouble))

    async def last_a_while_and_break(asked: Asked) -> None:
        await clock.sleep(0.1)
        asked.reset()

    rude.script += [page(), *[stream(then=last_a_while_and_break)] * 12, stream(then=hang)]
    pace = Pace(first_delay_s=0.01, cap_s=1000.0, reopen_cap_s=1000.0, opened_s=0.02, held_s=0.05, patience=3)
    async with reflecting(transport, own, clock, pace):
        await until(lambda: len(rude.asked) == 14)
    assert troubles == []


async def test_a_watch_that_is_cut_too_soon_to_wipe_out_failures_is_still_no_trouble(
    rude: RudeServer, transport: Transport, clock: ServerClock
) -> None:
    """What had changed has come in: nobody is told that the kind can't be watched."""
    troubles: list[str] = []
    own = Store(CONFIG_MAPS, on_trouble=lambda _resource: troubles.append(own.trouble))

    async def last_a_moment_and_break(asked: Asked) -> None:
        await clock.sleep(0.05)
        asked.reset()

    rude.script += [page(), *[stream(then=last_a_moment_and_break)] * 3, stream(then=hang)]
    pace = Pace(first_delay_s=0.01, cap_s=0.02, opened_s=0.02, held_s=100.0, patience=2)
    async with reflecting(transport, own, clock, pace):
        await until(lambda: len(rude.asked) == 5)
    assert troubles == []


async def test_a_watch_that_opens_and_breaks_at_once_is_trouble_and_waits_for_a_while_at_most(
    rude: RudeServer, transport: Transport, store: Store, clock: ServerClock
) -> None:
    """Its objects grow old: that is told, and no back-off makes them older than the cap."""
    rude.script += [page(), *[stream()] * 50]
    pace = Pace(first_delay_s=1000.0, cap_s=1000.0, reopen_cap_s=0.02, patience=3)
    async with reflecting(transport, store, clock, pace):
        await until(lambda: "can't be watched" in store.trouble)
        await until(lambda: rude.paths().count("list") >= 1 and len(rude.asked) >= 5)


def _free_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


async def test_a_kind_that_may_be_lacking_is_no_trouble_and_costs_nothing(
    rude: RudeServer, transport: Transport, clock: ServerClock
) -> None:
    """One request finds that it is not served; what was known of it is gone, and none follows."""
    store = Store(SIDECARS)
    store.absorb({"metadata": {"name": "old", "namespace": "shop", "uid": "u", "resourceVersion": "5"}})
    rude.script += [reply(404, status(404)) for _ in range(50)]
    async with reflecting(transport, store, clock, Pace(absent_s=60.0, absent_look_s=0.01)) as reflector:
        await until(reflector.synced.is_set)
        await clock.sleep(0.3)
    assert (store.trouble, [*store.list_all()], rude.paths()) == ("", [], ["list"])


async def test_it_is_asked_for_again_when_another_kind_has_come(
    rude: RudeServer, transport: Transport, clock: ServerClock
) -> None:
    """A mesh is installed as a whole: its other kinds are not left unseen for minutes."""
    store, served = Store(SIDECARS), [0]
    found = {"metadata": {"name": "a", "namespace": "shop", "uid": "u", "resourceVersion": "5"}}
    rude.script += [reply(404, status(404)), page(found, version="10"), stream(then=hang)]
    async with reflecting(transport, store, clock, Pace(absent_s=60.0, absent_look_s=0.01)) as reflector:
        reflector.served = lambda: served[0]
        await until(reflector.synced.is_set)
        served[0] = 1
        await until(lambda: len(store.list_all()) == 1)
    assert rude.paths()[:2] == ["list", "list"]


async def test_it_is_asked_for_again_after_a_while(rude: RudeServer, transport: Transport, clock: ServerClock) -> None:
    """In case that it came alone."""
    store = Store(SIDECARS)
    rude.script += [*(reply(404, status(404)) for _ in range(3)), page(version="10"), stream(then=hang)]
    async with reflecting(transport, store, clock, Pace(absent_s=0.02, absent_look_s=0.01)):
        await until(lambda: store.horizon == 10)
    assert rude.paths()[:4] == ["list"] * 4
