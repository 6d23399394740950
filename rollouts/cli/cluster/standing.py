"""Whether the release that somebody waits for is over, and how: what `rollouts status` decides by. Pure.

It follows the revision that is being released now. The status may still speak of the one before: the controller has not
seen the new template yet, or not the new spec. Then nothing is over. And a release that was seen running, and is
replaced by another before it was promoted, has not succeeded, whatever becomes of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rollouts.api.actions import Verb
from rollouts.api.resources import DAEMON_SETS, DEPLOYMENTS, ObjectKey, Resource
from rollouts.api.status import CanaryStatus, ConditionType, Phase
from rollouts.cli.cluster.model import Known
from rollouts.core.outlook import condition_of, outlook
from rollouts.core.parts import in_percent

_KINDS: Mapping[str, Resource] = {"Deployment": DEPLOYMENTS, "DaemonSet": DAEMON_SETS}


class Ending(StrEnum):
    """How far the release is."""

    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of it now."""

    ending: Ending
    message: str
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which release is meant, if not the present one."""

    revision: str = ""
    """It begins so."""
    since: datetime | None = None
    """It began then, or later."""


def target_of(known: Known) -> tuple[Resource, ObjectKey] | None:
    """The workload whose template is released: the target, or the subset that does not serve."""
    spec, status = known.spec, known.status
    if not spec.swaps:
        return _KINDS[spec.target.kind], ObjectKey(known.key.namespace, spec.target.name)
    other = spec.other_subset(status.stable_subset)
    return None if other is None else (DEPLOYMENTS, ObjectKey(known.key.namespace, other.target_ref.name))


def unseen(status: CanaryStatus, template: str) -> bool:
    """Whether the controller has still to notice that template, by its hash.

    Where configuration is part of a revision, that of the template alone is kept beside it.
    """
    noticed = {status.applied_template or status.last_applied_spec}
    if status.stable_subset:
        noticed |= {status.last_applied_spec, status.idle_spec}
    return template not in noticed


class Follower:
    """Looks at one Canary again and again. `template` is the hash of the target's, None where nobody may read it."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._running = ""
        """The revision that was seen being released."""

    def look(self, known: Known, template: str | None, now: datetime) -> Standing:
        """How the release stands now."""
        status, revision = known.status, known.status.last_applied_spec
        if known.deleting or status.phase is Phase.TERMINATING:
            return Standing(Ending.FAILED, "the Canary is being deleted", revision)
        if late := self._not_yet(known, template):
            return Standing(Ending.RUNNING, late, revision)
        if self._running and revision != self._running:
            replaced = f"revision {self._running} was replaced by {revision} before it was promoted"
            return Standing(Ending.FAILED, f"{replaced}: {_said(status)}", self._running)
        match status.phase:
            case Phase.SUCCEEDED | Phase.INITIALIZED:
                return Standing(Ending.SUCCEEDED, _said(status), revision)
            case Phase.FAILED:
                return Standing(Ending.FAILED, _said(status), revision)
            case _:
                self._running = revision
                return Standing(Ending.RUNNING, _progress(known, now), revision)

    def _not_yet(self, known: Known, template: str | None) -> str:
        """Why the status does not speak of the release that is meant; empty if it does."""
        status = known.status
        if status.phase is None or status.phase is Phase.INITIALIZING:
            return f"not initialized yet: {_said(status)}"
        if not known.seen:
            return "the controller has not seen the last change of the spec yet"
        if template is not None and unseen(status, template) and not self._running:
            blocked = condition_of(status, ConditionType.READY)
            why = f": {blocked.message}" if blocked is not None and blocked.message else ""
            return f"the controller has not begun to release the target's new template yet{why}"
        wanted = self._wanted
        if wanted.revision and not status.last_applied_spec.startswith(wanted.revision) and not self._running:
            return f"revision {wanted.revision} is not released yet; the last one is {status.last_applied_spec}"
        if wanted.since is not None and (status.started_at is None or status.started_at < wanted.since):
            return f"no release has begun since {wanted.since.isoformat(timespec='seconds')}"
        return ""


def _said(status: CanaryStatus) -> str:
    """What the controller said last."""
    told = [condition_of(status, kind) for kind in (ConditionType.READY, ConditionType.PROMOTED)]
    if status.phase not in {None, Phase.INITIALIZING}:
        told.reverse()
    return next((one.message for one in told if one is not None and one.message), f"it is {status.phase or 'new'}")


def _progress(known: Known, now: datetime) -> str:
    status = known.status
    share = in_percent(status.desired_weight, status.weight_total)
    found = outlook(known.spec, status, now)
    hint = "; `approve` opens it, `reject` ends the release" if Verb.APPROVE in found.possible else ""
    return f"{status.phase} at {share}: {found.why}{hint}"
