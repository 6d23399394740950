"""Requests over one kubernetes_asyncio client: every timeout set, every status checked, every answer released.

Errors leave here as ours alone. It knows no kinds, keeps no objects and repeats nothing: who asks decides that.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from aiohttp import ClientResponse, ClientTimeout
from kubernetes_asyncio.client import ApiClient
from kubernetes_asyncio.client.exceptions import ApiException

from rollouts.api.resources import Manifest
from rollouts.kube.clock import ServerTime
from rollouts.kube.comeback import Comeback
from rollouts.kube.connection import keep_alive, our_errors, unavailable
from rollouts.kube.failures import failure_of
from rollouts.kube.lines import LineSplitter
from rollouts.kube.requests import Request
from rollouts.reach.retry_after import http_date

OnAnswer = Callable[[Request, int, float], None]
"""Told of each request once: the request, the HTTP status, or 0 where no answer came, and after how many seconds."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds, for a connection and for a whole answer."""

    connect_s: float = 5.0
    total_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Response:
    """A 2xx answer, read to its end."""

    request: Request
    status: int
    body: bytes = field(repr=False)

    def manifest(self) -> Manifest:
        """The body as a JSON object. Raises Unavailable if it is none: then it was not the API server that spoke."""
        try:
            told = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise unavailable(self.request, "the answer is not JSON") from error
        if not isinstance(told, dict):
            raise unavailable(self.request, "the answer is not an object")
        return told


class Transport:
    """Sends Requests to one API server. Close it when done; it owns the client."""

    def __init__(
        self,
        client: ApiClient,
        *,
        monotonic: Callable[[], float],
        timeouts: Timeouts = Timeouts(),
        on_answer: OnAnswer = lambda _request, _status, _seconds: None,
    ) -> None:
        self._client = client
        self._monotonic = monotonic
        self._timeouts = timeouts
        self._on_answer = on_answer
        self.comeback = Comeback()
        """Of the API server, for whoever could not reach it."""
        self.server_time: ServerTime | None = None
        """The newest Date header seen; None before the first answer."""
        self._date = ""
        """That header itself: for a second all answers have the same."""

    @property
    def client(self) -> ApiClient:
        """Whose it is."""
        return self._client

    async def send(self, request: Request) -> Response:
        """The whole answer. Raises a KubeError for anything but 2xx; then the effect of a write may be unknown."""
        limits = ClientTimeout(
            total=self._timeouts.total_s, connect=self._timeouts.connect_s, sock_connect=self._timeouts.connect_s
        )
        async with self._answer(request, limits) as answer:
            with our_errors(request):
                body = await answer.read()
        return Response(request, answer.status, body)

    @asynccontextmanager
    async def stream(self, request: Request, *, silence_limit_s: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """Lines as they come, once the server has accepted; ends where the server ends.

        A connection that is silent for `silence_limit_s` counts as dead. A torn last line is handed out too.
        Raises KubeError, both on entering and between lines.
        """
        connect_s = self._timeouts.connect_s
        limits = ClientTimeout(total=None, connect=connect_s, sock_connect=connect_s, sock_read=silence_limit_s)
        async with self._answer(request, limits) as answer:
            keep_alive(answer)
            async with aclosing(_lines(request, answer)) as lines:
                yield lines

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    @asynccontextmanager
    async def _answer(self, request: Request, limits: ClientTimeout) -> AsyncIterator[ClientResponse]:
        status, began_s = 0, self._monotonic()
        try:
            with our_errors(request):
                answer = await self._call(request, limits)
            status = answer.status
        finally:
            self._on_answer(request, status, self._monotonic() - began_s)
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self.comeback.answered()
        async with answer:
            self._note_time(answer)
            if not 200 <= answer.status < 300:
                with our_errors(request):
                    body = await answer.read()
                raise failure_of(request, answer.status, answer.headers, body)
            yield answer

    async def _call(self, request: Request, limits: ClientTimeout) -> ClientResponse:
        """As the library's `call_api`, which goes through all of a body to turn models into JSON: ours is JSON."""
        client, headers, query = self._client, dict(request.headers), list(request.query)
        headers |= client.default_headers
        try:
            await client.update_params_for_auth(headers, query, ["BearerToken"])
            answer = await client.rest_client.request(
                request.method,
                f"{client.configuration.host}{request.path}",
                query_params=dict(query),
                headers=headers,
                body=request.body,
                _preload_content=False,
                _request_timeout=limits,
            )
        except ApiException as error:  # some versions check the status themselves, others never do
            raise failure_of(request, error.status, error.headers or {}, _bytes(error.body)) from error
        assert isinstance(answer, ClientResponse)  # noqa: S101 - what _preload_content=False promises
        return answer

    def _note_time(self, answer: ClientResponse) -> None:
        told, known = answer.headers.get("Date", ""), self.server_time
        at = known.at if known is not None and told == self._date else http_date(told)
        if at is not None:
            self._date, self.server_time = told, ServerTime(at, self._monotonic())


async def _lines(request: Request, answer: ClientResponse) -> AsyncGenerator[bytes, None]:
    splitter = LineSplitter()
    with our_errors(request):
        async for piece in answer.content.iter_any():
            for line in splitter.feed(piece):
                yield line
    torn = splitter.flush()
    if torn:
        yield torn


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""
