"""`rollouts status`: says how a release stands, once or until it is over, in an exit code that a pipeline can go by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from rollouts.api.resources import ObjectKey
from rollouts.api.status import CanaryStatus
from rollouts.cli import exits
from rollouts.cli.cluster.model import known_of
from rollouts.cli.cluster.session import Session
from rollouts.cli.cluster.standing import Ending, Follower, Standing, Wanted, target_of
from rollouts.cli.cluster.words import explained
from rollouts.cli.refused import CommandRefused
from rollouts.core.revision import revision_of
from rollouts.errors import KubeError
from rollouts.kube.follow import Seen, follow

LOOK_EVERY_S = 5.0
"""Also without news of the Canary: it may be the target that changed."""
CODES = {Ending.SUCCEEDED: exits.DONE, Ending.FAILED: exits.FAILED, Ending.RUNNING: exits.REFUSED}
"""What is not over is as what was not in time."""


@dataclass(slots=True)
class Gate:
    """One command: which Canary, how long, and who hears of what happens meanwhile."""

    session: Session
    name: str
    wanted: Wanted = field(default_factory=Wanted)
    timeout_s: float | None = None
    tell: Callable[[str], None] = lambda _line: None
    warn: Callable[[str], None] = lambda _line: None
    _told: str = ""
    _may_read: bool = True
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _seen: Seen | None = None

    async def once(self) -> Standing:
        """How it stands now. Raises CommandRefused."""
        return await self._look(Follower(self.wanted), await self._read())

    async def until_over(self) -> Standing:
        """How it ended, or stands when the time is over. Raises CommandRefused."""
        last = Standing(Ending.RUNNING, "the release was not looked at yet")
        await self._read()  # there, and readable: else it is said at once
        follower, refused = Follower(self.wanted), list[CommandRefused]()
        try:
            async with asyncio.timeout(self.timeout_s), asyncio.TaskGroup() as tasks:
                following = tasks.create_task(self._follow())
                while (last := await self._next(follower)).ending is Ending.RUNNING:
                    self._say(last.message)
                following.cancel()
        except* TimeoutError:
            pass
        except* CommandRefused as group:
            refused += [error for error in group.exceptions if isinstance(error, CommandRefused)]
        if refused:
            raise refused[0]
        return last

    async def _next(self, follower: Follower) -> Standing:
        """The standing after the next news, or after a while."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), LOOK_EVERY_S)
        self._news.clear()
        seen, key = self._seen, ObjectKey(self.session.namespace, self.name)
        if seen is None:
            return Standing(Ending.RUNNING, "waiting for the API server")
        if seen.trouble:
            return Standing(Ending.RUNNING, f"no news of it: {seen.trouble}")
        if key not in seen.objects:
            raise CommandRefused(f"Canary {key} was deleted meanwhile", exits.NOT_FOUND)
        return await self._look(follower, seen.objects[key])

    async def _look(self, follower: Follower, canary: dict[str, object]) -> Standing:
        """The target is read before each answer: that a status is final depends on what it speaks of."""
        known = known_of(canary)
        return follower.look(known, await self._template(canary), self.session.now())

    async def _template(self, canary: dict[str, object]) -> str | None:
        """The hash of the template that is to be released; None where it can't be known."""
        place = target_of(known_of(canary))
        if place is None or not self._may_read:
            return None
        try:
            target = await self.session.read(*place)
        except CommandRefused as refused:
            self._may_read = False
            self.warn(f"{refused}: going by the Canary's status alone, which may be that of the release before")
            return None
        return None if target is None else revision_of(target["spec"]["template"])

    async def _read(self) -> dict[str, object]:
        return await self.session.canary(self.name)

    async def _follow(self) -> None:
        session = self.session
        try:
            async for seen in follow(session.transport, session.scope(self.name)):
                self._seen = seen
                self._news.set()
        except KubeError as error:
            raise explained(error, session.place, session.namespace) from error

    def _say(self, line: str) -> None:
        if line != self._told:
            self._told = line
            self.tell(line)


def as_told(standing: Standing, key: ObjectKey, status: CanaryStatus | None = None) -> dict[str, object]:
    """For programs."""
    told: dict[str, object] = {
        "namespace": key.namespace, "name": key.name, "result": standing.ending, "revision": standing.revision,
        "message": standing.message,
    }  # fmt: skip
    return told | ({"phase": status.phase} if status is not None else {})
