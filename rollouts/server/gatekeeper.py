"""Who asks, and what they may: both are the API server's to say, with the caller's own token. Nothing here decides.

Answers are kept for seconds, under a hash of the token: a right that is taken away ends that soon, and a page that asks
often costs the API server little.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from rollouts.errors import RolloutsError
from rollouts.ports import Access, OnBehalf

USER_HOLDS_S, RIGHT_HOLDS_S, REFUSAL_HOLDS_S = 10.0, 5.0, 2.0
"""How long it is believed whose a token is, that its owner may do something, and either no."""
KEPT = 2048
"""Answers of one kind; the oldest make room."""
TOKEN_MAX = 16 * 1024


class NotKnown(RolloutsError):
    """401: there is no token, or it is nobody's."""


class NotAllowed(RolloutsError):
    """403: the caller's account lacks a right, which the message names."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whom the API server knows."""

    user: str
    token: str = field(repr=False)

    @property
    def digest(self) -> str:
        """Stands for the token where it is remembered."""
        return _digest(self.token)


K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Answers(Generic[K, V]):
    """The newest answers, each until its time is over."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def known(self, key: K) -> V | None:
        until_s, answer = self._kept.get(key, (0.0, None))
        return answer if self._monotonic() < until_s else None

    def keep(self, key: K, answer: V, for_s: float) -> None:
        self._kept[key] = (self._monotonic() + for_s, answer)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


class Gatekeeper:
    """Lets in whom the API server knows, to what it allows."""

    def __init__(self, reviews: OnBehalf, monotonic: Callable[[], float]) -> None:
        self._reviews = reviews
        self._users: _Answers[str, str] = _Answers(monotonic)
        self._rights: _Answers[tuple[str, Access], bool] = _Answers(monotonic)

    async def known(self, authorization: str) -> Caller:
        """Who sends that header. Raises NotKnown, or KubeError where nobody can tell."""
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise NotKnown(
                "send your Kubernetes token: Authorization: Bearer <token>, as `kubectl create token` makes one"
            )
        if len(token) > TOKEN_MAX or not (token.isascii() and token.isprintable()) or " " in token:
            raise NotKnown("that is no token of Kubernetes")
        digest = _digest(token)
        user = self._users.known(digest)
        if user is None:
            user = await self._reviews.user(token) or ""
            self._users.keep(digest, user, USER_HOLDS_S if user else REFUSAL_HOLDS_S)
        if not user:
            raise NotKnown("the API server does not know that token, or it has ended: get another one")
        return Caller(user, token)

    async def demand(self, caller: Caller, access: Access) -> None:
        """Raises NotAllowed unless the caller may do that, or KubeError where nobody can tell."""
        if not await self.may(caller, access):
            name = f" {access.name}" if access.name else ""
            raise NotAllowed(
                f"{caller.user} may not {access}{name}: grant the verb {access.verb} in a Role or ClusterRole"
            )

    async def may(self, caller: Caller, access: Access) -> bool:
        """Whether the caller may do that."""
        key = (caller.digest, access)
        allowed = self._rights.known(key)
        if allowed is None:
            allowed = await self._reviews.may(caller.token, access)
            self._rights.keep(key, allowed, RIGHT_HOLDS_S if allowed else REFUSAL_HOLDS_S)
        return allowed


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
