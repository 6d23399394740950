"""The controller put together: the only module that knows which concrete parts work on Canaries."""

from __future__ import annotations

import asyncio
import gc
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from random import Random

import structlog

from rollouts.api.resources import (
    ALERT_PROVIDERS,
    ANALYSIS_TEMPLATES,
    CANARIES,
    DESTINATION_RULES,
    POLICY_NAME,
    SECRETS,
    SERVICES,
    VIRTUAL_SERVICES,
    ObjectKey,
    Resource,
)
from rollouts.engine.alerting import Alerter, Sender
from rollouts.engine.ask import Ways
from rollouts.engine.calling import Caller
from rollouts.engine.charge import Charge
from rollouts.engine.companions import companion_kinds
from rollouts.engine.exchange import Exchange
from rollouts.engine.fence import Fenced
from rollouts.engine.foothold import Foothold
from rollouts.engine.message_links import GateLinks, MessageLinks
from rollouts.engine.queue import KeyQueue
from rollouts.engine.readiness import SETTLES_IN
from rollouts.engine.reconcile import Reconciler
from rollouts.engine.seat import Listeners
from rollouts.engine.secrets_off import NoSecrets
from rollouts.engine.supervisor import Workers, wake_all, wake_interested, wake_readers
from rollouts.engine.template_keeper import TemplateKeeper
from rollouts.hooks.http import HttpHooks
from rollouts.kube.account import KubeAccount
from rollouts.kube.cluster import KubeCluster, stores_for
from rollouts.kube.intents_policy import KubeVouching
from rollouts.kube.pods import KubePods
from rollouts.kube.secrets import KubeSecrets
from rollouts.kube.transport import Transport
from rollouts.metrics.grouping import Grouping
from rollouts.metrics.sources import Sources
from rollouts.metrics.vault import Vault
from rollouts.notify.kinds import Notifiers
from rollouts.outside import Outside, counted, wait_for_clock
from rollouts.ports import Clock, Cluster, Secrets
from rollouts.replica import Replica
from rollouts.server.gate_links import SignedLinks
from rollouts.server.mounting import Parts, keys_now
from rollouts.settings import Settings
from rollouts.telemetry.process_series import ProcessSeries
from rollouts.workloads.kinds import WORKLOADS

_log = structlog.get_logger(__name__)

NEW_OBJECTS_MAX = 10_000
"""How many objects are made before those in cycles are looked for."""
WATCHED = (
    CANARIES, ANALYSIS_TEMPLATES, ALERT_PROVIDERS, *WORKLOADS, SERVICES, VIRTUAL_SERVICES, DESTINATION_RULES,
    *companion_kinds(),
)  # fmt: skip


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


