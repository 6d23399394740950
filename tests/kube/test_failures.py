"""Which error an answer becomes, what it says, and what it must not say."""

from __future__ import annotations

import json

import pytest

from rollouts.api.resources import CANARIES, ObjectKey
from rollouts.errors import Conflict, Forbidden, Gone, KubeError, NotFound, Rejected, Throttled, Unavailable
from rollouts.kube.failures import MESSAGE_LIMIT, AlreadyExists, failure_of
from rollouts.kube.requests import get, patch_json
from tests.kube.rude_server import status

GET = get(CANARIES, ObjectKey("shop", "app"))
PATCH = patch_json(CANARIES, ObjectKey("shop", "app"), [])
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (301, Unavailable),
        (400, Rejected),
        (401, Forbidden),
        (403, Forbidden),
        (404, NotFound),
        (405, Rejected),
        (408, Unavailable),
        (409, Conflict),
        (410, Gone),
        (413, Rejected),
        (415, Rejected),
        (422, Rejected),
        (429, Throttled),
        (500, Unavailable),
        (503, Unavailable),
        (504, Unavailable),
    ],
)
def test_a_status_becomes_one_kind_of_error(code: int, kind: type[KubeError]) -> None:
    """The HTTP status alone decides whose fault it is; verb, resource and status are kept."""
    error = failure_of(GET, code, {}, b"")
    assert type(error) is kind
    assert (error.verb, error.resource, error.status) == ("get", "canaries.rollouts.dev", code)


def test_a_failed_test_of_a_json_patch_is_a_conflict() -> None:
    """422 without causes means that the object is not what the patch expected: observe again."""
    assert type(failure_of(PATCH, 422, {}, json.dumps(status(422, reason="Invalid")).encode())) is Conflict


def test_a_json_patch_that_makes_the_object_invalid_is_rejected() -> None:
    """422 with causes comes from validation: the same patch never passes, so it must not be repeated for ever."""
    told = status(422, "is invalid", "Invalid", causes=[{"reason": "FieldValueInvalid"}])
    assert type(failure_of(PATCH, 422, {}, json.dumps(told).encode())) is Rejected


def test_a_taken_name_is_its_own_conflict() -> None:
    """AlreadyExists is told from a stale resourceVersion."""
    assert type(failure_of(GET, 409, {}, json.dumps(status(409, reason="AlreadyExists")).encode())) is AlreadyExists


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>secret</html>", b'{"kind":"Pod","message":"secret"}', b"[" * 100_000, b"\xff\xfe", b'"secret"'],
    ids=["empty", "html", "other-kind", "deep", "no-utf8", "string"],
)
def test_only_a_status_object_is_believed(body: bytes) -> None:
    """A proxy's page or another object is never quoted."""
    error = failure_of(GET, 502, {}, body)
    assert str(error) == "get canaries.rollouts.dev: HTTP 502 without an explanation"


def test_messages_are_cut_short() -> None:
    """However long the server speaks, a bounded part is kept."""
    error = failure_of(GET, 500, {}, json.dumps(status(500, "x" * 5000)).encode())
    assert len(str(error)) <= MESSAGE_LIMIT + len("get canaries.rollouts.dev: ")


def test_quoted_objects_are_cut_off() -> None:
    """The server quotes the whole object when a patch does not decode; a Secret must not end in a log."""
    told = status(422, ' "" is invalid: patch: Invalid value: "{\\"data\\":{\\"password\\":\\"aHVudGVyMg==\\"}}"')
    assert "aHVudGVyMg" not in str(failure_of(GET, 422, {}, json.dumps(told).encode()))


def test_forbidden_names_the_right_the_server_missed() -> None:
    """Apply is a patch, but of an absent object it needs `create`: the server's word counts."""
    said = 'deployments.apps "x" is forbidden: User "u" cannot create resource "deployments/scale" in API group "apps"'
    error = failure_of(PATCH, 403, {}, json.dumps(status(403, said)).encode())
    assert (error.verb, error.resource) == ("create", "deployments.apps/scale")


def test_forbidden_without_details_names_the_right_that_was_used() -> None:
    """An admission plugin's refusal has its own words; verb and resource are the request's."""
    error = failure_of(PATCH, 403, {}, json.dumps(status(403, "quota exceeded")).encode())
    assert str(error) == "patch canaries.rollouts.dev: not allowed: quota exceeded"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "Thu, 01 Jan 2026 00:00:09 GMT", "Date": DATE}, 9.0),
        ({"Retry-After": "Wed, 31 Dec 2025 00:00:00 GMT", "Date": DATE}, 0.0),
        ({"Retry-After": "Thu, 01 Jan 2026 00:00:09 GMT"}, None),
        ({"Retry-After": "Thu, 01 Jan 2026 00:00:09 -0000", "Date": DATE}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-3"}, None),
        ({}, None),
    ],
    ids=["seconds", "date", "past-date", "date-without-date", "date-without-zone", "word", "negative", "absent"],
)
def test_retry_after_is_read_in_both_forms(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds as they are, a date counted from the server's own Date; nonsense is as good as nothing."""
    assert failure_of(GET, 429, headers, b"").retry_after_s == seconds


def test_the_status_object_may_ask_for_a_delay_too() -> None:
    """Without the header, details.retryAfterSeconds counts; with it, the header does."""
    body = json.dumps(status(503, retryAfterSeconds=4)).encode()
    assert failure_of(GET, 503, {}, body).retry_after_s == 4.0
    assert failure_of(GET, 503, {"Retry-After": "2"}, body).retry_after_s == 2.0
