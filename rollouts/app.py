"""The composition root: the only module that knows which concrete parts there are, and puts them together."""

from __future__ import annotations

import asyncio
import gc
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, disable_created_metrics
from starlette.types import ASGIApp

from rollouts.api.resources import (
    ALERT_PROVIDERS,
    ANALYSIS_TEMPLATES,
    CANARIES,
    DESTINATION_RULES,
    POLICY_NAME,
    SERVICES,
    VIRTUAL_SERVICES,
    ObjectKey,
    Resource,
)
from rollouts.engine.alerting import Alerter, Sender
from rollouts.engine.ask import Ways
from rollouts.engine.calling import Caller
from rollouts.engine.companions import companion_kinds
from rollouts.engine.exchange import Exchange
from rollouts.engine.fence import Fenced
from rollouts.engine.foothold import Foothold
from rollouts.engine.message_links import GateLinks, MessageLinks
from rollouts.engine.queue import KeyQueue
from rollouts.engine.readiness import SETTLES_IN
from rollouts.engine.reconcile import Reconciler
from rollouts.engine.seat import Listeners
from rollouts.engine.supervisor import Workers, wake_all, wake_interested
from rollouts.engine.template_keeper import TemplateKeeper
from rollouts.errors import KubeError
from rollouts.hooks.http import HttpHooks
from rollouts.kube.access import open_client
from rollouts.kube.account import KubeAccount
from rollouts.kube.clock import ServerClock
from rollouts.kube.cluster import KubeCluster, stores_for
from rollouts.kube.connect import read_clock
from rollouts.kube.intents_policy import KubeVouching
from rollouts.kube.pods import KubePods
from rollouts.kube.secrets import KubeSecrets
from rollouts.kube.transport import Transport
from rollouts.metrics.asked import OnAsked
from rollouts.metrics.grouping import Grouping, GroupingOptions, RowSource
from rollouts.metrics.prometheus import PrometheusSource, told
from rollouts.metrics.prometheus_options import PrometheusOptions
from rollouts.metrics.sources import Sources
from rollouts.metrics.vault import Vault
from rollouts.notify.kinds import Notifiers
from rollouts.ports import Clock, Cluster, MetricSource
from rollouts.replica import Replica
from rollouts.server.gate_links import SignedLinks
from rollouts.server.health import make_server
from rollouts.server.listen import bind, serving
from rollouts.server.mounting import Parts, keys_now, mounted
from rollouts.settings import Settings, read_settings
from rollouts.telemetry.logging import set_up_logging
from rollouts.telemetry.process_series import ProcessSeries
from rollouts.telemetry.report import Reporter
from rollouts.workloads.kinds import WORKLOADS

_log = structlog.get_logger(__name__)

MONOTONIC = time.monotonic  # noqa: TID251 - the one place that hands the process's clock out
WATCHED = (
    CANARIES, ANALYSIS_TEMPLATES, ALERT_PROVIDERS, *WORKLOADS, SERVICES, VIRTUAL_SERVICES, DESTINATION_RULES,
    *companion_kinds(),
)  # fmt: skip
_NOT_TOGETHER = GroupingOptions()
FIRST_RETRY_S = 1.0
RETRY_MAX_S = 30.0


def main() -> None:
    """Run the controller until SIGTERM or SIGINT. Raises RolloutsError if it can't start."""
    settings = read_settings()
    set_up_logging(settings.log_level)
    # A further series for each one, which nobody asks for.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    asyncio.run(_until_signal(lambda stop: run(settings, stop, prometheus)))


