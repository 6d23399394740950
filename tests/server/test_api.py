"""The API with a real HTTP client over loopback: who is let in, what is answered, what is written."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog

from rollouts.api.resources import CANARIES, ObjectKey
from rollouts.errors import Conflict, Forbidden
from rollouts.ports import Access, PatchJson
from tests.server.api_world import APP, ApiWorld, api_world

ONE = "/api/v1/namespaces/shop/canaries/app"
PATHS = [
    "/api/v1/openapi.json", "/api/v1/canaries", "/api/v1/namespaces/shop/canaries", ONE, f"{ONE}/history",
    f"{ONE}/timeline", f"{ONE}/events",
]  # fmt: skip
APPROVE = {"revision": "b", "reason": "it looks well"}


@pytest.fixture
async def world() -> AsyncIterator[ApiWorld]:
    """One Canary that waits at a gate."""
    async with api_world() as made:
        made.canary()
        yield made


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", ["", "of-nobody", "two words"])
async def test_nothing_is_served_without_a_good_token(world: ApiWorld, path: str, token: str) -> None:
    """Not even the description; the answer says what to send."""
    async with world.request("GET", path, token) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert (await answer.json())["reason"] == "NotKnown"


async def test_another_scheme_is_no_token(world: ApiWorld) -> None:
    """Basic authentication is nobody's."""
    token = world.person("ann", "get")
    assert (await world.ask("GET", ONE, headers={"Authorization": f"Basic {token}"}))[0] == 401


@pytest.mark.parametrize("path", [path for path in PATHS if "openapi" not in path])
async def test_who_lacks_the_right_is_told_which(world: ApiWorld, path: str) -> None:
    """Verb, resource and namespace."""
    token = world.person("bob")
    code, told = await world.ask("GET", path, token)
    verb = "list" if path.endswith("canaries") else "watch" if path.endswith("events") else "get"
    where = "in all namespaces" if path == "/api/v1/canaries" else "in namespace shop"
    assert code == 403
    assert f"bob may not {verb} canaries.rollouts.dev {where}" in told["message"]


async def test_a_right_elsewhere_is_none_here(world: ApiWorld) -> None:
    """As Kubernetes sees it."""
    token = world.person("bob", "get", "list", namespace="other")
    assert (await world.ask("GET", ONE, token))[0] == 403
    assert (await world.ask("GET", "/api/v1/namespaces/other/canaries", token)) == (200, [])


async def test_what_is_where_and_why(world: ApiWorld) -> None:
    """The list has a line for each, the detail why it waits and what comes next."""
    world.canary(ObjectKey("shop", "aa"), phase="Succeeded", gate=None)
    token = world.person("ann", "get", "list")

    code, listed = await world.ask("GET", "/api/v1/namespaces/shop/canaries", token)
    detail = (await world.ask("GET", ONE, token))[1]

    assert (code, [one["name"] for one in listed]) == (200, ["aa", "app"])
    assert (detail["phase"], detail["revision"], detail["weight"], detail["step"]) == ("WaitingPromotion", "b", 50, 5)
    assert detail["why"] == "held at 50 % by the gate confirm-promotion: gate waits"
    assert detail["next"][-1] == {"what": "the promotion", "at": None}
    assert {"approve", "reject"} < set(detail["possible"])
    assert detail["safe"] == "abort"
    assert detail["status"]["lastPromotedSpec"] == "a"


async def test_a_canary_that_is_not_there(world: ApiWorld) -> None:
    """404 for who may look; who may not does not learn that."""
    assert (await world.ask("GET", ONE + "x", world.person("ann", "get")))[0] == 404
    assert (await world.ask("GET", ONE + "x", world.person("bob")))[0] == 403


async def test_the_description_names_all_there_is(world: ApiWorld) -> None:
    """For programs that make clients of it."""
    code, described = await world.ask("GET", "/api/v1/openapi.json", world.person("ann"))
    assert code == 200
    assert described["openapi"].startswith("3.")
    assert "/namespaces/{namespace}/canaries/{name}/actions/{verb}" in described["paths"]
    assert len(described["paths"]) == 7


