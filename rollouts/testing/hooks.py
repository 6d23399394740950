"""Receivers of webhooks that answer from a script, and the check that a real one makes of a signature.

Scripts hold attempts, not outcomes: retries, pauses and reasons are those of the real adapter, in the given clock's
time. A URL that nobody has scripted is a defect, and raises.
"""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from random import Random

from rollouts.core.measurement import HookOutcome
from rollouts.hooks.answer import Answered, Attempt, Silent, outcome_of
from rollouts.hooks.persist import persist
from rollouts.hooks.signature import sign
from rollouts.ports import Clock, HookRequest

YES = Answered(200)
NO = Answered(403, b"not yet")
TOLERANCE_S = 300.0
"""How old or new a signed call may be, as the specification has it."""


class ScriptedHooks:
    """Implements `ports.Hooks`."""

    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._scripts: dict[str, deque[Attempt]] = {}
        self.received: list[HookRequest] = []
        """The request of each attempt, also of those that nobody answered."""
        self.outage = False
        """While set, nothing is answered."""

    def script(self, url: str, *attempts: Attempt) -> None:
        """From now on attempts to call `url` end like this, one after another; the last one stays."""
        self._scripts[url] = deque(attempts)

    async def call(self, request: HookRequest) -> HookOutcome:
        """As the port says."""
        ended = await persist(partial(self._attempt, request), request, self._clock, self._random)
        return outcome_of(ended, request)

    async def _attempt(self, request: HookRequest) -> Attempt:
        self.received.append(request)
        if self.outage:
            return Silent(f"no answer within {request.timeout_s:g} s")
        script = self._scripts[request.url]
        return script.popleft() if len(script) > 1 else script[0]


def verify(headers: Mapping[str, str], body: bytes, key: bytes, now: datetime) -> bool:
    """Whether a receiver should believe a call: signed with the key, whole, and of about now. Names in lower case."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not timestamp.isdecimal() or abs(now.timestamp() - int(timestamp)) > TOLERANCE_S:
        return False
    wanted = sign(key, message_id=message_id, timestamp=timestamp, body=body)
    return any(hmac.compare_digest(wanted, one) for one in headers.get("webhook-signature", "").split(" "))
