"""Tells notices by AlertProviders: which of them hear of a Canary, what they are handed, and where trouble is written.

An AlertProvider and its Secret are read anew for each attempt, so that one that is mended works at once. Whatever goes
wrong is an outcome. When a notice is told, and how often it is tried, is the courier's matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from pydantic import ValidationError

from rollouts.api.alert import Severity
from rollouts.api.alert_provider import AlertProviderSpec
from rollouts.api.invalid import explain_invalid
from rollouts.api.resources import ALERT_PROVIDERS, Manifest, ObjectKey
from rollouts.api.status import RECEIPTS_MAX, Notice
from rollouts.core.notification import Notification, began_at, is_milestone, next_words, severity_of
from rollouts.engine.destinations import Unusable, find_destination
from rollouts.engine.message_links import NO_LINKS, MessageLinks, Telling
from rollouts.engine.provider_status import render_status
from rollouts.engine.released_version import version_of
from rollouts.engine.subject import Subject
from rollouts.errors import KubeError
from rollouts.ports import Clock, Cluster, Delivered, Notifier, Secrets, Undelivered

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Listener:
    """An AlertProvider that hears of a Canary. `severity` is the least that the Canary asks for."""

    provider: ObjectKey
    severity: Severity

    def __str__(self) -> str:
        return f"AlertProvider {self.provider}"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who tells: the controller, as people know it."""

    namespace: str
    """The controller's own: providers there may hear of Canaries that do not name them."""
    cluster_name: str = ""
    links: MessageLinks = NO_LINKS


