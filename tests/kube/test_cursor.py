from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rollouts.kube.cursor import Added, Bookmark, Deleted, Expired, Failed, Garbled, Modified, WatchCursor
from tests.kube.rude_server import bookmark, config_map, event, status

OBJECT = config_map("a", 12)


@pytest.mark.parametrize(
    ("kind", "made"),
    [("ADDED", Added), ("MODIFIED", Modified), ("DELETED", Deleted)],
    ids=["added", "modified", "deleted"],
)
def test_an_object_event_carries_the_object_and_moves_on(kind: str, made: type[Added | Modified | Deleted]) -> None:
    """Each of the three kinds has its own type, and the position becomes the object's resourceVersion."""
    cursor = WatchCursor("10")
    assert cursor.feed(event(kind, OBJECT)) == made(OBJECT)
    assert cursor.resource_version == "12"


def test_a_bookmark_only_moves_on() -> None:
    """A bookmark carries no object of ours."""
    cursor = WatchCursor("10")
    assert cursor.feed(bookmark(40)) == Bookmark("40")
    assert cursor.resource_version == "40"


@pytest.mark.parametrize(
    "told", [status(410), status(0, reason="Expired"), status(0, reason="Gone")], ids=["410", "expired", "gone"]
)
def test_an_expired_position_is_given_up(told: dict[str, object]) -> None:
    """After 410 the cursor has no position: only a list can help."""
    cursor = WatchCursor("10")
    assert cursor.feed(event("ERROR", told)) == Expired()
    assert cursor.resource_version == ""


@pytest.mark.parametrize(("code", "expected"), [(500, 500), ("x", 0)], ids=["code", "no-code"])
def test_another_error_keeps_the_position(code: object, expected: int) -> None:
    """The watch failed, what it brought before is still true."""
    told = {"kind": "Status", "code": code}
    cursor = WatchCursor("10")
    assert cursor.feed(event("ERROR", told)) == Failed(expected, told)
    assert cursor.resource_version == "10"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b"1" * 5000,
        b"null",
        b"[]",
        b"{}",
        b'{"type":"ADDED"}',
        b'{"type":"ADDED","object":{}}',
        b'{"type":"ADDED","object":{"metadata":[]}}',
        b'{"type":"ADDED","object":{"metadata":{"name":"a"}}}',
        b'{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":7}}}',
        b'{"type":"ADDED","object":{"metadata":{"resourceVersion":"7"}}}',
        b'{"type":"ADDED","object":{"metadata":{"name":1,"resourceVersion":"7"}}}',
        b'{"type":"SURPRISE","object":{"metadata":{"name":"a","resourceVersion":"7"}}}',
        b'{"type":{},"object":{"metadata":{"name":"a","resourceVersion":"7"}}}',
        b'{"object":{"metadata":{"name":"a","resourceVersion":"7"}}}',
        b'{"type":"BOOKMARK","object":{"metadata":{}}}',
    ],
    ids=range(19),
)
def test_garbage_is_an_event_and_moves_nothing(line: bytes) -> None:
    """Whatever is no watch event is told so, and the position stays where the last good line left it."""
    cursor = WatchCursor("10")
    assert isinstance(cursor.feed(line), Garbled)
    assert cursor.resource_version == "10"


@given(cut=st.integers(0, len(event("ADDED", OBJECT)) - 2))
def test_a_line_torn_at_any_byte_is_garbage(cut: int) -> None:
    """No prefix of a line passes for the line."""
    cursor = WatchCursor("10")
    assert isinstance(cursor.feed(event("ADDED", OBJECT)[:cut]), Garbled)
    assert cursor.resource_version == "10"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["ADDED", "ERROR", "BOOKMARK"]),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["type", "object", "metadata", "code", "name"]), inner)
    ),
)


@given(line=st.binary() | JSON.map(lambda told: json.dumps(told).encode()))
@example(line=b'{"type":"ERROR","object":{"code":true}}')
def test_no_line_raises(line: bytes) -> None:
    """Any bytes and any JSON become an event."""
    WatchCursor("10").feed(line)