async def control(outside: Outside, settings: Settings, readiness: Readiness) -> None:
    """Wait for the API server and the first lists, then look at every Canary and go on from there, for ever."""
    clock = readiness.parts.clock = await wait_for_clock(outside.transport, monotonic=outside.monotonic)
    queue = _queue(clock, outside.reporter.process)

    def on_change(resource: Resource, key: ObjectKey) -> None:
        if resource == CANARIES:
            readiness.parts.feed.publish(key)
            foothold.see(key, cluster.read(CANARIES, key))
        if readiness.synced and resource == SECRETS:
            wake_readers(cluster, queue, exchange, key)
        elif readiness.synced:  # before that everything changes, and every Canary will be looked at anyway
            wake_interested(cluster, queue, resource, key)
            if resource == ANALYSIS_TEMPLATES:
                keeper.add(key)

    def on_trouble(resource: Resource) -> None:
        _tell_trouble(resource, cluster.trouble(resource))
        wake_all(cluster, queue)

    policy, watched = ObjectKey(settings.namespace, POLICY_NAME), settings.watch_namespace
    followed = (*WATCHED, SECRETS) if settings.secrets == "watch" else WATCHED
    stores = stores_for(followed, on_change=on_change, on_trouble=on_trouble, namespace=watched)
    cluster = readiness.cluster = KubeCluster(outside.transport, stores, clock=clock, random=Random())
    replica = readiness.replica = Replica(settings, outside.transport, clock)
    foothold = readiness.foothold = _foothold(outside.transport, settings, clock, replica)
    fenced, mandate = Fenced(cluster, replica.mandate), replica.mandate
    _spare_the_collector()
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        ways = _ways(Span(stack, tasks), outside, settings, clock, fenced)
        keeper = TemplateKeeper(fenced, ways.custom, clock, mandate)
        exchange = Exchange(ways, clock, tasks.create_task, queue.add)

        def on_turn() -> None:
            reporter.process.seat_changed(replica.members, seated=replica.seated, leads=replica.leads)
            reconciler.release()
            wake_all(cluster, queue)
            keeper.add_all()
            foothold.look()

        reporter = outside.reporter
        reconciler = Reconciler(fenced, exchange, reporter, Charge(clock, SETTLES_IN, policy, mandate, queue.seen))
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
    """The imported libraries never go away: else each full collection walks their whole heap, in mid-list.

    What is made meanwhile goes by its count of references, but for the little that is in cycles: to look for that at
    every 700 new objects costs more than it frees.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS_MAX)


def _foothold(transport: Transport, settings: Settings, clock: Clock, replica: Replica) -> Foothold:
    account = KubeAccount(transport, settings.namespace, everywhere=not settings.watch_namespace)
    return Foothold(account, clock, lambda: replica.leads)


@dataclass(frozen=True, slots=True)
class Span:
    """As long as the controller works."""

    stack: AsyncExitStack
    tasks: asyncio.TaskGroup


def _ways(span: Span, outside: Outside, settings: Settings, clock: Clock, cluster: Cluster) -> Ways:
    """Where questions go, open as long as the span lasts."""
    hooks, metrics, off = HttpHooks(clock, Random(), settings.reach), outside.metrics, settings.secrets == "none"
    span.stack.push_async_callback(hooks.aclose)
    secrets: Secrets = NoSecrets() if off else KubeSecrets(outside.transport)
    vault = Vault(secrets, clock)
    grouped = None if metrics.rows is None else Grouping(metrics.rows, span.tasks.create_task, metrics.together)
    source = metrics.source if grouped is None else grouped
    sources = Sources(source, clock, settings.reach, refused=vault.doubt, on_asked=counted(outside.reporter))
    span.stack.push_async_callback(sources.aclose)
    return Ways(
        cluster, source, Caller(hooks, secrets), secrets, KubePods(outside.transport), grouped,
        metrics.together.grid_s, sources, vault, KubeVouching(outside.transport, clock),
        _alerter(span.stack, settings, cluster, secrets, clock), secrets_off=off,
    )  # fmt: skip


def _tell_trouble(resource: Resource, trouble: str) -> None:
    """Of Secrets nobody else tells it: they are read all the same, only later."""
    if resource == SECRETS and trouble:
        _log.warning("secrets_not_watched", reason=trouble)


def _queue(clock: Clock, series: ProcessSeries) -> KeyQueue:
    """Empty, and counted."""
    queue = KeyQueue(clock, series.taken)
    series.watch_queue(queue.due, queue.later)
    return queue


def _alerter(stack: AsyncExitStack, settings: Settings, cluster: Cluster, secrets: Secrets, clock: Clock) -> Alerter:
    """Tells people, as long as the stack is open."""
    notifiers = Notifiers(clock, settings.reach)
    stack.push_async_callback(notifiers.aclose)
    links = MessageLinks(settings.external_url, links_that_open(settings))
    return Alerter(cluster, notifiers, secrets, clock, Sender(settings.namespace, settings.cluster_name, links))


def links_that_open(settings: Settings) -> GateLinks | None:
    """Makes the links that open gates; None where there is no key to sign them with."""
    path = settings.link_key_file
    return None if path is None else SignedLinks(settings.external_url, lambda: keys_now(path))
