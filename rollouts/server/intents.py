"""Writes of the server: one annotation on a Canary, in the name of who asked. What follows is the engine's matter."""

from __future__ import annotations

import structlog

from rollouts.api.actions import Action, read_actions
from rollouts.api.intents import patch_of
from rollouts.api.resources import CANARIES, Manifest, ObjectKey
from rollouts.api.status import status_in
from rollouts.core.heard import is_taken
from rollouts.errors import Conflict, KubeError, RolloutsError
from rollouts.ports import Cluster, PatchJson

_log = structlog.get_logger(__name__)

ATTEMPTS = 4


class NoCanary(RolloutsError):
    """404: there is no such Canary, or not any more."""


class Scribe:
    """Writes what people ask for, and one line for each into the log, whatever came of it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def write(self, key: ObjectKey, action: Action, address: str, *, uid: str = "") -> Manifest:
        """The Canary with the action on it. `uid`: the one that is meant. Raises NoCanary, or KubeError."""
        outcome = "failed"
        try:
            canary = await self._written(key, action, uid)
            outcome = "asked"
        except (NoCanary, KubeError) as refused:
            outcome = f"failed: {refused}"
            raise
        finally:
            audit(key, action, address, outcome)
        return canary

    async def _written(self, key: ObjectKey, action: Action, uid: str) -> Manifest:
        for left in reversed(range(ATTEMPTS)):
            canary = self._cluster.read(CANARIES, key)
            if canary is None or (uid and canary["metadata"]["uid"] != uid):
                raise NoCanary(f"there is no Canary {key}")
            if is_asked(canary, action):
                return canary
            try:
                return await self._cluster.write(PatchJson(CANARIES, key, patch_of(canary, action)))
            except Conflict:
                if not left:
                    raise
        raise AssertionError  # pragma: no cover


def audit(key: ObjectKey, action: Action, address: str, outcome: str) -> None:
    """One line for each write, also one that was refused: who wanted what of which Canary, and from where."""
    _log.info(
        "audit", user=action.user, verb=str(action.verb), canary=str(key), revision=action.revision, outcome=outcome,
        address=address, id=action.id, via=action.via or "api", reason=action.reason,
    )  # fmt: skip


def is_asked(canary: Manifest, action: Action) -> bool:
    """Whether the same was asked before: it is one intent, however often it is sent."""
    there = {(one.verb, one.key, one.id) for one in read_actions(canary)}
    status = status_in(canary)
    taken = status is not None and is_taken(status, action)
    return taken or (action.verb, action.key, action.id) in there
