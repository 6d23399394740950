from __future__ import annotations

import re

import pytest

from rollouts.api.affinity import SessionAffinity
from rollouts.traffic.istio_cookie import match_cookie, matched_cookie, set_cookie, with_cookie

OURS = frozenset({"app.canary", "app-primary"})
GIVEN, GIVEN_LATER, TO_PRIMARY = "app.canary=a1; Max-Age=60", "app.canary=b2; Max-Age=60", "app-primary=a1-10"


def _matches(header: str) -> bool:
    """As Envoy does it: the whole header. These expressions mean the same to RE2 and to Python."""
    regex = match_cookie("app.canary", "a1.b+c")["headers"]["cookie"]["regex"]
    return re.fullmatch(regex, header) is not None


@pytest.mark.parametrize(
    "header",
    [
        "app.canary=a1.b+c",
        'app.canary="a1.b+c"',
        "app.canary=a1.b+c; other=1",
        "app.canary=a1.b+c;other=1",
        "other=1; app.canary=a1.b+c",
        "other=1;app.canary=a1.b+c",
        'other="x"; app.canary="a1.b+c"; third=3',
        "a=; app.canary=a1.b+c ; b",
        " app.canary=a1.b+c ",
        "app.canary=old; app.canary=a1.b+c",
        "my-app.canary=a1.b+c; app.canary=a1.b+c",
    ],
)
def test_the_cookie_is_found_wherever_it_stands(header: str) -> None:
    """First, in the middle, last, alone, quoted or twice."""
    assert _matches(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "app.canary",
        "app.canary=",
        "app.canary=a1.b+cd",
        "app.canary=xa1.b+c",
        "app.canary=a1xb+c",
        "app.canary=a1.bbc",
        "app.canary=A1.B+C",
        "appxcanary=a1.b+c",
        "App.Canary=a1.b+c",
        "my-app.canary=a1.b+c",
        "myapp.canary=a1.b+c; other=1",
        "app.canary.old=a1.b+c",
        "other=app.canary=a1.b+c",
        "other=1 app.canary=a1.b+c",
        "other=1, app.canary=a1.b+c",
        'app.canary="a1.b+c',
        'app.canary=a1.b+c"',
        "app.canary=old; other=a1.b+c",
        "app.canary =a1.b+c",
    ],
)
def test_other_cookies_are_not_taken_for_it(header: str) -> None:
    """Neither a longer or shorter name or value, nor one that only contains it."""
    assert not _matches(header)


def test_the_name_is_read_back_from_the_match() -> None:
    """So that cookies of ours are known after the spec has changed; other matches tell nothing."""
    assert matched_cookie({"match": [match_cookie("app.ca_n-ary", "a=b")]}) == "app.ca_n-ary"
    assert matched_cookie({"match": [{"headers": {"cookie": {"regex": ".*app=1.*"}}}]}) is None
    assert matched_cookie({"match": [{"headers": {"cookie": {"exact": "app=1"}}}]}) is None
    assert matched_cookie({"name": "theirs"}) is None


def test_a_percent_sign_is_no_command_to_envoy() -> None:
    """In a header's value it begins one; twice, it is itself."""
    affinity = SessionAffinity.model_validate({"cookieName": "c", "path": "/a%20b"})
    assert set_cookie(affinity, "c", "1", 60) == "c=1; Max-Age=60; Path=/a%%20b"


@pytest.mark.parametrize(
    ("headers", "cookie", "expected"),
    [
        pytest.param({}, GIVEN, {"response": {"add": {"Set-Cookie": GIVEN}}}, id="none yet"),
        pytest.param({"response": {"add": {"Set-Cookie": GIVEN}}}, "", {}, id="taken out with what held it"),
        pytest.param(
            {"request": {"set": {"a": "1"}}, "response": {"add": {"b": "2", "Set-Cookie": GIVEN}, "remove": ["c"]}},
            "",
            {"request": {"set": {"a": "1"}}, "response": {"add": {"b": "2"}, "remove": ["c"]}},
            id="taken out from among others",
        ),
        pytest.param(
            {"response": {"add": {"set-cookie": TO_PRIMARY}}},
            GIVEN_LATER,
            {"response": {"add": {"set-cookie": GIVEN_LATER}}},
            id="another in its place",
        ),
        pytest.param(
            {"response": {"add": {"Set-Cookie": "theirs=1"}}},
            GIVEN,
            {"response": {"add": {"Set-Cookie": "theirs=1", "set-cookie": GIVEN}}},
            id="beside another's",
        ),
        pytest.param(
            {"response": {"add": {"Set-Cookie": "theirs=1", "set-cookie": GIVEN}}},
            "",
            {"response": {"add": {"Set-Cookie": "theirs=1"}}},
            id="another's stays",
        ),
        pytest.param(
            {"response": {"add": {"Set-Cookie": GIVEN, "set-cookie": GIVEN}}},
            GIVEN,
            {"response": {"add": {"Set-Cookie": GIVEN}}},
            id="twice",
        ),
    ],
)
def test_set_cookie_is_written_among_the_headers_of_others(
    headers: dict[str, object], cookie: str, expected: dict[str, object]
) -> None:
    """Only cookies of ours come and go; once written, nothing is left to write."""
    changed = with_cookie({"destination": {"host": "a"}, "headers": headers}, cookie, OURS)
    assert changed == {"destination": {"host": "a"}} | ({"headers": expected} if expected else {})
    assert with_cookie(changed, cookie, OURS) == changed


def test_where_nothing_is_to_be_written_empty_fields_of_others_stay() -> None:
    """They are no difference."""
    route = {"destination": {"host": "a"}, "headers": {"response": {}}}
    assert with_cookie(route, "", OURS) == route