async def test_who_may_approve_does_and_the_name_is_the_api_servers(world: ApiWorld) -> None:
    """Under a key of that user; what is said of the user in the body is refused."""
    token = world.person("ann", "approve")
    code, told = await world.ask("POST", f"{ONE}/actions/approve", token, json=APPROVE)

    assert (code, told["user"], told["revision"]) == (202, "ann", "b")
    [(name, intent)] = world.annotations().items()
    assert name.startswith("approve.")
    assert intent == {"id": told["id"], "revision": "b", "user": "ann", "reason": "it looks well"}
    forged = await world.ask("POST", f"{ONE}/actions/approve", token, json=APPROVE | {"user": "bob"})
    assert forged[0] == 422


@pytest.mark.parametrize("verb", ["pause", "promote", "abort", "reject", "approve"])
async def test_who_may_not_writes_nothing(world: ApiWorld, verb: str) -> None:
    """Whatever else that one may; and the log says who tried."""
    token = world.person("mallory", "get", "list", "watch", "patch", "update", "retry")
    with structlog.testing.capture_logs() as logs:
        code, told = await world.ask("POST", f"{ONE}/actions/{verb}", token, json=APPROVE)
    assert code == 403
    assert f"mallory may not {verb} canaries.rollouts.dev in namespace shop app" in told["message"]
    assert world.annotations() == {}
    [line] = [log for log in logs if log["event"] == "audit"]
    assert (line["user"], line["verb"], line["canary"], line["address"]) == ("mallory", verb, "shop/app", "127.0.0.1")
    assert line["outcome"].startswith("refused: ")


async def test_each_write_has_a_line_and_no_line_has_a_token(world: ApiWorld) -> None:
    """Who, what, of which Canary and revision, from where, and what came of it."""
    token = world.person("ann", "pause")
    with structlog.testing.capture_logs() as logs:
        await world.ask("POST", f"{ONE}/actions/pause", token, json={"reason": "lunch"})
    [line] = [log for log in logs if log["event"] == "audit"]
    assert (line["outcome"], line["revision"], line["reason"], line["via"]) == ("asked", "b", "lunch", "api")
    assert token not in json.dumps(logs, default=str)


async def test_two_persons_do_not_overwrite_each_other(world: ApiWorld) -> None:
    """And approvals of revisions that are over make room; other annotations stay as they are."""
    old = json.dumps({"id": "1", "revision": "a", "user": "eve"})
    noted = {"metadata": {"annotations": {"actions.rollouts.dev/approve.eve": old, "note": "mine"}}}
    world.cluster.edit(CANARIES, APP, noted)
    for name in ("ann", "bob"):
        assert (await world.ask("POST", f"{ONE}/actions/approve", world.person(name, "approve"), json=APPROVE))[
            0
        ] == 202
    assert sorted(one["user"] for one in world.annotations().values()) == ["ann", "bob"]
    stored = world.cluster.stored(CANARIES, APP)
    assert stored is not None
    assert stored["metadata"]["annotations"]["note"] == "mine"


async def test_the_same_id_is_the_same_wish(world: ApiWorld) -> None:
    """A client that did not hear the answer sends it again, and nothing more happens."""
    token = world.person("ann", "pause")
    for _ in range(2):
        assert (await world.ask("POST", f"{ONE}/actions/pause", token, json={"id": "x"}))[0] == 202
    assert len([write for write in world.cluster.writes if isinstance(write, PatchJson)]) == 1


BAD: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "approve without revision": ("approve", {}, 422, 'say which revision you approve: "revision": "b"'),
    "another revision": ("approve", {"revision": "c"}, 409, "revision c is not the one that is released: that is b"),
    "abort of another": ("abort", {"revision": "c"}, 409, "revision c is not the one"),
    "set-weight without weight": ("set-weight", {}, 422, "say which"),
}


