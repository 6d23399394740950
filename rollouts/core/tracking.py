"""Configuration as part of a revision: when Secrets are to be read, and which pods run on a configuration of before.

A ConfigMap is watched, and what is in it stands in the target's revision. A Secret is asked for one by one: when the
template changes, when its copy is due, and every `configResync`. What is in either is not known here, only digests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase, SecretsRead
from rollouts.core.measurement import Question, SecretProbe
from rollouts.core.observed import Observed, SecretSeen, WorkloadState, template_of

RETRY = timedelta(seconds=30)
"""When an answer that was none is asked for again."""
COPY_HOLD = timedelta(seconds=5)
"""How long an answer holds while a copy is due, which is refused if the content has changed since."""
READING = "reading the Secrets that the target refers to"


@dataclass(frozen=True, slots=True)
class Reading:
    """What is to be asked now, and when next."""

    asks: tuple[Question, ...] = ()
    wake_at: datetime | None = None


def look_at_secrets(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Reading:
    """Which of the Secrets are due to be read."""
    record = status.secrets_read
    if record is None or status.phase is Phase.TERMINATING:
        return Reading()
    resync = timedelta(seconds=spec.config_resync_s)
    asks, instants = list[Question](), list[datetime]()
    for secret in seen.secrets:
        hold = COPY_HOLD if _copy_is_due(status, seen) else resync
        hold = RETRY if secret.refused else hold
        if secret.at is None or secret.at < record.since <= seen.now or seen.now >= secret.at + hold:
            asks.append(SecretProbe(secret.name))
        else:
            instants.append(secret.at + hold)
    return Reading(tuple(asks), min(instants, default=None))


def secrets_known(status: CanaryStatus, seen: Observed) -> bool:
    """Whether the target's revision is what it says: all Secrets have been read since the template changed."""
    record = status.secrets_read
    return not seen.secrets or (record is not None and len(record.digests) == len(seen.secrets))


def may_be_copied(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> bool:
    """Whether that can be relied on for a copy; at a promotion, of what was read since it was decided."""
    record = status.secrets_read
    if status.phase is not Phase.PROMOTING or record is None:
        return secrets_known(status, seen)
    counting = all(_counts(one, record) for one in seen.secrets)
    return secrets_known(status, seen) and counting and not look_at_secrets(spec, status, seen).asks


def note_secrets(status: CanaryStatus, seen: Observed) -> dict[str, Any]:
    """What was read, as fields of the status; another template has to be read anew."""
    if seen.target is None:
        return {}
    if not seen.secrets:
        return {"secrets_read": None}
    record, template = status.secrets_read, template_of(seen.target)
    if record is None or record.template != template or len(record.digests) not in {0, len(seen.secrets)}:
        record = SecretsRead(template=template, since=seen.now)
    if all(_counts(one, record) for one in seen.secrets):
        record = record.model_copy(update={"digests": tuple(one.digest for one in seen.secrets)})
    return {"secrets_read": record}


def run_on_old(status: CanaryStatus, target: WorkloadState) -> bool:
    """Whether a release of `target` begins with pods that have another configuration.

    Another template brings pods of its own; another configuration alone brings none.
    """
    if target.revision == status.last_applied_spec:
        return status.replacing
    same = template_of(target) == (status.applied_template or status.last_applied_spec)
    return same and (target.replicas > 0 or target.available > 0)


def are_gone(target: WorkloadState | None) -> bool:
    """Whether no pod of it is left, and none is meant to be."""
    return target is not None and target.replicas == 0 and target.available == 0 and target.ready


def _counts(secret: SecretSeen, record: SecretsRead) -> bool:
    return secret.digest is not None and secret.at is not None and secret.at >= record.since


def _copy_is_due(status: CanaryStatus, seen: Observed) -> bool:
    copied = seen.primary is not None and seen.primary.source_revision == status.last_applied_spec
    return status.phase is Phase.PROMOTING and not copied
