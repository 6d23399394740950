"""What is said of a Canary on the API server: its status and its Events."""

from __future__ import annotations

import structlog
from pydantic import ValidationError

from rollouts.api.invalid import explain_invalid
from rollouts.api.resources import CANARIES, Manifest, ObjectKey
from rollouts.api.status import CanaryStatus, ConditionType
from rollouts.core.conditions import is_told, with_conditions
from rollouts.core.decision import Announcement
from rollouts.core.observed import Problem
from rollouts.engine.editor import Editor
from rollouts.engine.news import render_event
from rollouts.engine.term import Tenure
from rollouts.errors import Forbidden, KubeError, Rejected, StatusUnreadable
from rollouts.ports import Clock, Cluster, PatchStatus

_log = structlog.get_logger(__name__)

REFUSALS = (Forbidden, Rejected)
"""Errors by which the API server says that the same write never passes until somebody changes something."""


def read_status(canary: Manifest) -> CanaryStatus:
    """The status as it stands on the object; of an object that has none, the state before anything happened.

    Raises StatusUnreadable.
    """
    try:
        return CanaryStatus.model_validate(canary.get("status") or {})
    except ValidationError as invalid:
        key, told = ObjectKey.of(canary), explain_invalid(invalid, "status")
        way_out = f"kubectl edit canaries.rollouts.dev {key.name} -n {key.namespace} --subresource=status"
        raise StatusUnreadable(f"Canary {key}: {told}: mend or empty it: {way_out}") from None


def told_refusal(status: CanaryStatus) -> Problem | None:
    """The refused write that the conditions speak of: what one process was told, the next one need not say again."""
    ready = next((one for one in status.conditions if one.type == ConditionType.READY), None)
    if ready is None or ready.reason not in {refusal.__name__ for refusal in REFUSALS}:
        return None
    return Problem(ready.reason, ready.message)


class Recorder:
    """Writes statuses and Events, nothing else."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock
        self._editors: dict[str, Editor] = {}
        """By the Canary's uid."""

    async def write_status(
        self, canary: Manifest, known: CanaryStatus, status: CanaryStatus, *, tenure: Tenure
    ) -> Manifest:
        """Make `status` the object's instead of the `known` one, in a term of ours; the object as it is then.

        Raises Conflict if it has changed since it was read.
        """
        if status == known:
            return canary
        return await self._patch(canary, status.to_wire(), tenure.next_term(known), tenure)

    async def claim(self, canary: Manifest, known: CanaryStatus, tenure: Tenure) -> Manifest:
        """Begin a term, or where the present one is ours change nothing; the object as it is then.

        Raises Conflict unless it is still as it was read.
        """
        return await self._patch(canary, {}, tenure.next_term(known), tenure)

    async def _patch(self, canary: Manifest, fields: Manifest, term: int, tenure: Tenure) -> Manifest:
        version = canary["metadata"]["resourceVersion"]
        patch = PatchStatus(CANARIES, ObjectKey.of(canary), version, fields | {"term": term})
        written = await self._cluster.write(patch)
        tenure.term = read_status(written).term
        return written

    async def announce(self, canary: Manifest, news: Announcement | None) -> None:
        """Tell people, if they are not told the like all the time. Called after the status it speaks of was written.

        An Event that can't be written is logged and lost: it holds up no release.
        """
        if news is None:
            return
        now, uid = self._clock.now(), canary["metadata"]["uid"]
        edition = self._editors.setdefault(uid, Editor()).edit(news, now)
        if edition is None:
            return
        try:
            await self._cluster.write(render_event(canary, edition, now))
        except KubeError as lost:
            _log.warning("event_lost", canary=str(ObjectKey.of(canary)), event_reason=news.reason, reason=str(lost))

    def forget(self, uid: str) -> None:
        """The Canary is gone, or another replica's."""
        self._editors.pop(uid, None)

    async def tell_problem(self, canary: Manifest, problem: Problem, tenure: Tenure) -> None:
        """Put a problem into the conditions, and announce it once."""
        known = read_status(canary)
        written = await self.write_status(canary, known, self.with_problem(canary, problem), tenure=tenure)
        if not is_told(known, problem):
            await self.announce(written, Announcement(problem.reason, problem.message, warning=True))

    def with_problem(self, canary: Manifest, problem: Problem) -> CanaryStatus:
        """The status that tells of a problem, and is else as it was."""
        generation = canary["metadata"].get("generation", 0)
        known = read_status(canary).model_copy(update={"observed_generation": generation})
        return with_conditions(known, self._clock.now(), problem=problem, news=None)
