"""The load client: an open loop at a fixed rate over one URL, and the records of all its requests.

It knows when to send and keeps what came of it; connections are the pool's business, figures
aggregate.py's. No names are resolved: the URL carries an address, so that no resolver's time is
measured.
"""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from e2e.lab.load.aggregate import Answerer, Summary, by_version
from e2e.lab.load.call import Call
from e2e.lab.load.http1 import Response
from e2e.lab.load.pool import Pool
from e2e.lab.load.record import Ending, Record
from e2e.lab.load.target import Headers, Target, read_target, request_renderer

BURST_MAX = 64


class LoadClient:
    """Sends GET requests at a fixed rate while it is started; use as an async context manager.

    `headers` is a mapping for all requests, or a function from a request's number (0, 1, ...) to
    its headers; `host` among them replaces the URL's. With `connection: close` each has a
    connection of its own. A request without a whole answer `timeout_s` after it was due fails as
    `timeout`. Raises ValueError for a URL that is not http://ADDRESS[:PORT][/PATH] and for a rate
    that is not above 0.
    """

    def __init__(
        self,
        url: str | Target,
        *,
        rate_per_s: float,
        headers: Headers | Callable[[int], Headers] | None = None,
        timeout_s: float = 10.0,
        connections_max: int = 512,
    ) -> None:
        """Open nothing yet."""
        if not rate_per_s > 0:
            message = f"the rate must lie above 0, is {rate_per_s}"
            raise ValueError(message)
        target = read_target(url) if isinstance(url, str) else url
        self._render = request_renderer(target, headers or {})
        self._rate_per_s = rate_per_s
        self._timeout_s = timeout_s
        self._pool = Pool(self, target, connections_max=connections_max)
        self._pending: set[Call] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._names: dict[bytes, str] = {b"": ""}
        self._sender: asyncio.Task[None] | None = None
        self._epoch_s = 0.0
        self.records: list[Record] = []
        """Every request that is over, in the order of their ends."""
        self.sent = 0
        """How many requests were due so far."""

    async def __aenter__(self) -> Self:
        """Be ready to start."""
        self._epoch_s = time.time() - asyncio.get_running_loop().time()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop at once; what is still under way is recorded as cancelled."""
        await self._stop_sending()
        for call in tuple(self._pending):
            self.failed(call, "cancelled")
        await self._pool.close()

    def start(self, duration_s: float | None = None) -> None:
        """Begin to send, the first request now; for so long, or until stopped. Once at a time."""
        if self._sender is not None and not self._sender.done():
            message = "the load client is sending already"
            raise RuntimeError(message)
        total = None if duration_s is None else round(duration_s * self._rate_per_s)
        self._sender = asyncio.get_running_loop().create_task(self._send(total))

    async def finish(self) -> None:
        """Wait until all is sent (needs a duration) and each request is over."""
        if self._sender is not None:
            await self._sender
        await self._quiet.wait()

    async def stop(self) -> None:
        """Send no more and wait until each request is over, at most the timeout."""
        await self._stop_sending()
        await self._quiet.wait()

    def last_seconds(self, seconds: float) -> dict[Answerer, Summary]:
        """The figures, by who answered, of the requests that ended in the last seconds."""
        since_s = self._epoch_s + asyncio.get_running_loop().time() - seconds
        at = len(self.records)
        while at > 0 and self.records[at - 1].done_at_s >= since_s:
            at -= 1
        return by_version(self.records[at:])

    def answered(self, call: Call, response: Response) -> None:
        """Record an answer; for the pool."""
        name, headers = self._name, response.headers
        ending = Ending(
            status=response.status,
            version=name(headers.get(b"x-version", b"")),
            workload=name(headers.get(b"x-workload", b"")),
            pod=name(headers.get(b"x-pod", b"")),
        )
        self._record(call, ending)

    def failed(self, call: Call, error: str) -> None:
        """Record a failure; for the pool."""
        self._record(call, Ending(error=error))

    async def _send(self, total: int | None) -> None:
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        number = 0
        while total is None or number < total:
            await asyncio.sleep(max(0.0, start_s + number / self._rate_per_s - loop.time()))
            # Late by more than one: catch up, but let answers in now and then.
            for _ in range(BURST_MAX):
                due_s = start_s + number / self._rate_per_s
                if due_s > loop.time() or number == total:
                    break
                self._dispatch(due_s)
                number += 1

    def _dispatch(self, due_s: float) -> None:
        call = Call(self._render(self.sent), due_s)
        call.timer = asyncio.get_running_loop().call_at(due_s + self._timeout_s, self._expire, call)
        self.sent += 1
        self._pending.add(call)
        self._quiet.clear()
        self._pool.send(call)

    def _expire(self, call: Call) -> None:
        self._record(call, Ending(error="timeout"))
        self._pool.drop(call)

    def _record(self, call: Call, ending: Ending) -> None:
        """Keep how a call ended; only its first end counts."""
        if call.done:
            return
        call.done = True
        if call.timer is not None:
            call.timer.cancel()
        now_s = asyncio.get_running_loop().time()
        self.records.append(call.record(ending, now_s=now_s, epoch_s=self._epoch_s))
        self._pending.discard(call)
        if not self._pending:
            self._quiet.set()

    async def _stop_sending(self) -> None:
        if self._sender is None:
            return
        self._sender.cancel()
        await asyncio.wait([self._sender])
        if not self._sender.cancelled():
            self._sender.result()

    def _name(self, value: bytes) -> str:
        """The same string object for the same value: there are few names and many records."""
        known = self._names.get(value)
        if known is None:
            known = self._names[value] = value.decode("latin-1")
        return known
