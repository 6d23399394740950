"""Troubles that mostly end by themselves, such as a watch that breaks: people are told of one only when it lasts.

The conditions say it at once. Since when it goes untold stands in the status, so that another process tells it no
sooner, no later and no second time. One that ends before that was never worth a word.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from rollouts.api.status import CanaryStatus, ConditionType
from rollouts.core.finding import Finding
from rollouts.core.observed import Observed, Problem
from rollouts.core.phases import Event

PATIENCE = timedelta(seconds=30)
"""How long such a trouble lasts before it is told."""
_PASSING = frozenset({"KindUnavailable"})


def passes(problem: Problem) -> bool:
    """Whether it is of the sort that may end by itself."""
    return problem.reason in _PASSING


def untold_since(status: CanaryStatus, seen: Observed, finding: Finding) -> datetime | None:
    """Since when people are spared, for the status; None if there is nothing to tell, or the time for it has come."""
    if seen.problem is None or not passes(seen.problem):
        return None
    if finding.event is not Event.BLOCKED:
        return status.untold_since
    since = status.untold_since or (None if _is_told(status, seen.problem) else seen.now)
    return None if since is None or seen.now - since >= PATIENCE else since


def told_at(after: CanaryStatus, finding: Finding) -> datetime | None:
    """When it will be told, if it still blocks the Canary then."""
    if finding.event is not Event.BLOCKED or after.untold_since is None:
        return None
    return after.untold_since + PATIENCE


def is_over(status: CanaryStatus, seen: Observed) -> bool:
    """Whether the conditions speak of such a trouble that has ended. Left there it would be taken for told."""
    ready = (told.reason for told in status.conditions if told.type == ConditionType.READY)
    return seen.problem is None and not _PASSING.isdisjoint(ready)


def _is_told(status: CanaryStatus, problem: Problem) -> bool:
    """Whether the conditions name the same thing: up to the first colon. What follows is how the last attempt ended."""
    matter = problem.message.partition(":")[0]
    return any(
        told.type == ConditionType.READY and told.reason == problem.reason and told.message.partition(":")[0] == matter
        for told in status.conditions
    )
