"""Whatever is sent to the server: a link is ours or is not, and every request has an answer that is meant."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Message
from structlog.testing import capture_logs

from rollouts.api.actions import Verb
from rollouts.api.hooks import HookType
from rollouts.api.known import Listing
from rollouts.api.resources import CANARIES, Manifest, ObjectKey, Resource
from rollouts.core.links import TOKEN_MAX, GateFacts, Link, LinkFlaw, intent_id, read_keys, read_link, sign_link
from rollouts.ports import Write
from rollouts.server.api import Backend
from rollouts.server.feed import Feed
from rollouts.server.health import make_server
from rollouts.server.link_pages import LinkPages, make_links
from rollouts.server.routes import make_api
from rollouts.testing.memory_cluster import MemoryCluster
from rollouts.testing.on_behalf import People
from tests.fuzz.effort import bounded_work, examples
from tests.fuzz.matter import SECRET, spoilt, stored, texts, torn, values
from tests.server.api_world import APP, STATUS, ApiWorld

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
KEY = SECRET.encode().ljust(32, b"k")
FACTS = GateFacts("shop", "app", "uid-1", HookType.CONFIRM_PROMOTION, "b")
GOOD = sign_link(KEY, Link(FACTS, Verb.APPROVE, NOW + timedelta(hours=1)))


@examples(150)
@given(text=st.one_of(texts, torn(GOOD.encode()).map(lambda raw: raw.decode("latin-1")), st.just("A" * 10**5 + ".A")))
def test_a_link_may_be_anything(text: str) -> None:
    """Whoever has not got it from us has nothing: what differs in one character is forged."""
    with bounded_work():
        link = read_link([KEY], text, NOW)
        intent_id(text)
    assert (text == GOOD and isinstance(link, Link)) or link is LinkFlaw.FORGED


@examples(100)
@given(body=st.one_of(values, spoilt(["1", "shop", "app", "u", "confirm-promotion", "b", "approve", 1777896000])))
def test_what_is_signed_may_be_of_any_version(body: Any) -> None:
    """A later version signs other things with the same key."""
    link = read_link([KEY], _signed(json.dumps(body).encode()), NOW)
    assert isinstance(link, Link | LinkFlaw)


def _signed(body: bytes) -> str:
    from rollouts.core import links  # noqa: PLC0415 - only here its insides matter

    return f"{links._coded(body)}.{links._coded(links._mac(KEY, body))}"


@examples(60)
@given(text=texts)
def test_a_file_of_keys_may_be_anything(text: str) -> None:
    """It has keys, or is refused without a word of what is in it."""
    try:
        assert read_keys(text + "\n" + SECRET)
    except ValueError as refused:
        assert SECRET not in str(refused)


_LOOP = asyncio.Runner()


class _Holds(MemoryCluster):
    """Has one object, as nobody could have stored it."""

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(lambda: NOW)
        self._manifest = manifest

    def read(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        return self._manifest

    def list_all(self, resource: Resource, namespace: str = "") -> Listing:
        return Listing.of([self._manifest])

    async def write(self, write: Write) -> Manifest:
        return self._manifest


class Door:
    """The whole server as uvicorn calls it, without a socket."""

    def __init__(self) -> None:
        cluster = self.cluster = MemoryCluster(lambda: NOW)
        self.world = ApiWorld(cluster, People())
        self.token = self.world.person("ann", "get", "list", "watch", *map(str, Verb))
        backend = Backend(lambda: self.cluster, self.world.people, Feed(), lambda: NOW, self._clock)
        pages = LinkPages(lambda: self.cluster, lambda: (KEY,), lambda: NOW, self._clock)
        mounted: dict[str, ASGIApp] = {"/api/v1": make_api(backend), "/links": make_links(pages)}
        self._server = make_server(CollectorRegistry(), lambda: "", mounted)
        self._calls = 0

    def clean(self) -> Door:
        """The same door to another house: made anew for each example it would take most of the time."""
        self.cluster = self.world.cluster = MemoryCluster(lambda: NOW)
        self.world.canary()
        return self

    @property
    def link(self) -> str:
        """A good one, of this Canary."""
        canary = self.world.cluster.stored(CANARIES, APP)
        assert canary is not None
        facts = GateFacts("shop", "app", canary["metadata"]["uid"], HookType.CONFIRM_PROMOTION, "b")
        return sign_link(KEY, Link(facts, Verb.APPROVE, NOW + timedelta(hours=1)))

    def holds(self, canary: Manifest) -> None:
        """Whatever is asked of the store, it has that."""
        self.cluster = _Holds(canary)

    def _clock(self) -> float:
        """An hour from one look to the next: nobody asks too often."""
        self._calls += 1
        return self._calls * 3600.0

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Code and body of the answer. Raises whatever the server lets through."""
        return _LOOP.run(asyncio.wait_for(self._ask(method, path, headers, body), 20))

    async def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        plain, _, query = path.partition("?")
        told = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": plain, "raw_path": quote(plain, errors="replace").encode(), "root_path": "", "headers": told,
            "query_string": query.encode("ascii", "replace"), "client": ("10.0.0.1", 5), "server": ("rollouts", 8080),
        }  # fmt: skip
        incoming, sent = [{"type": "http.request", "body": body, "more_body": False}], list[Message]()

        async def receive() -> Message:
            return incoming.pop(0) if incoming else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await self._server(scope, receive, send)
        return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:])


@cache
def _door() -> Door:
    return Door()


