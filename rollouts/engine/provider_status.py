"""What an AlertProvider's status says of its deliveries: one condition, written only when it changes. Pure."""

from __future__ import annotations

from datetime import datetime

from pydantic import ValidationError

from rollouts.api.alert_provider import AlertProviderStatus
from rollouts.api.resources import ALERT_PROVIDERS, Manifest, ObjectKey
from rollouts.api.status import CONDITION_MAX, Condition, ConditionType
from rollouts.api.texts import cut
from rollouts.ports import PatchStatus, Undelivered


def render_status(provider: Manifest, failed: Undelivered | None, now: datetime) -> PatchStatus | None:
    """The write that says how the last delivery went; None if the status says it already."""
    known = next(iter(_read(provider).conditions), None)
    status, reason, message = "True", "Delivered", ""
    if failed is not None:
        status, reason, message = "False", "DeliveryFailed", cut(failed.reason, CONDITION_MAX)
    if known is not None and (known.status, known.message) == (status, message):
        return None
    metadata = provider["metadata"]
    since = known.last_transition_time if known is not None and known.status == status else now
    told = AlertProviderStatus(
        observed_generation=metadata.get("generation", 0),
        conditions=(
            Condition.model_validate(
                {
                    "type": ConditionType.READY, "status": status, "reason": reason, "message": message,
                    "observedGeneration": metadata.get("generation", 0), "lastTransitionTime": since,
                }
            ),
        ),
    )  # fmt: skip
    wire = told.model_dump(mode="json", by_alias=True)
    return PatchStatus(ALERT_PROVIDERS, ObjectKey.of(provider), metadata["resourceVersion"], wire)


def _read(provider: Manifest) -> AlertProviderStatus:
    """Nothing of one that can't be read: it is written anew."""
    try:
        return AlertProviderStatus.model_validate(provider.get("status") or {})
    except ValidationError:
        return AlertProviderStatus()
