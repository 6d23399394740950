"""Prometheus as a metric source, through prometheus-api-client: the only module that knows this client.

The client blocks, so queries go through threads (flights.py), and its time-outs are shorter than any caller's patience.
It says little of what came back (no status, no warnings), so the response itself is kept and read in
prometheus_answer.py. Its retries are off: when to try again is the engine's decision. Nothing here knows what a query
is about; how to get in is told by prometheus_options.py.
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from requests.auth import HTTPBasicAuth
from requests.utils import get_auth_from_url
from urllib3.util.retry import Retry

from rollouts.api.provider import ProviderType
from rollouts.core.measurement import Outcome, Unreachable
from rollouts.errors import SpecInvalid
from rollouts.metrics.asked import Asked, OnAsked, came_of
from rollouts.metrics.flights import Flights
from rollouts.metrics.pause import Pause
from rollouts.metrics.prometheus_answer import Answer, Rows, bounded, read_answer, read_rows
from rollouts.metrics.prometheus_options import Credentials, CredentialsMissing, PrometheusOptions


@dataclass(frozen=True, slots=True)
class QueryReport:
    """One query, for whoever counts them."""

    answer: Answer | Rows
    seconds: float | None = None
    """Until the answer began; None if none came."""
    took_s: float | None = None
    """Until it was read, or given up; None where nothing was sent."""
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


Read = Callable[[int, bytes], Answer | Rows]
"""What a status and a body mean."""
_URL_MAX = 4096
"""Characters of a URL that any proxy on the way lets pass; what is longer goes in the body of a POST."""
_DEFAULTS = PrometheusOptions()


class PrometheusSource:
    """Implements `ports.MetricSource` and `grouping.RowSource`. Belongs to one event loop; close it with `aclose`."""

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
        self._pause = Pause()
        self._connections = tuple(_Connection(url.rstrip("/"), options) for _ in range(options.workers))
        # The one used last is taken first: its socket is open.
        self._idle: queue.LifoQueue[_Connection] = queue.LifoQueue()
        for connection in self._connections:
            self._idle.put(connection)
        self._flights = Flights(threads=options.workers, patience_s=self._patience_s, on_landed=on_query)

    async def measure(self, query: str, at: datetime) -> Outcome:
        """The query's one value at one instant. The same question asked twice at a time is sent once."""
        time = f"{at.timestamp():.3f}"
        report = await self._flights.result((query, time, "one"), self._asking(query, time, read_answer))
        if report is None or not isinstance(report.answer, Answer):
            return self._late()
        outcome = report.answer.outcome
        return self._named(outcome) if isinstance(outcome, Unreachable) else outcome

    async def rows(self, query: str, at: datetime) -> Rows:
        """All series of the query at one instant, or what a range selector gives, with the scrapes' own times."""
        time = f"{at.timestamp():.3f}"
        report = await self._flights.result((query, time, "rows"), self._asking(query, time, read_rows))
        if report is None or not isinstance(report.answer, Rows):
            return Rows(failure=self._late())
        failure = report.answer.failure
        return (
            replace(report.answer, failure=self._named(failure)) if isinstance(failure, Unreachable) else report.answer
        )

    async def aclose(self) -> None:
        """Send nothing more, wait for what is in flight, close the connections."""
        await self._flights.aclose()
        for connection in self._connections:
            connection.close()

    def _late(self) -> Unreachable:
        return self._named(Unreachable(f"no answer within {self._patience_s:g} s"))

    def _named(self, failure: Unreachable) -> Unreachable:
        return Unreachable(bounded(f"{self._name}: {failure.reason}"))

    def _asking(self, query: str, time: str, read: Read) -> Callable[[], QueryReport]:
        return partial(self._ask, query, time, read, asyncio.get_running_loop().time)

    def _ask(self, query: str, time: str, read: Read, now_s: Callable[[], float]) -> QueryReport:
        """In a thread. There are as many connections as threads, so one is always idle."""
        if pause := self._pause.reason(now_s()):
            return _unsent(read, pause)
        connection, began_s = self._idle.get_nowait(), now_s()
        try:
            report = connection.ask(query, time, read)
        except CredentialsMissing as missing:
            return _unsent(read, str(missing))
        finally:
            self._idle.put(connection)
        self._pause.note(report.status, report.headers, now_s())
        return replace(report, took_s=now_s() - began_s)


class _Connection:
    """A client of one Prometheus, used by one thread at a time."""

    def __init__(self, url: str, options: PrometheusOptions) -> None:
        self._options = options
        self._responses: list[requests.Response] = []
        session = requests.Session()
        session.trust_env = False
        session.verify = options.ca_file or True
        session.cert = (options.cert_file, options.key_file) if options.cert_file else None
        session.auth = _prepared
        session.hooks["response"].append(self._keep)
        self._session, self._credentials = session, Credentials(options)
        self._client = PrometheusConnect(
            url,
            session=session,
            retry=Retry(total=0, respect_retry_after_header=False),
            timeout=(options.connect_timeout_s, options.read_timeout_s),
        )
        if options.adapter is not None:
            session.adapters.clear()  # The client has put one there for its own URL.
            session.mount("http://", adapter := options.adapter())
            session.mount("https://", adapter)

    def ask(self, query: str, time: str, read: Read) -> QueryReport:
        """Send one query and read what comes back. Raises CredentialsMissing."""
        self._responses.clear()
        try:
            self._session.headers.update(self._credentials.headers())
            self._client.custom_query(query, params={"time": time, "timeout": f"{self._options.read_timeout_s:g}s"})
        except (PrometheusApiClientException, requests.JSONDecodeError):
            pass  # Not a 200, or not JSON: the response says it better.
        except (AttributeError, KeyError, TypeError, RecursionError):
            pass  # JSON of another shape than the client takes for granted.
        except OSError as error:
            return _unsent(read, _describe(error, self._options))
        response = self._responses[-1]
        answer, status = read(response.status_code, response.content), response.status_code
        return QueryReport(answer, response.elapsed.total_seconds(), status=status, headers=response.headers)

    def close(self) -> None:
        """Close the socket."""
        self._client.close()

    def _keep(self, response: requests.Response, **_: object) -> None:
        self._responses.append(response)


def _unsent(read: Read, reason: str) -> QueryReport:
    failure = Unreachable(reason)
    return QueryReport(Rows(failure=failure) if read is read_rows else Answer(failure))


def told(on_asked: OnAsked) -> Callable[[QueryReport], None]:
    """For `on_query`: of what was sent."""

    def tell(report: QueryReport) -> None:
        if report.took_s is not None:
            answer = report.answer.outcome if isinstance(report.answer, Answer) else report.answer.failure
            on_asked(Asked(ProviderType.PROMETHEUS, came_of(answer), report.took_s))

    return tell


def _prepared(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Called by the session as any authentication is: on a request that is complete, before it is sent.

    The client writes each query into the URL, by POST too: a long one is moved to the body, as Prometheus takes it.
    """
    url = request.url or ""
    user, password = get_auth_from_url(url)
    if user and "Authorization" not in request.headers:
        request = HTTPBasicAuth(user, password)(request)
    if len(url) > _URL_MAX:
        request.url, _, form = url.partition("?")
        request.method = "POST"
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        request.prepare_body(form, None)
    return request


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
