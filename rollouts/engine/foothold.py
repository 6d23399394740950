"""What the controller stands on while it holds Canaries: its account and its rights, which are held as long as those.

`kubectl delete -k deploy/` deletes the kinds, the account and the role in one second; a Canary takes longer to be given
back. So from the first Canary that carries our finalizer to the last one, the account carries one too. A process that
is asked to end and finds its account in deletion is at its last stand: it works on until its Canaries are gone, and
lets the account go as the last thing that it does. Which Canaries there are it is told; it reads nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from rollouts.api.resources import Manifest, ObjectKey
from rollouts.engine.hold import is_held
from rollouts.errors import KubeError, Throttled, Unavailable
from rollouts.ports import Account, Clock

_log = structlog.get_logger(__name__)

LAST_STAND_S = 50.0
"""Less than the grace that deploy/ gives a pod, and than the minute for which a deleted account's tokens are good."""
NOT_MEANT_S = 10.0
"""After that it is clear that the Canaries are to stay: then no one of them is in deletion."""
RETRY_S = 5.0
ASK_MAX_S = 1.0
"""How long one that is asked to end waits to hear whether its account is going."""


class Foothold:
    """One process's."""

    def __init__(self, account: Account, clock: Clock, works: Callable[[], bool]) -> None:
        """`works`: whether this replica is one that works; the others write nothing."""
        self._account = account
        self._clock = clock
        self._works = works
        self._canaries: dict[ObjectKey, bool] = {}
        """Those that carry our finalizer, and whether they are being deleted."""
        self._held: bool | None = None
        """What was written last; None if nothing was."""
        self._changed = asyncio.Event()
        self._empty = asyncio.Event()
        self._writing = asyncio.Lock()

    def see(self, key: ObjectKey, canary: Manifest | None) -> None:
        """A Canary as it is now, None if it is gone."""
        if canary is not None and is_held(canary):
            self._canaries[key] = "deletionTimestamp" in canary["metadata"]
            self._empty.clear()
        else:
            self._canaries.pop(key, None)
        if not self._canaries:
            self._empty.set()
        self.look()

    def look(self) -> None:
        """What is held may have changed, or whether this replica works."""
        if bool(self._canaries) != self._held:
            self._changed.set()

    async def run(self) -> None:
        """Hold the account while a Canary is held, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            if self._works() and not await self._write(held=bool(self._canaries)):
                await self._clock.sleep(RETRY_S)
                self._changed.set()

    async def is_going(self) -> bool:
        """Whether all is being deleted, this process's account too. Never raises: what is not known is no."""
        with suppress(KubeError, TimeoutError):
            async with asyncio.timeout(ASK_MAX_S):
                return self._works() and bool(self._canaries) and await self._account.is_going()
        return False

    async def last_stand(self) -> None:
        """Return once no Canary is held any more, or it is no use to wait, and the account is let go."""
        _log.info("last_stand", canaries=len(self._canaries), seconds=LAST_STAND_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_STAND_S):
                with suppress(TimeoutError):
                    async with asyncio.timeout(NOT_MEANT_S):
                        await self._empty.wait()
                if any(self._canaries.values()):
                    await self._empty.wait()
        if self._canaries:
            _log.error("canaries_left_behind", canaries=sorted(map(str, self._canaries)))
        await self._write(held=False)

    async def _write(self, *, held: bool) -> bool:
        """Whether there is nothing to be tried again."""
        async with self._writing:
            if held is self._held:
                return True
            try:
                await (self._account.hold() if held else self._account.let_go())
            except (Unavailable, Throttled) as error:
                _log.warning("account_not_changed", held=held, reason=str(error))
                return False
            except KubeError as error:
                # Whoever runs it as somebody else deletes the Canaries first.
                _log.info("account_not_held", reason=str(error))
            self._held = held
            return True