class Alerter:
    """Knows all AlertProviders. Holds nothing of a Canary."""

    def __init__(self, cluster: Cluster, notifier: Notifier, secrets: Secrets, clock: Clock, sender: Sender) -> None:
        self._cluster = cluster
        self._notifier = notifier
        self._secrets = secrets
        self._clock = clock
        self._sender = sender
        self._read: dict[ObjectKey, tuple[str, AlertProviderSpec | None]] = {}

    def hears_unasked(self, namespace: str) -> bool:
        """Whether any provider hears of all Canaries of that namespace."""
        return bool(self._unasked(namespace))

    def listeners(self, subject: Subject) -> tuple[Listener, ...]:
        """Who hears of a Canary: those that it names, each once, and then those that hear of all."""
        own = subject.owner.namespace
        found: dict[ObjectKey, Listener] = {}
        for alert in subject.spec.analysis.alerts:
            key = ObjectKey(alert.provider_ref.namespace or own, alert.provider_ref.name)
            known = found.get(key)
            if known is None or alert.severity.rank < known.severity.rank:
                found[key] = Listener(key, alert.severity)
        for key in self._unasked(own):
            found.setdefault(key, Listener(key, Severity.INFO))
        return tuple(found.values())[:RECEIPTS_MAX]

    def takes(self, listener: Listener, notice: Notice) -> bool:
        """Whether this notice is for that listener. One that can't be read takes it: that it fails has to be seen."""
        if not notice.alerts:
            return False
        severity = severity_of(notice)
        if severity.rank < listener.severity.rank:
            return False
        spec = self._spec(listener.provider)
        if spec is None:
            return True
        muted = spec.suspend or notice.reason in spec.mute
        muted = muted or (spec.mute_until is not None and notice.at < _aware(spec.mute_until))
        fits = severity.rank >= spec.severity.rank and (not spec.phases or notice.phase in spec.phases)
        return fits and not muted and (spec.detail == "all" or is_milestone(notice))

    async def tell(self, listener: Listener, telling: Telling, thread: str) -> Delivered | Undelivered:
        """One attempt."""
        provider = self._cluster.read(ALERT_PROVIDERS, listener.provider)
        if provider is None:
            trouble = self._cluster.trouble(ALERT_PROVIDERS)
            why = f": {trouble}" if trouble else ": make it, or take it out of analysis.alerts"
            return Undelivered(f"there is none of that name{why}", lasting=True)
        told = await self._attempt(provider, listener, telling, thread)
        if isinstance(told, Delivered):
            await self._note(listener.provider, None)
        elif told.lasting:
            await self._note(listener.provider, told)
        return told

    async def give_up(self, listener: Listener, last: Undelivered) -> None:
        """A notice was not delivered, and will not be."""
        await self._note(listener.provider, last)

    async def _attempt(
        self, provider: Manifest, listener: Listener, telling: Telling, thread: str
    ) -> Delivered | Undelivered:
        try:
            spec = AlertProviderSpec.model_validate(provider.get("spec") or {})
        except ValidationError as invalid:
            return Undelivered(f"its spec is invalid: {explain_invalid(invalid)}"[:256], lasting=True)
        own = telling.subject.owner.namespace
        if own != listener.provider.namespace and not spec.admits(own):
            return Undelivered(f"it is not for namespace {own}: add that to its spec.namespaces", lasting=True)
        found = await find_destination(self._secrets, spec, listener.provider.namespace)
        if isinstance(found, Unusable):
            return Undelivered(found.reason, lasting=found.lasting)
        return await self._notifier.notify(found, self._notification(telling), thread)

    def _notification(self, telling: Telling) -> Notification:
        notice, subject, status = telling.notice, telling.subject, telling.status
        owner = subject.owner
        return Notification(
            id=f"{owner.uid}-{notice.number}",
            release=f"{owner.uid}-{notice.revision or 'none'}",
            canary=owner.uid,
            name=owner.name,
            namespace=owner.namespace,
            target=_target(subject),
            reason=notice.reason,
            severity=severity_of(notice),
            phase=notice.phase,
            message=notice.message,
            at=notice.at,
            revision=notice.revision,
            version=version_of(self._cluster, subject, status, notice),
            since=began_at(status, notice),
            next=next_words(subject.spec, notice),
            cluster=self._sender.cluster_name,
            links=self._sender.links.links_of(telling),
        )

    async def _note(self, key: ObjectKey, failed: Undelivered | None) -> None:
        """Write into the provider's status whether it works, where that is news. Nothing depends on it."""
        provider = self._cluster.read(ALERT_PROVIDERS, key)
        write = None if provider is None else render_status(provider, failed, self._clock.now())
        if write is None:
            return
        try:
            await self._cluster.write(write)
        except KubeError as lost:
            _log.warning("provider_status_lost", provider=str(key), reason=str(lost))

    def _unasked(self, namespace: str) -> list[ObjectKey]:
        keys = []
        for place in sorted({namespace, self._sender.namespace}):
            for provider in self._cluster.list_all(ALERT_PROVIDERS, place):
                spec = self._spec(ObjectKey.of(provider))
                near = place == namespace or (spec is not None and spec.admits(namespace))
                if spec is not None and spec.every_canary and near:
                    keys.append(ObjectKey.of(provider))
        return sorted(keys)

    def _spec(self, key: ObjectKey) -> AlertProviderSpec | None:
        """The spec of a provider; None of one that is not there, or invalid. Read once for each version of it."""
        provider = self._cluster.read(ALERT_PROVIDERS, key)
        if provider is None:
            self._read.pop(key, None)
            return None
        version = provider["metadata"].get("resourceVersion", "")
        if key not in self._read or self._read[key][0] != version:
            self._read[key] = (version, _valid(provider))
        return self._read[key][1]


def _valid(provider: Manifest) -> AlertProviderSpec | None:
    try:
        return AlertProviderSpec.model_validate(provider.get("spec") or {})
    except ValidationError:
        return None


def _aware(instant: datetime) -> datetime:
    """As the API server wants it anyway: with a time zone."""
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _target(subject: Subject) -> str:
    if not subject.spec.swaps:
        return str(subject.spec.target)
    return ", ".join(subset.target_ref.name for subset in subject.spec.subsets)
