"""A second Canary for what has one already: the policy of deploy/ refuses it, and the controller has to do without.

The policy judges by a cache, so that what comes at the same time passes; for a story it is taken away.
"""

from __future__ import annotations

from e2e.play.kubectl import attempt, kubectl, to_yaml
from e2e.play.manifests import Json
from e2e.play.waiting import until

_BINDING = "validatingadmissionpolicybinding/one-canary-per-target.rollouts.dev"
_WITHIN_S = 30.0


async def let_rival_in(canary: Json) -> str:
    """See to it that it can be applied; what the policy said, empty where it is not installed. Raises OverdueError."""
    words, stdin = ("apply", "--dry-run=server", "--filename=-"), to_yaml([canary])
    first = await attempt(*words, stdin=stdin)
    if first.code == 0:
        return ""
    await kubectl("delete", _BINDING, "--ignore-not-found")

    async def taken() -> bool:
        return (await attempt(*words, stdin=stdin)).code == 0

    await until(taken, what="a cluster without the policy", within_s=_WITHIN_S)
    return first.said.strip()
