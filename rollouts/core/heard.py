"""Whether an action was taken before, by what the status remembers: the last of each verb, and of approvals under keys
of their own a short hash, while their annotation is there. Pure.
"""

from __future__ import annotations

import hashlib

from rollouts.api.actions import Action
from rollouts.api.status import HEARD, CanaryStatus

_CUT_FROM = 24
"""A name this long may be the beginning of one: texts give way to each other, the longest first."""


def is_taken(status: CanaryStatus, action: Action) -> bool:
    """Whether that was carried out or refused before."""
    if action.key:
        return digest_of(action) in status.heard
    return any((done.verb, done.id) == (action.verb, action.id) for done in status.actions)


def digest_of(action: Action) -> str:
    """By what an approval under a key of its own is remembered."""
    return hashlib.sha256(f"{action.key} {action.id}".encode(errors="replace")).hexdigest()[:HEARD]


def may_be(known: str, user: str) -> bool:
    """Whether the name that is remembered is that user's, or its beginning."""
    return known == user or (len(known) >= _CUT_FROM and user.startswith(known))