def a_door() -> Door:
    """With one Canary behind it that waits at a gate, and nobody has asked anything."""
    return _door().clean()


ONE = "/api/v1/namespaces/shop/canaries/app"
PATHS = st.one_of(
    st.sampled_from(
        [ONE, ONE + "/history", ONE + "/timeline", ONE + "/events", "/api/v1/canaries", "/metrics", "/healthz"]
    ),
    st.sampled_from([*Verb]).map(lambda verb: f"{ONE}/actions/{verb}"),
    texts.map(lambda text: f"/api/v1/namespaces/{text}/canaries/{text}"),
    texts.map(lambda text: f"/links/{text}"),
    texts.map(lambda text: "/" + text),
)
WISHES = st.one_of(
    spoilt({"reason": "why", "revision": "b", "full": True, "weight": 40, "id": "1"}).map(
        lambda one: json.dumps(one).encode()
    ),
    st.just(b'{"revision": "b"}').flatmap(torn),
)
HEADERS = st.dictionaries(
    st.sampled_from(["Content-Length", "Origin", "Host", "Sec-Fetch-Site", "Content-Type", "Accept", "If-None-Match"]),
    st.one_of(
        texts, st.sampled_from(["1" * 5000, "²", "-1", "http://[x", "null", "application/json", "text/html;charset=x"])
    ),
    max_size=3,
)


@examples(200)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "X"]), path=PATHS, body=WISHES,
    headers=HEADERS, token=st.one_of(st.just(None), st.just(""), texts),
)  # fmt: skip
def test_a_request_may_be_anything(
    method: str, path: str, body: bytes, headers: dict[str, str], token: str | None
) -> None:
    """It is answered by a code that is meant, not by a failure of the server; no answer and no log has a secret."""
    door = a_door()
    told = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    told["Authorization"] = f"Bearer {door.token if token is None else token}"
    with bounded_work(), capture_logs() as logs:
        code, answer = door.ask(method, path, told, body)
    assert code < 500
    for secret in (KEY.decode(), door.token):
        assert secret.encode() not in answer
        assert secret not in str(logs)
    annotations = (door.world.cluster.stored(CANARIES, APP) or {})["metadata"].get("annotations") or {}
    assert not annotations or (code == 202 and token is None)


@examples(80)
@given(form=st.one_of(st.binary(max_size=60), st.text("name=reason&%20+ÿ", max_size=60).map(str.encode), texts.map(
    lambda text: f"name={quote(text, errors='replace')}&reason={quote(text, errors='replace')}".encode())))  # fmt: skip
def test_a_form_may_hold_anything(form: bytes) -> None:
    """Whoever has the link acts once, or is asked for a name again; nothing of the text is markup."""
    door = a_door()
    told = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(form))}
    with bounded_work(), capture_logs() as logs:
        code, page = door.ask("POST", f"/links/{door.link}", told, form)
    assert door.link not in str(logs)
    assert code in {202, 400, 413}
    assert b"<script" not in page


@examples(100)
@given(status=spoilt(dict(STATUS)))
def test_a_status_may_hold_anything(status: Any) -> None:
    """Whatever somebody has written into it: lists show it, and who asks for something is told."""
    door = a_door()
    canary = door.world.cluster.stored(CANARIES, APP)
    assert canary is not None
    door.holds({**canary, "status": stored(status) if isinstance(status, dict) else {}})
    told = {"Authorization": f"Bearer {door.token}", "Content-Type": "application/json", "Content-Length": "17"}
    for method, path in (
        ("GET", "/api/v1/namespaces/shop/canaries"), ("GET", ONE), ("GET", ONE + "/history"),
        ("GET", ONE + "/timeline"),
        ("GET", ONE + "/events"), ("POST", ONE + "/actions/approve"), ("GET", f"/links/{door.link}"),
    ):  # fmt: skip
        code, _ = door.ask(method, path, told, b'{"revision": "b"}')
        assert code < 500, path


@pytest.mark.parametrize(
    ("headers", "code"), [({"Content-Length": "1" * 5000}, 411), ({"Content-Length": "2", "Origin": "http://[x"}, 403)],
    ids=["length", "origin"],
)  # fmt: skip
def test_found_header_that_broke_the_guard(headers: dict[str, str], code: int) -> None:
    """A length of 5000 digits, and an Origin that is no URL: both are refused, where they were a failure of ours."""
    assert a_door().ask("POST", ONE + "/actions/pause", headers, b"{}")[0] == code


def test_found_form_of_many_fields() -> None:
    """Nine fields in the form behind a link: the name is asked for again, where it was a failure of ours."""
    door, form = a_door(), b"&".join(b"name=x" for _ in range(9))
    assert door.ask("POST", f"/links/{door.link}", {"Content-Length": str(len(form))}, form)[0] == 400


def test_found_status_that_cannot_be_read() -> None:
    """One Canary whose status somebody has spoilt kept everybody from the list of all."""
    door = a_door()
    canary = door.world.cluster.stored(CANARIES, APP)
    assert canary is not None
    door.holds({**canary, "status": {"phase": "Dreaming"}})
    code, body = door.ask("GET", "/api/v1/namespaces/shop/canaries", {"Authorization": f"Bearer {door.token}"}, b"")
    assert code == 200
    assert "can't be read" in json.loads(body)[0]["message"]


def test_tokens_have_a_bound() -> None:
    """What is longer is not even decoded into JSON."""
    assert len(GOOD) < TOKEN_MAX
