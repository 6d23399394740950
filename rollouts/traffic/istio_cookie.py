"""Cookies in Istio's words: the match that finds one in a request, and the Set-Cookie that gives or takes it.

Pure. Which value means which version is istio_shape.py's matter.
"""

from __future__ import annotations

import re

from rollouts.api.affinity import SessionAffinity
from rollouts.api.resources import Manifest

_BEFORE, _EQUALS, _AFTER = r"(.*;)?[ \t]*", "=", r"[ \t]*(;.*)?"
_MATCHED_NAME = re.compile(re.escape(_BEFORE) + r"((?:[-a-zA-Z0-9_]|\\.)+)" + _EQUALS)
_SPELLINGS = ("Set-Cookie", "set-cookie", "SET-COOKIE")
"""Case makes no difference to a header but tells two entries of one map apart."""


def match_cookie(name: str, value: str) -> Manifest:
    """The HTTPMatchRequest for requests that carry exactly this cookie, quoted or not, among any others.

    The expression is RE2's and holds for the whole header.
    """
    literal = _literally(value)
    regex = f'{_BEFORE}{_literally(name)}{_EQUALS}({literal}|"{literal}"){_AFTER}'
    return {"headers": {"cookie": {"regex": regex}}}


def matched_cookie(rule: Manifest) -> str | None:
    """The name of the cookie by which a rule matches, if match_cookie wrote it."""
    matches = rule.get("match") or [{}]
    cookies = (text for name, text in (matches[0].get("headers") or {}).items() if name.lower() == "cookie")
    found = _MATCHED_NAME.match((next(cookies, None) or {}).get("regex", ""))
    return re.sub(r"\\(.)", r"\1", found[1]) if found is not None else None


def set_cookie(affinity: SessionAffinity, name: str, value: str, max_age_s: int) -> str:
    """The Set-Cookie that gives a cookie to a client; with an age of 0 the client forgets it."""
    attributes = (
        f"Max-Age={max_age_s}",
        f"Domain={affinity.domain}" if affinity.domain else "",
        f"Path={affinity.path}" if affinity.path else "",
        "HttpOnly" if affinity.http_only else "",
        "Secure" if affinity.secure else "",
        f"SameSite={affinity.same_site}" if affinity.same_site else "",
        "Partitioned" if affinity.partitioned else "",
    )
    text = "; ".join([f"{name}={value}", *filter(None, attributes)])
    # Envoy reads a percent sign as the start of a command.
    return text.replace("%", "%%")


def with_cookie(route: Manifest, cookie: str, ours: frozenset[str]) -> Manifest:
    """The destination with this Set-Cookie in its answers and none else for cookies of `ours`; "" for none at all.

    It is added: Set-Cookies of the application, and those that others wrote here, stay.
    """
    headers = route.get("headers") or {}
    response = headers.get("response") or {}
    known = response.get("add") or {}
    mine = {key: text for key, text in known.items() if key.lower() == "set-cookie" and _name(text) in ours}
    if list(mine.values()) == ([cookie] if cookie else []):
        return route
    kept = {key: text for key, text in known.items() if key not in mine}
    key = next((key for key in (*mine, *_SPELLINGS) if key not in kept), _SPELLINGS[-1])
    added = kept | ({key: cookie} if cookie else {})
    return _put(route, "headers", _put(headers, "response", _put(response, "add", added)))


def _literally(text: str) -> str:
    """The expression for just this text. A dash means itself outside of brackets."""
    return re.escape(text).replace(r"\-", "-")


def _name(text: str) -> str:
    return text.partition("=")[0].strip()


def _put(parent: Manifest, key: str, value: Manifest) -> Manifest:
    """The parent with that value, or without the key if the value is empty."""
    rest = {name: known for name, known in parent.items() if name != key}
    return rest | {key: value} if value else rest
