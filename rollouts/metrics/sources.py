"""From a provider to the source that it means. Equal ones are one: so what many Canaries ask at a time is asked once.

A source is what it was made from: when a Secret's content changes, the next caller gets another source, and the old one
is closed when nobody has used it for a while. A new type of source is a file, and its line in BUILDERS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from rollouts.api.provider import Provider, ProviderType
from rollouts.core.measurement import Rejected
from rollouts.errors import SpecInvalid
from rollouts.metrics.access import Access
from rollouts.metrics.asked import OnAsked, nobody
from rollouts.metrics.credentials import access_of
from rollouts.metrics.pooled import AbsentSource, AtPath, PooledSource, Source
from rollouts.metrics.prometheus import PrometheusSource, told
from rollouts.metrics.prometheus_answer import bounded
from rollouts.metrics.prometheus_options import PrometheusOptions
from rollouts.metrics.web import WebSource
from rollouts.ports import Clock, MetricSource
from rollouts.reach.policy import ReachPolicy
from rollouts.reach.requests_adapter import ReachAdapter

SOURCES_MAX = 64
IDLE = timedelta(minutes=5)
"""How long a source that nobody uses is kept."""


Build = Callable[[Access, ReachPolicy, OnAsked], Source]
"""Makes a source. Raises SpecInvalid."""


def _prometheus(access: Access, reach: ReachPolicy, on_asked: OnAsked) -> Source:
    tls = access.tls()
    options = PrometheusOptions(headers=access.sent(), workers=4, adapter=lambda: ReachAdapter(reach, tls))
    return PrometheusSource(access.address, options, on_query=told(on_asked))


def _web(access: Access, reach: ReachPolicy, on_asked: OnAsked) -> Source:
    return WebSource(access, reach, on_asked=on_asked)


BUILDERS: Mapping[ProviderType, Build] = {
    ProviderType.PROMETHEUS: _prometheus,
    ProviderType.WEB: _web,
}


class Sources:
    """Implements `ports.Sources`: all sources but the controller's own. Belongs to one event loop.

    Close it with `aclose`.
    """

    def __init__(
        self,
        own: MetricSource,
        clock: Clock,
        reach: ReachPolicy,
        *,
        refused: Callable[[], None] = lambda: None,
        on_asked: OnAsked = nobody,
    ) -> None:
        """`own` answers where a provider has no address; it is not closed here. `refused`: see PooledSource."""
        self._own = own
        self._clock = clock
        self._reach = reach
        self._refused = refused
        self._on_asked = on_asked
        self._pool: dict[Access, PooledSource] = {}

    def source(self, provider: Provider, secrets: Mapping[str, Mapping[str, bytes]]) -> MetricSource | Rejected:
        """As the port says. Of a web source a query is a JSONPath, or a WebQuery's text; paths share a source."""
        if provider.address is None:
            return self._own
        try:
            if provider.type is not ProviderType.WEB:
                return self._pooled(access_of(provider, secrets))
            origin, path = _split(provider.address)
            return AtPath(self._pooled(access_of(provider.model_copy(update={"address": origin}), secrets)), path)
        except SpecInvalid as error:
            return Rejected(bounded(str(error)))

    async def aclose(self) -> None:
        """Close all together."""
        pool, self._pool = self._pool, {}
        await asyncio.gather(*(pooled.source.aclose() for pooled in pool.values()))

    def _pooled(self, access: Access) -> MetricSource:
        pooled = self._pool.get(access)
        if pooled is not None:
            return pooled
        if len(self._pool) >= SOURCES_MAX and all(other.users for other in self._pool.values()):
            return AbsentSource(f"{SOURCES_MAX} metric sources are being asked already")
        source = BUILDERS[access.type](access, self._reach, self._on_asked)
        pooled = self._pool[access] = PooledSource(source, self._clock, self._close_idle, self._refused)
        return pooled

    async def _close_idle(self) -> None:
        """Those that nobody has used for long, and the longest idle ones where there are too many."""
        now = self._clock.now()
        idle = sorted((one for one in self._pool.items() if not one[1].users), key=lambda one: one[1].used_at)
        excess = len(self._pool) - SOURCES_MAX
        leaving = [one for place, one in enumerate(idle) if place < excess or now - one[1].used_at > IDLE]
        for access, pooled in leaving:
            # While one was closed, the next may have found a user.
            if not pooled.users and self._pool.pop(access, None) is not None:
                await pooled.source.aclose()


def _split(address: str) -> tuple[str, str]:
    """The server, and what is asked there. Raises SpecInvalid."""
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise SpecInvalid("the address must be http://host[:port][/path], or https") from error
    if "#" in address:
        raise SpecInvalid("the address has a fragment, which is never sent")
    # An address that ends in a slash, and a path that begins with one.
    path = f"/{parts.path.lstrip('/')}" if parts.path else ""
    return f"{parts.scheme}://{parts.netloc}", f"{path}?{parts.query}" if parts.query else path