@pytest.mark.parametrize(("verb", "wish", "code", "why"), BAD.values(), ids=BAD)
async def test_what_makes_no_sense_is_said_at_once(
    world: ApiWorld, verb: str, wish: dict[str, Any], code: int, why: str
) -> None:
    """Nothing is written."""
    told = await world.ask("POST", f"{ONE}/actions/{verb}", world.person("ann", verb), json=wish)
    assert (told[0], why in told[1]["message"]) == (code, True)
    assert world.annotations() == {}


async def test_an_action_that_there_is_not(world: ApiWorld) -> None:
    """It is no verb of ours."""
    assert (await world.ask("POST", f"{ONE}/actions/delete", world.person("ann", "delete"), json={}))[0] == 422


async def test_a_write_that_meets_another_is_tried_again(world: ApiWorld) -> None:
    """Who asks does not have to; if it goes on like that the answer says so."""
    met = iter([Conflict("moved on"), Conflict("moved on")])

    def before(_write: object) -> None:
        if (conflict := next(met, None)) is not None:
            raise conflict

    world.cluster.before = before
    token = world.person("ann", "pause")
    assert (await world.ask("POST", f"{ONE}/actions/pause", token, json={}))[0] == 202
    met = iter([Conflict("moved on")] * 9)
    code, told = await world.ask("POST", f"{ONE}/actions/pause", token, json={"id": "again"})
    assert (code, told["reason"]) == (409, "Conflict")


async def test_a_right_that_our_account_lacks_is_told_apart(world: ApiWorld) -> None:
    """It is the operator's to grant, not the caller's to ask for."""

    def before(_write: object) -> None:
        raise Forbidden("patch canaries: not allowed", status=403)

    world.cluster.before = before
    code, told = await world.ask("POST", f"{ONE}/actions/pause", world.person("ann", "pause"), json={})
    assert code == 502
    assert "the server's own account lacks a right, see deploy/server.yaml" in told["message"]


async def test_answers_of_the_api_server_hold_for_seconds(world: ApiWorld) -> None:
    """Many reads ask it once; a right that is taken away ends soon, and so does a token."""
    token = world.person("ann", "get")
    for _ in range(5):
        assert (await world.ask("GET", ONE, token))[0] == 200
    assert world.people.asked == 2
    world.people.rights["ann"] = set()
    assert (await world.ask("GET", ONE, token))[0] == 200
    world.monotonic_s += 6
    assert (await world.ask("GET", ONE, token))[0] == 403
    world.people.rights["ann"] = {Access("get", "shop")}
    world.monotonic_s += 6
    assert (await world.ask("GET", ONE, token))[0] == 200
    del world.people.tokens[token]
    world.monotonic_s += 11
    assert (await world.ask("GET", ONE, token))[0] == 401


async def test_while_the_api_server_is_away_nobody_is_let_in(world: ApiWorld) -> None:
    """503, and when to ask again."""
    world.people.away = True
    async with world.request("GET", ONE, world.person("ann", "get")) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")


async def test_one_user_who_asks_too_often_waits_and_others_do_not(world: ApiWorld) -> None:
    """Also with several tokens."""
    token, other = world.person("ann", "pause"), world.person("bob", "pause")
    world.people.tokens["second"] = "ann"
    codes = [
        (await world.ask("POST", f"{ONE}/actions/pause", ("second", token)[n % 2], json={"id": str(n)}))[0]
        for n in range(12)
    ]
    assert (codes[:10], codes[10:]) == ([202] * 10, [429] * 2)
    assert (await world.ask("POST", f"{ONE}/actions/pause", other, json={}))[0] == 202
    world.monotonic_s += 2
    assert (await world.ask("POST", f"{ONE}/actions/pause", token, json={}))[0] == 202


