"""What is in Secrets, kept for a short while: many Canaries ask by the same ones, each every few seconds.

An API server that can't be asked changes nothing for a while: what was read last goes on counting. A Secret that is
gone, or that we may not read any more, counts at once. Knows nothing of what the Secrets are for.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from rollouts.api.resources import Manifest
from rollouts.errors import KubeError, Retry
from rollouts.metrics.sharing import Sharing
from rollouts.ports import Clock, Secrets

FRESH = timedelta(seconds=30)
"""How old an answer may be that is still used without asking."""
DOUBTED = timedelta(seconds=5)
"""The same, after somebody has refused what was made of one."""
USABLE = timedelta(minutes=10)
"""How old it may be while the API server can't be asked."""
SECRETS_MAX = 256

_Data = Mapping[str, bytes] | None
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Read:
    data: _Data = field(repr=False)
    at: datetime


class Vault:
    """Implements `ports.Secrets` over another one."""

    def __init__(self, secrets: Secrets, clock: Clock) -> None:
        self._secrets = secrets
        self._clock = clock
        self._reads: OrderedDict[_Key, _Read] = OrderedDict()
        self._doubted_at: datetime | None = None
        self._sharing = Sharing[_Data]()

    async def secret(self, namespace: str, name: str) -> _Data:
        """As the port says, as it was at most FRESH ago."""
        key = (namespace, name)
        known = self._reads.get(key)
        if known is not None and known.data is not None and self._is_fresh(known):
            self._reads.move_to_end(key)
            return known.data
        return await self._sharing.result(key, partial(self._read, key))

    async def manifest(self, namespace: str, name: str) -> Manifest | None:
        """As the port says; never kept."""
        return await self._secrets.manifest(namespace, name)

    def doubt(self) -> None:
        """Somebody refused what was made of a Secret: any of them may have changed."""
        self._doubted_at = self._clock.now()

    async def _read(self, key: _Key) -> _Data:
        known = self._reads.get(key)
        try:
            data = await self._secrets.secret(*key)
        except KubeError as error:
            if known is not None and error.retry is Retry.AFTER and self._age(known) < USABLE:
                return known.data
            self._reads.pop(key, None)
            raise
        self._reads[key] = _Read(data, self._clock.now())
        self._reads.move_to_end(key)
        if len(self._reads) > SECRETS_MAX:
            self._reads.popitem(last=False)
        return data

    def _is_fresh(self, known: _Read) -> bool:
        doubted = self._doubted_at is not None and known.at <= self._doubted_at
        return self._age(known) < (DOUBTED if doubted else FRESH)

    def _age(self, known: _Read) -> timedelta:
        return self._clock.now() - known.at
