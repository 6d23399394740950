"""The ways out of the controller's process: the API server, its clock, and the metric source."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from rollouts.errors import KubeError
from rollouts.kube.access import open_client
from rollouts.kube.clock import ServerClock
from rollouts.kube.connect import read_clock
from rollouts.kube.transport import Transport
from rollouts.metrics.asked import OnAsked
from rollouts.metrics.grouping import GroupingOptions, RowSource
from rollouts.metrics.prometheus import PrometheusSource, told
from rollouts.metrics.prometheus_options import PrometheusOptions
from rollouts.ports import MetricSource
from rollouts.settings import Settings
from rollouts.telemetry.report import Reporter

_log = structlog.get_logger(__name__)

MONOTONIC = time.monotonic  # noqa: TID251 - the one place that hands the process's clock out
_NOT_TOGETHER = GroupingOptions()
FIRST_RETRY_S = 1.0
RETRY_MAX_S = 30.0


@dataclass(frozen=True, slots=True)
class Metrics:
    """The metric source, and how it is asked for many Canaries."""

    source: MetricSource
    rows: RowSource | None = None
    """Where there is one, what is due together is asked of it together."""
    together: GroupingOptions = _NOT_TOGETHER


OpenMetrics = Callable[[Settings, Reporter], AbstractAsyncContextManager[Metrics]]
"""How to get at the metric source: open while the controller runs."""


@asynccontextmanager
async def prometheus(settings: Settings, reporter: Reporter) -> AsyncIterator[Metrics]:
    """The metric source of every cluster but a simulated one."""
    options = options_of(settings)
    source = PrometheusSource(settings.metrics_server, options, on_query=told(counted(reporter)))
    try:
        yield Metrics(source, source, GroupingOptions(in_flight=options.workers, grid_s=settings.metrics_grid_s))
    finally:
        await source.aclose()


def counted(reporter: Reporter) -> OnAsked:
    """Counts questions to metric sources."""
    return lambda asked: reporter.process.query_answered(asked.source, asked.came, asked.seconds)


def options_of(settings: Settings) -> PrometheusOptions:
    """How the operator wants Prometheus to be asked."""
    return PrometheusOptions(
        headers=settings.metrics_headers,
        bearer_token_file=str(settings.metrics_bearer_token_file or ""),
        username=settings.metrics_username,
        password_file=str(settings.metrics_password_file or ""),
        tenant=settings.metrics_tenant,
        ca_file=str(settings.metrics_ca_file or ""),
        cert_file=str(settings.metrics_cert_file or ""),
        key_file=str(settings.metrics_key_file or ""),
    )


@dataclass(frozen=True, slots=True)
class Outside:
    """The ways out of the process."""

    transport: Transport
    metrics: Metrics
    reporter: Reporter
    monotonic: Callable[[], float] = MONOTONIC
    """The transport's."""


@asynccontextmanager
async def opened(settings: Settings, reporter: Reporter, open_metrics: OpenMetrics) -> AsyncIterator[Outside]:
    """All of them, until the block ends. Raises RolloutsError where there is no way to a cluster."""
    async with AsyncExitStack() as stack:
        client = await open_client(kubeconfig=settings.kubeconfig)
        client.user_agent = f"{client.user_agent} ({settings.identity})"  # so that audit logs tell replicas apart
        transport = Transport(
            client,
            monotonic=MONOTONIC,
            on_answer=lambda request, code, seconds: reporter.process.request_answered(
                request.verb, request.resource, code, seconds
            ),
        )
        stack.push_async_callback(transport.close)
        metrics = await stack.enter_async_context(open_metrics(settings, reporter))
        yield Outside(transport, metrics, reporter)


async def wait_for_clock(
    transport: Transport, *, first_retry_s: float = FIRST_RETRY_S, monotonic: Callable[[], float] = MONOTONIC
) -> ServerClock:
    """The common clock, as soon as the API server answers: until then nothing can be done, and dying helps nobody."""
    retry_s = first_retry_s
    while True:
        try:
            return await read_clock(transport, monotonic)
        except KubeError as away:
            _log.warning("waiting_for_api_server", reason=str(away), again_in_s=retry_s)
        await asyncio.sleep(retry_s)
        retry_s = min(2 * retry_s, RETRY_MAX_S)
