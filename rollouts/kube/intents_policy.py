"""The port `Vouching` over a transport: whether deploy/policies/intents.yaml is in force on this API server.

Two GETs, when somebody asks and the last answer is old; an account that may not read them knows nothing: then nobody
is vouched for.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from rollouts.api.resources import ADMISSION_BINDINGS, ADMISSION_POLICIES, INTENTS_POLICY, Manifest, ObjectKey
from rollouts.errors import Forbidden, KubeError, NotFound
from rollouts.kube.requests import get
from rollouts.kube.transport import Transport
from rollouts.ports import Clock

_log = structlog.get_logger(__name__)

HOLDS = timedelta(seconds=30)
"""How long an answer holds."""


class KubeVouching:
    """Implements `ports.Vouching`."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self._told = False
        self._refused = False
        self._until: datetime | None = None

    async def vouches(self) -> bool:
        """Whether nobody can write an action in another's name. A server that is away leaves it as it was known."""
        now = self._clock.now()
        if self._until is None or now >= self._until:
            self._told = await self._ask()
            self._until = now + HOLDS
        return self._told

    async def _ask(self) -> bool:
        key = ObjectKey("", INTENTS_POLICY)
        try:
            policy = (await self._transport.send(get(ADMISSION_POLICIES, key))).manifest()
            binding = (await self._transport.send(get(ADMISSION_BINDINGS, key))).manifest()
        except NotFound:
            return False
        except Forbidden as refused:
            if not self._refused:
                _log.warning("intents_not_vouched", reason=str(refused), shown_as="unverified")
            self._refused = True
            return False
        except KubeError:
            return self._told
        return is_in_force(policy, binding)


def is_in_force(policy: Manifest, binding: Manifest) -> bool:
    """Whether they refuse, whatever fails, for every Canary there is."""
    bound = binding.get("spec") or {}
    strict = (policy.get("spec") or {}).get("failurePolicy", "Fail") == "Fail"
    denies = "Deny" in (bound.get("validationActions") or ())
    return strict and denies and bound.get("policyName") == INTENTS_POLICY and not bound.get("matchResources")
