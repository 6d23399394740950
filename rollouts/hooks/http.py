"""Webhooks over HTTP: implements `ports.Hooks` with aiohttp.

Each attempt has a connection of its own, since a receiver that has closed a kept one meanwhile can't be told from one
that broke off a call; and a session, since sockets are judged by the reach policy for one host alone. No redirects,
cookies, proxies or .netrc: what is called is what the user wrote. It logs nothing.
"""

from __future__ import annotations

import json
from functools import partial
from random import Random
from urllib.parse import urlsplit

import aiohttp

from rollouts import __version__
from rollouts.core.measurement import HookOutcome
from rollouts.hooks.answer import Answered, Attempt, Silent, asked_pause_s, outcome_of
from rollouts.hooks.failures import silence_of
from rollouts.hooks.persist import persist
from rollouts.hooks.signature import signature_headers
from rollouts.ports import Clock, HookRequest
from rollouts.reach.policy import ReachPolicy
from rollouts.reach.sockets import socket_factory

BODY_LIMIT = 64 * 1024
"""Bytes of an answer that are read."""
_HEADERS = {
    "Content-Type": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": f"rollouts/{__version__}",
}


class HttpHooks:
    """Calls receivers. `aclose` ends that."""

    def __init__(self, clock: Clock, random: Random, reach: ReachPolicy) -> None:
        self._clock = clock
        self._random = random
        self._reach = reach
        self._closed = False

    async def call(self, request: HookRequest) -> HookOutcome:
        """What the receiver says, as the port has it. All attempts carry the same bytes and the same id."""
        body = json.dumps(request.payload).encode()
        known_as = request.payload.get("id") or f"msg_{self._random.getrandbits(128):032x}"
        attempt = partial(self._attempt, request, body, known_as)
        return outcome_of(await persist(attempt, request, self._clock, self._random), request)

    async def aclose(self) -> None:
        """Call nobody any more."""
        self._closed = True

    async def _attempt(self, request: HookRequest, body: bytes, known_as: str) -> Attempt:
        if self._closed:
            return Silent("the controller is stopping", lasting=True)
        try:
            async with self._session(request.url) as session:
                calling = session.post(
                    request.url,
                    data=body,
                    headers=self._headers(request, body, known_as),
                    timeout=aiohttp.ClientTimeout(total=request.timeout_s),
                    allow_redirects=False,
                    ssl=request.verify_tls,
                )
                async with calling as answer:
                    start = await read_start(answer)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return silence_of(error, timeout_s=request.timeout_s)
        asked_s = asked_pause_s(answer.headers.get("Retry-After", ""), self._clock.now())
        return Answered(answer.status, start, asked_s)

    def _session(self, url: str) -> aiohttp.ClientSession:
        """What speaks with the host of that URL alone. Raises ValueError for what is no URL."""
        sockets = socket_factory(self._reach, urlsplit(url).hostname or "")
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True, socket_factory=sockets, use_dns_cache=False),
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )

    def _headers(self, request: HookRequest, body: bytes, known_as: str) -> dict[str, str]:
        headers = dict(request.headers)
        if request.payload.get("id"):
            headers["Idempotency-Key"] = known_as
        if request.signing_key is not None:
            headers |= signature_headers(request.signing_key, message_id=known_as, at=self._clock.now(), body=body)
        return headers


async def read_start(answer: aiohttp.ClientResponse) -> bytes:
    """The beginning of the body. One that is torn or too slow changes nothing: the status has been said."""
    start = bytearray()
    try:
        while len(start) < BODY_LIMIT and (piece := await answer.content.read(BODY_LIMIT - len(start))):
            start += piece
    except (aiohttp.ClientError, OSError):
        pass
    return bytes(start)
