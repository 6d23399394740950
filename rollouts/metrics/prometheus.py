"""Prometheus as a metric source, through prometheus-api-client: the only module that knows this client.

The client blocks, so queries go through threads (flights.py), and its time-outs are shorter than any caller's patience.
It says little of what came back (no status, no warnings), so the response itself is kept and read in
prometheus_answer.py. Its retries are off: when to try again is the engine's decision. Nothing here knows what a query
is about.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util.retry import Retry

from rollouts.core.measurement import Outcome, Unreachable
from rollouts.errors import SpecInvalid
from rollouts.metrics.flights import Flights
from rollouts.metrics.prometheus_answer import Answer, bounded, read_answer


@dataclass(frozen=True, slots=True)
class PrometheusOptions:
    """How a Prometheus is asked. Proxies, .netrc and CA settings of the environment play no part."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with each query, say Authorization."""
    ca_file: str = ""
    """CA certificates to trust instead of the usual ones."""
    connect_timeout_s: float = 2.0
    read_timeout_s: float = 5.0
    """The longest silence while waiting for an answer; Prometheus is told to give the evaluation up then."""
    workers: int = 8
    """Queries in flight at most."""

    @property
    def patience_s(self) -> float:
        """How long a caller waits at most, the queue for a thread included."""
        return 2 * (self.connect_timeout_s + self.read_timeout_s)


@dataclass(frozen=True, slots=True)
class QueryReport:
    """One query that was really sent, for whoever counts them."""

    answer: Answer
    seconds: float | None = None
    """Until the answer began; None if none came."""


_DEFAULTS = PrometheusOptions()


class PrometheusSource:
    """Implements `ports.MetricSource`. Belongs to one event loop; close it with `aclose`."""

    def __init__(
        self,
        url: str,
        options: PrometheusOptions = _DEFAULTS,
        *,
        on_query: Callable[[QueryReport], None] = lambda _: None,
    ) -> None:
        """`on_query` is called on the event loop after each query. Raises SpecInvalid for what is no HTTP URL."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SpecInvalid("the URL of Prometheus must be http://host[:port][/path], or https")
        # What people are told of it: never the user and password that a URL may hold.
        self._name = f"Prometheus at {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        self._patience_s = options.patience_s
        self._connections = tuple(_Connection(url.rstrip("/"), options) for _ in range(options.workers))
        # The one used last is taken first: its socket is open.
        self._idle: queue.LifoQueue[_Connection] = queue.LifoQueue()
        for connection in self._connections:
            self._idle.put(connection)
        self._flights = Flights(threads=options.workers, patience_s=self._patience_s, on_landed=on_query)

    async def measure(self, query: str, at: datetime) -> Outcome:
        """The query's one value at one instant. The same question asked twice at a time is sent once."""
        time = f"{at.timestamp():.3f}"
        report = await self._flights.result((query, time), partial(self._ask, query, time))
        outcome = Unreachable(f"no answer within {self._patience_s:g} s") if report is None else report.answer.outcome
        return Unreachable(bounded(f"{self._name}: {outcome.reason}")) if isinstance(outcome, Unreachable) else outcome

    async def aclose(self) -> None:
        """Send nothing more, wait for what is in flight, close the connections."""
        await self._flights.aclose()
        for connection in self._connections:
            connection.close()

    def _ask(self, query: str, time: str) -> QueryReport:
        """In a thread. There are as many connections as threads, so one is always idle."""
        connection = self._idle.get_nowait()
        try:
            return connection.ask(query, time)
        finally:
            self._idle.put(connection)


class _Connection:
    """A client of one Prometheus, used by one thread at a time."""

    def __init__(self, url: str, options: PrometheusOptions) -> None:
        self._options = options
        self._responses: list[requests.Response] = []
        session = requests.Session()
        session.trust_env = False
        session.verify = options.ca_file or True
        session.hooks["response"].append(self._keep)
        self._client = PrometheusConnect(
            url,
            headers=dict(options.headers),
            session=session,
            retry=Retry(total=0, respect_retry_after_header=False),
            timeout=(options.connect_timeout_s, options.read_timeout_s),
        )

    def ask(self, query: str, time: str) -> QueryReport:
        """Send one query and read what comes back."""
        self._responses.clear()
        try:
            self._client.custom_query(query, params={"time": time, "timeout": f"{self._options.read_timeout_s:g}s"})
        except (PrometheusApiClientException, requests.JSONDecodeError):
            pass  # Not a 200, or not JSON: the response says it better.
        except (AttributeError, KeyError, TypeError, RecursionError):
            pass  # JSON of another shape than the client takes for granted.
        except OSError as error:
            return QueryReport(Answer(Unreachable(_describe(error, self._options))))
        response = self._responses[-1]
        return QueryReport(read_answer(response.status_code, response.content), response.elapsed.total_seconds())

    def close(self) -> None:
        """Close the socket."""
        self._client.close()

    def _keep(self, response: requests.Response, **_: object) -> None:
        self._responses.append(response)


def _describe(error: OSError, options: PrometheusOptions) -> str:
    """What went wrong on the way. Never the library's own text: it holds the URL, and with it perhaps a password."""
    cause = _root_cause(error)
    match error:
        case requests.ConnectTimeout():
            return f"no connection within {options.connect_timeout_s:g} s"
        case requests.ConnectionError() if isinstance(cause, TimeoutError):
            return f"no answer within {options.read_timeout_s:g} s"
        case requests.exceptions.SSLError():
            return bounded(f"TLS: {cause}")
        case requests.ConnectionError() | requests.exceptions.ChunkedEncodingError():
            return bounded(f"connection failed: {cause}")
        case _:
            return f"request failed: {type(error).__name__}"


def _root_cause(error: BaseException) -> BaseException:
    """The innermost error: libraries wrap it by chaining or as an argument."""
    for _ in range(8):
        wrapped = next((argument for argument in error.args if isinstance(argument, BaseException)), None)
        deeper = error.__cause__ or error.__context__ or wrapped
        if deeper is None:
            break
        error = deeper
    return error
