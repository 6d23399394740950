"""One attempt over HTTP, and what its end means. Each has a connection of its own, only to where the reach policy lets
it, and follows no redirect.

Reasons end in Events and conditions: they hold the host at the most, and whatever secret a service sends back, the
path of a webhook's URL among them, is cut out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

import aiohttp

from rollouts import __version__
from rollouts.hooks.answer import REDACTED, Answered, Attempt, Silent, asked_pause_s, may_mend, one_line, receiver_of
from rollouts.hooks.failures import silence_of
from rollouts.hooks.http import read_start
from rollouts.notify.letter import Letter
from rollouts.ports import Clock, Delivered, Destination, Undelivered
from rollouts.reach.policy import ReachPolicy
from rollouts.reach.sockets import socket_factory

JSON_TYPE = "application/json; charset=utf-8"
_SECRET_LEAST = 6
"""Characters of what is taken for secret."""
_WORD_MAX = 12
"""A part of a URL with no more letters, all small, is a word such as `services` or `messages`."""


class Post(Protocol):
    """Sends one POST to a service."""

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str], letter: Letter) -> Attempt:
        """How it ended. Never raises for the service's sake."""
        ...


class HttpPost:
    """Implements `Post`: a session for each attempt, since sockets of a session are judged for one host alone."""

    def __init__(self, clock: Clock, reach: ReachPolicy) -> None:
        self._clock = clock
        self._reach = reach
        self._closed = False

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str], letter: Letter) -> Attempt:
        """As the protocol says."""
        if self._closed:
            return Silent("the controller is stopping", lasting=True)
        timeout_s, proxy = letter.spec.timeout_s, letter.spec.proxy
        try:
            async with self._session(proxy or url) as session:
                calling = session.post(
                    url, data=body, headers=headers, timeout=aiohttp.ClientTimeout(total=timeout_s),
                    allow_redirects=False, proxy=proxy,
                )  # fmt: skip
                async with calling as answer:
                    start = await read_start(answer)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return silence_of(error, timeout_s=timeout_s)
        return Answered(answer.status, start, asked_pause_s(answer.headers.get("Retry-After", ""), self._clock.now()))

    def close(self) -> None:
        """Send nothing any more."""
        self._closed = True

    def _session(self, url: str) -> aiohttp.ClientSession:
        """What speaks with the host of that URL alone."""
        sockets = socket_factory(self._reach, urlsplit(url).hostname or "")
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True, socket_factory=sockets, use_dns_cache=False),
            headers={"Accept-Encoding": "identity", "User-Agent": f"rollouts/{__version__}"},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )


async def post_json(post: Post, letter: Letter, payload: Any, url: str = "", **headers: str) -> Attempt:
    """Send `payload` to the letter's address, or to `url`; keys of `headers` are written with underscores."""
    wanted = {name.replace("_", "-"): value for name, value in headers.items()}
    known_as = {"Idempotency-Key": letter.notification.id}
    body = json.dumps(payload, ensure_ascii=False).encode(errors="replace")
    return await post(url or letter.address, body, {"Content-Type": JSON_TYPE, **known_as, **wanted}, letter)


def told_by_status(attempt: Attempt, letter: Letter, url: str = "") -> Delivered | Undelivered:
    """What an attempt means where the HTTP status says it all: 2xx is delivered."""
    match attempt:
        case Answered(status) if 200 <= status < 300:
            return Delivered()
        case Answered(status, body, asked_s):
            said = f"HTTP {status}: {redacted(body.decode(errors='replace'), letter.to)}".rstrip(": ")
            return Undelivered(one_line(said), asked_s, lasting=not may_mend(attempt))
        case Silent(reason, lasting):
            where = receiver_of(url or letter.address)
            return Undelivered(one_line(f"{where}: {reason}"), lasting=lasting)


def with_query(url: str, **more: str) -> str:
    """The URL with these parameters, in place of its own of the same names."""
    split = urlsplit(url)
    query = {**dict(parse_qsl(split.query, keep_blank_values=True)), **more}
    return urlunsplit(split._replace(query=urlencode(query)))


def redacted(text: str, to: Destination) -> str:
    """A text without anything that the destination's secrets hold."""
    for secret in sorted(set(_secrets(to)), key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    return text


def _secrets(to: Destination) -> Iterator[str]:
    values = [*to.secret.values(), *to.headers.values()]
    if to.signing_key is not None:
        values.append(to.signing_key.decode(errors="replace"))
    for value in values:
        stripped = value.strip()
        yield from (part for part in {stripped, *stripped.split()} if len(part) >= _SECRET_LEAST)
        if "://" in stripped:
            yield from (part for part in _parts(stripped) if len(part) >= _SECRET_LEAST and not _is_word(part))


def _parts(url: str) -> Iterator[str]:
    """What of a URL lets its holder post: its path, each part of that, and the values of its query."""
    try:
        split = urlsplit(url)
    except ValueError:
        return
    for path in (split.path, unquote(split.path)):
        yield path
        yield from path.split("/")
    yield split.query
    yield from (value for _, value in parse_qsl(split.query))


def _is_word(part: str) -> bool:
    return len(part) <= _WORD_MAX and part.isascii() and part.isalpha() and part.islower()
