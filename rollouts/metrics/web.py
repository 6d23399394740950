"""Anything that answers HTTP with JSON as a metric source, through one aiohttp session.

It speaks of the moment at which it is asked, whatever instant is wanted. No redirects, cookies, compression, proxies or
.netrc: what is asked is what the user wrote, and only where the reach policy lets it. Knows no Secret and logs nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from rollouts import __version__
from rollouts.api.provider import ProviderType
from rollouts.core.measurement import Outcome, Rejected, Unreachable
from rollouts.errors import SpecInvalid
from rollouts.metrics.access import Access
from rollouts.metrics.asked import Asked, OnAsked, came_of, nobody
from rollouts.metrics.pause import Pause
from rollouts.metrics.prometheus_answer import bounded
from rollouts.metrics.sharing import Sharing
from rollouts.metrics.web_answer import BODY_MAX, read_web_answer
from rollouts.metrics.web_query import WebQuery, read_web_query
from rollouts.reach.failures import explain
from rollouts.reach.policy import ReachPolicy
from rollouts.reach.sockets import socket_factory

_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": f"rollouts/{__version__}",
}


@dataclass(frozen=True, slots=True)
class WebOptions:
    """How patient a source is."""

    timeout_s: float = 5.0
    """From the first byte sent to the last one read."""
    in_flight: int = 8
    """Requests at a time; the others wait their turn."""

    @property
    def patience_s(self) -> float:
        """How long a caller waits at most, its turn included."""
        return 2 * self.timeout_s


_DEFAULTS = WebOptions()


class WebSource:
    """Implements `ports.MetricSource`. Make it on the event loop that it belongs to; close it with `aclose`."""

    def __init__(
        self, access: Access, reach: ReachPolicy, options: WebOptions = _DEFAULTS, *, on_asked: OnAsked = nobody
    ) -> None:
        """Raises SpecInvalid where the credentials are none."""
        parts = urlsplit(access.address)
        self._address, self._options = access.address, options
        self._name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._pause, self._sharing, self._on_asked = Pause(), Sharing[Outcome](), on_asked
        self._turns = asyncio.Semaphore(options.in_flight)
        tls = access.tls() if parts.scheme == "https" else True
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=tls,
                force_close=True,
                socket_factory=socket_factory(reach, parts.hostname or ""),
                use_dns_cache=False,
            ),
            headers={**_HEADERS, **access.sent()},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )
        # When to ask again is the engine's decision; there is no public way to say so.
        self._session._retry_connection = False  # noqa: SLF001

    async def measure(self, query: str, at: datetime) -> Outcome:  # noqa: ARG002 - JSON has no past
        """The one number in the answer to a WebQuery's text. The same question asked twice at a time is sent once."""
        try:
            wanted = read_web_query(query)
        except SpecInvalid as error:
            return Rejected(bounded(str(error)))
        try:
            async with asyncio.timeout(self._options.patience_s):
                outcome = await self._sharing.result(wanted, partial(self._ask, wanted))
        except TimeoutError:
            outcome = Unreachable(f"no answer within {self._options.patience_s:g} s")
        return Unreachable(bounded(f"{self._name}: {outcome.reason}")) if isinstance(outcome, Unreachable) else outcome

    async def aclose(self) -> None:
        """Ask nothing more, and close the connections."""
        await self._session.close()

    async def _ask(self, query: WebQuery) -> Outcome:
        async with self._turns:
            if self._session.closed:
                return Unreachable("it is not asked any more")
            # Those who waited for their turn wait no less for what the one before them was told.
            pause = self._pause.reason(_now_s())
            if pause:
                return Unreachable(pause)
            began_s = _now_s()
            outcome = await self._send(query)
            self._on_asked(Asked(ProviderType.WEB, came_of(outcome), _now_s() - began_s))
            return outcome

    async def _send(self, query: WebQuery) -> Outcome:
        asking = self._session.request(
            query.method,
            URL(self._address + query.path, encoded=True),
            data=query.body.encode() or None,
            headers={"Content-Type": "application/json"} if query.body else None,
            timeout=aiohttp.ClientTimeout(total=self._options.timeout_s, ceil_threshold=self._options.timeout_s + 1),
            allow_redirects=False,
        )
        try:
            async with asking as answer:
                self._pause.note(answer.status, answer.headers, _now_s())
                body = await _read(answer)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Unreachable(explain(error, timeout_s=self._options.timeout_s))
        return read_web_answer(answer.status, body, query.json_path)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """The body, or one byte more of it than is taken."""
    body = bytearray()
    while len(body) <= BODY_MAX and (piece := await answer.content.read(BODY_MAX + 1 - len(body))):
        body += piece
    return bytes(body)