async def test_who_guesses_tokens_is_slowed_down(world: ApiWorld) -> None:
    """By address, before the API server is asked at all."""
    codes = [(await world.ask("GET", ONE, f"guess-{n}"))[0] for n in range(22)]
    assert codes[-1] == 429
    assert world.people.asked == 20


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://behind.a.proxy"}, 202),
        ({}, 202),
    ],
    ids=str,
)
async def test_a_page_of_another_site_asks_nothing(world: ApiWorld, headers: dict[str, str], code: int) -> None:
    """Even if it had a token; no cookie is ever set."""
    token = world.person("ann", "pause")
    async with world.request("POST", f"{ONE}/actions/pause", token, json={}, headers=headers) as answer:
        assert answer.status == code
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/api/v1/canaries", ONE, "/links/x", "/api/v1/nothing"])
async def test_every_answer_has_its_headers(world: ApiWorld, path: str) -> None:
    """Also one that says no."""
    async with world.request("GET", path, world.person("ann", "get")) as answer:
        told = answer.headers
    assert (told["Cache-Control"], told["X-Content-Type-Options"]) == ("no-store", "nosniff")
    assert told["Referrer-Policy"] == "no-referrer"
    assert told["Content-Security-Policy"].startswith("default-src 'none'")
    assert told["X-Frame-Options"] == "DENY"


async def test_a_body_that_is_too_long_is_not_read(world: ApiWorld) -> None:
    """Nor one whose length is not said."""
    token = world.person("ann", "pause")
    assert (await world.ask("POST", f"{ONE}/actions/pause", token, data=b"x" * 20000))[0] == 413

    async def pieces() -> AsyncIterator[bytes]:
        yield b"{}"

    assert (await world.ask("POST", f"{ONE}/actions/pause", token, data=pieces()))[0] == 411


OLD = "0123456789abcdef"


def _event(world: ApiWorld, name: str, at: str, reason: str, message: str = "") -> None:
    event = {
        "metadata": {"name": name, "namespace": "shop"},
        "involvedObject": {"apiVersion": CANARIES.api_version, "kind": "Canary", "name": "app"},
        "reason": reason, "message": message, "type": "Normal", "lastTimestamp": at,
    }  # fmt: skip
    world.people.told.append(event)


async def test_what_happened_is_told_in_its_order(world: ApiWorld) -> None:
    """Events, conditions and actions; the releases before as far as Events tell of them."""
    action = {"verb": "pause", "id": "1", "user": "ann", "outcome": "Done", "message": "pause by ann",
              "takenAt": "2026-05-04T10:30:00Z"}  # fmt: skip
    condition = {"type": "Ready", "status": "True", "reason": "Ready", "lastTransitionTime": "2026-05-04T10:45:00Z"}
    world.canary(actions=[action], conditions=[condition])
    _event(world, "e3", "2026-05-04T10:00:00Z", "NewRevision", "revision b")
    _event(world, "e1", "2026-05-04T08:00:00Z", "NewRevision", f"Revision {OLD} is released")
    _event(world, "e2", "2026-05-04T09:00:00Z", "Succeeded", f"Revision {OLD} is promoted")
    token = world.person("ann", "get", "list-events")

    timeline = (await world.ask("GET", f"{ONE}/timeline", token))[1]
    history = (await world.ask("GET", f"{ONE}/history", token))[1]

    assert [one["reason"] for one in timeline["moments"]] == [
        "NewRevision", "Succeeded", "NewRevision", "pause", "Ready=True",
    ]  # fmt: skip
    assert timeline["missing"] == ""
    assert [(run["outcome"], run["revision"], run["ended"]) for run in history] == [
        ("running", "b", None), ("promoted", OLD, "2026-05-04T09:00:00Z"),
    ]  # fmt: skip


async def test_events_are_seen_by_who_may_list_them(world: ApiWorld) -> None:
    """Others hear what is missing."""
    _event(world, "e1", "2026-05-04T08:00:00Z", "NewRevision", "revision a")
    timeline = (await world.ask("GET", f"{ONE}/timeline", world.person("bob", "get")))[1]
    assert timeline == {"moments": [], "missing": "Events: bob may not list events in namespace shop"}
