"""Gathers what `step` is to judge, from the stores alone: no request, no waiting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from rollouts.api.actions import read_actions
from rollouts.api.status import CanaryStatus
from rollouts.core.measurement import Sample
from rollouts.core.observed import NO_MAIL, Mail, Observed
from rollouts.engine.config_sources import secret_problems
from rollouts.engine.contest import find_contest
from rollouts.engine.modes import mode_of
from rollouts.engine.recall import Recall
from rollouts.engine.secrets_off import hook_problems
from rollouts.engine.subject import Subject
from rollouts.ports import Cluster


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back from outside for one Canary since."""

    samples: tuple[Sample, ...] = ()
    delivered: frozenset[int] = frozenset()
    """Numbers of notices."""
    grid_s: float = 0.0
    """As in `Observed`."""
    vouched: bool = False
    """Whether the names in actions are true."""
    mail: Mail = NO_MAIL
    alerted: bool = False
    """Whether an AlertProvider hears of it that the spec does not name."""
    secrets_off: bool = False
    """Whether the operator lets no Secret be read."""
    judged_at: datetime | None = None
    """As in `Observed`."""


def observe(  # noqa: PLR0913 - all that a look needs
    cluster: Cluster, subject: Subject, status: CanaryStatus, now: datetime, heard: Heard, *, recall: Recall
) -> Observed:
    """The world around one Canary at `now`."""
    mode, metadata = mode_of(subject.spec), subject.manifest["metadata"]
    deleting = "deletionTimestamp" in metadata
    sides = mode.observe(cluster, subject, status, heard.samples, deleting=deleting)
    problem = next(find_contest(cluster, subject.owner, subject.spec), None) or recall.of(
        cluster,
        "problem",
        (subject.owner, subject.spec, status.stable_subset),
        lambda reading: next(mode.problems(reading, subject, status.stable_subset), None),
    )
    unread = secret_problems(cluster, subject, sides.secrets, heard.samples)
    unsent = hook_problems(subject) if heard.secrets_off else ()
    return Observed(
        now=now,
        generation=metadata.get("generation", 0),
        target=sides.target,
        primary=sides.primary,
        route_weight=sides.route_weight,
        routed=sides.routed,
        apex_on_primary=sides.apex_on_primary,
        stable_subset=sides.stable_subset,
        secrets=sides.secrets,
        problem=problem or next(chain(unread, unsent), None),
        actions=read_actions(subject.manifest, verified=heard.vouched),
        samples=heard.samples,
        grid_s=heard.grid_s,
        delivered=heard.delivered,
        mail=heard.mail,
        alerted=heard.alerted,
        deleting=deleting,
        made=sides.made,
        released=sides.released,
        abandoned=sides.abandoned,
        faults=sides.faults,
        service=sides.service,
        judged_at=heard.judged_at,
    )