async def _until_signal(work: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    await work(stop)


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


async def run(settings: Settings, stop: asyncio.Event, open_metrics: OpenMetrics) -> None:
    """Be the controller until `stop` is set. Raises RolloutsError if it can't start."""
    registry, readiness = CollectorRegistry(), Readiness()
    async with _outside(settings, Reporter(registry), open_metrics) as outside:
        listener = bind(settings.listen)
        _log.info("listening", port=listener.getsockname()[1])
        async with _mounted(settings, outside.transport, readiness.parts, api=settings.api) as applications:
            server = make_server(registry, readiness.not_ready, applications)
            async with serving(server, listener), asyncio.TaskGroup() as tasks:
                controlling = tasks.create_task(_control(outside, settings, readiness))
                await stop.wait()
                _log.info("stopping")
                await _leave(readiness)
                controlling.cancel()


async def _leave(readiness: Readiness) -> None:
    """Before the process ends: what it holds goes to others or, where all is being deleted, is given back first."""
    if readiness.replica is None:
        return
    if readiness.foothold is not None and await readiness.foothold.is_going():
        await readiness.replica.stay()
        await readiness.foothold.last_stand()
    await readiness.replica.hand_over()


def serve_main() -> None:
    """Serve the API alone until SIGTERM or SIGINT, beside a controller elsewhere. Raises RolloutsError."""
    settings = read_settings()
    set_up_logging(settings.log_level)
    asyncio.run(_until_signal(lambda stop: serve(settings, stop)))


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Be the server until `stop` is set: it knows Canaries, and changes nothing but their annotations."""
    registry, readiness = CollectorRegistry(), Readiness()
    async with AsyncExitStack() as stack:
        transport = Transport(await open_client(kubeconfig=settings.kubeconfig), monotonic=MONOTONIC)
        stack.push_async_callback(transport.close)
        listener = bind(settings.listen)
        _log.info("listening", port=listener.getsockname()[1])
        applications = await stack.enter_async_context(_mounted(settings, transport, readiness.parts, api=True))
        await stack.enter_async_context(serving(make_server(registry, readiness.not_ready, applications), listener))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        watching = tasks.create_task(_watch(transport, readiness))
        await stop.wait()
        watching.cancel()


async def _watch(transport: Transport, readiness: Readiness) -> None:
    """Know all Canaries, for ever."""
    parts = readiness.parts
    clock = parts.clock = await wait_for_clock(transport)
    stores = stores_for([CANARIES], on_change=lambda _resource, key: parts.feed.publish(key))
    cluster = readiness.cluster = KubeCluster(transport, stores, clock=clock, random=Random())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(cluster.run())
        await cluster.wait_synced()
        readiness.synced, parts.cluster = True, cluster


def _mounted(
    settings: Settings, transport: Transport, parts: Parts, *, api: bool
) -> AbstractAsyncContextManager[dict[str, ASGIApp]]:
    return mounted(parts, transport, MONOTONIC, api=api, link_key_file=settings.link_key_file)


@dataclass(frozen=True, slots=True)
class Outside:
    """The ways out of the process."""

    transport: Transport
    metrics: Metrics
    reporter: Reporter
    monotonic: Callable[[], float] = MONOTONIC
    """The transport's."""


@dataclass(slots=True)
class Readiness:
    """How far the start has come."""

    cluster: KubeCluster | None = None
    synced: bool = False
    replica: Replica | None = None
    foothold: Foothold | None = None
    parts: Parts = field(default_factory=Parts)
    """What the API stands on."""

    def not_ready(self) -> str:
        """Why no Canary can be worked on yet; empty when it can."""
        if self.cluster is None:
            return "waiting for the API server"
        if not self.synced:
            return "waiting for the first lists of all kinds"
        unseated = "" if self.replica is None else self.replica.not_ready()
        return unseated or self.cluster.trouble(CANARIES)


@asynccontextmanager
async def _outside(settings: Settings, reporter: Reporter, open_metrics: OpenMetrics) -> AsyncIterator[Outside]:
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


def links_that_open(settings: Settings) -> GateLinks | None:
    """Makes the links that open gates; None where there is no key to sign them with."""
    path = settings.link_key_file
    return None if path is None else SignedLinks(settings.external_url, lambda: keys_now(path))


async def _control(outside: Outside, settings: Settings, readiness: Readiness) -> None:
    """Wait for the API server and the first lists, then look at every Canary and go on from there, for ever."""
    clock = readiness.parts.clock = await wait_for_clock(outside.transport, monotonic=outside.monotonic)
    queue = _queue(clock, outside.reporter.process)

    def on_change(resource: Resource, key: ObjectKey) -> None:
        if resource == CANARIES:
            readiness.parts.feed.publish(key)
            foothold.see(key, cluster.read(CANARIES, key))
        if readiness.synced:  # before that everything changes, and every Canary will be looked at anyway
            wake_interested(cluster, queue, resource, key)
            if resource == ANALYSIS_TEMPLATES:
                keeper.add(key)

    def on_trouble(_resource: Resource) -> None:
        wake_all(cluster, queue)

    policy, watched = ObjectKey(settings.namespace, POLICY_NAME), settings.watch_namespace
    stores = stores_for(WATCHED, on_change=on_change, on_trouble=on_trouble, namespace=watched)
    cluster = readiness.cluster = KubeCluster(outside.transport, stores, clock=clock, random=Random())
    replica = readiness.replica = Replica(settings, outside.transport, clock)
    foothold = readiness.foothold = _foothold(outside.transport, settings, clock, replica)
    fenced, mandate = Fenced(cluster, replica.mandate), replica.mandate
    _spare_the_collector()
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        secrets, pods = KubeSecrets(outside.transport), KubePods(outside.transport)
        metrics, caller = outside.metrics, Caller(_hooks(stack, clock), secrets)
        vault = Vault(secrets, clock)
        grouped = None if metrics.rows is None else Grouping(metrics.rows, tasks.create_task, metrics.together)
        source = metrics.source if grouped is None else grouped
        sources = Sources(source, clock, settings.reach, refused=vault.doubt, on_asked=counted(outside.reporter))
        stack.push_async_callback(sources.aclose)
        ways = Ways(fenced, source, caller, secrets, pods, grouped, metrics.together.grid_s, sources, vault)
        ways = replace(
            ways,
            vouching=KubeVouching(outside.transport, clock),
            alerter=_alerter(stack, settings, fenced, secrets, clock),
        )
        keeper = TemplateKeeper(fenced, ways.custom, clock, mandate)
        exchange = Exchange(ways, clock, tasks.create_task, queue.add)

        def on_turn() -> None:
            reporter.process.seat_changed(replica.members, seated=replica.seated, leads=replica.leads)
            reconciler.release()
            wake_all(cluster, queue)
            keeper.add_all()
            foothold.look()

        reporter = outside.reporter
        reconciler = Reconciler(fenced, exchange, clock, reporter, SETTLES_IN, policy=policy, mandate=mandate)
        tasks.create_task(cluster.run())
        await cluster.wait_synced()
        readiness.synced, readiness.parts.cluster = True, cluster
        wake_all(cluster, queue)
        tasks.create_task(keeper.run())
        tasks.create_task(foothold.run())
        _log.info("ready", canaries=len(queue))
        stack.push_async_callback(replica.hand_over)
        replica.take_seat(tasks, Listeners(on_turn, queue.idle, foothold.is_going))
        await Workers(queue, reconciler, clock, reporter, mandate).run(settings.workers)


def _spare_the_collector() -> None:
    """The imported libraries never go away: else each full collection walks their whole heap, in mid-list."""
    gc.collect()
    gc.freeze()


def _foothold(transport: Transport, settings: Settings, clock: Clock, replica: Replica) -> Foothold:
    account = KubeAccount(transport, settings.namespace, everywhere=not settings.watch_namespace)
    return Foothold(account, clock, lambda: replica.leads)


def _hooks(stack: AsyncExitStack, clock: Clock) -> HttpHooks:
    """Calls webhooks, as long as the stack is open."""
    hooks = HttpHooks(clock, Random())
    stack.push_async_callback(hooks.aclose)
    return hooks


def _queue(clock: Clock, series: ProcessSeries) -> KeyQueue:
    """Empty, and counted."""
    queue = KeyQueue(clock, series.taken)
    series.watch_queue(queue.due, queue.later)
    return queue


def _alerter(
    stack: AsyncExitStack, settings: Settings, cluster: Cluster, secrets: KubeSecrets, clock: Clock
) -> Alerter:
    """Tells people, as long as the stack is open."""
    notifiers = Notifiers(clock, settings.reach)
    stack.push_async_callback(notifiers.aclose)
    links = MessageLinks(settings.external_url, links_that_open(settings))
    return Alerter(cluster, notifiers, secrets, clock, Sender(settings.namespace, settings.cluster_name, links))


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
