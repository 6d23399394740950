"""Who sends the requests: a handful of people with their browsers, some of whom a release may be tried on first.

Each keeps the cookies that it is given, so that session affinity holds here as it does in a real browser.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rollouts.api.resources import Manifest
from rollouts.demo.matching import Request

COUNT = 40
INSIDER_HEADER = ("x-canary", "insider")
"""What a tenth of them send, as in the project's examples."""


@dataclass(slots=True)
class User:
    """One of them. `cookies` are what the browser keeps."""

    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def request(self, host: str) -> Request:
        """The next request."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return Request(host, headers={**self.headers, **({"cookie": cookies} if cookies else {})})

    def note_cookies(self, destination: Manifest) -> None:
        """Keep what the route adds to answers from there; one with an age of 0 is forgotten."""
        for text in _set_cookies(destination):
            pair, *attributes = (part.strip() for part in text.replace("%%", "%").split(";"))
            name, _, value = pair.partition("=")
            if any(attribute.lower() == "max-age=0" for attribute in attributes):
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value


def make_users(count: int = COUNT) -> list[User]:
    """That many; every tenth is an insider."""
    return [User(dict([INSIDER_HEADER]) if index % 10 == 0 else {}) for index in range(count)]


def _set_cookies(destination: Manifest) -> Iterable[str]:
    response = (destination.get("headers") or {}).get("response") or {}
    added = {**(response.get("set") or {}), **(response.get("add") or {})}
    return (str(text) for name, text in added.items() if name.lower() == "set-cookie")
