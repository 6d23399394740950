"""Alerts as a user writes them in a Canary: which AlertProvider hears of it, and how loud news must be for that.

Names are Flagger's. Frozen wire types, like canary.py; what a provider is stands in alert_provider.py.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from rollouts.api.hooks import SECRET_NAME_PATTERN
from rollouts.api.wire import WIRE

ALERTS_MAX = 8
ALERT_NAMES = "alerts: each name may stand once"
OBJECT_NAME_PATTERN = SECRET_NAME_PATTERN
NAMESPACE_PATTERN = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
"""Written otherwise than a port's name: rules go by the text, and a port may be a number."""

ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=OBJECT_NAME_PATTERN)]
NamespaceName = Annotated[str, Field(min_length=1, max_length=63, pattern=NAMESPACE_PATTERN)]


class Severity(StrEnum):
    """How loud news is; who hears of one level hears of those after it too."""

    INFO = "info"
    """A release starts, waits at a gate, is promoted."""
    WARN = "warn"
    """Something is not as it should be, and the release goes on or waits."""
    ERROR = "error"
    """A release has failed, or its canary serves nobody."""

    @property
    def rank(self) -> int:
        """Greater is louder."""
        return list(Severity).index(self)


class ProviderRef(BaseModel):
    """An AlertProvider."""

    model_config = WIRE

    name: ObjectName = Field(description="Name of the AlertProvider.")
    namespace: NamespaceName | None = Field(
        None, description="Its namespace, if not the Canary's own: then its spec.namespaces must name the Canary's."
    )


class Alert(BaseModel):
    """Who is told of a Canary."""

    model_config = WIRE

    name: Annotated[str, Field(min_length=1, max_length=63)] = Field(description="Name of the alert, for people.")
    severity: Severity = Field(Severity.INFO, description="The least severity that is told.")
    provider_ref: ProviderRef = Field(description="The AlertProvider that tells it.")
