"""What is released: three good versions and a bad one of a Canary with a gate for a person, and alerts. Pure."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from e2e.play.manifests import example

Json = dict[str, Any]
INTERVAL_S = 10.0
RATE_PER_S = 160.0
"""Of the clients: at half of it, the canary has some 800 requests within an interval."""
PERCENT = 50
LIMIT_PERCENT = 99
MIN_REQUESTS = 100
GATE = "confirm-promotion"
PROVIDER = "chat"
SOUND: Mapping[str, str] = {"ERROR_RATE": "0"}
ERROR_RATE = 0.5


@dataclass(frozen=True, slots=True)
class Release:
    """One version, and what is to become of it."""

    name: str
    """How its gate is opened, if it comes so far."""
    ends: str = "Succeeded"
    """The Canary's last phase."""
    env: Mapping[str, str] = field(default_factory=lambda: dict(SOUND))

    @property
    def is_good(self) -> bool:
        """Whether it comes as far as the gate."""
        return self.ends == "Succeeded"

    @property
    def exit_code(self) -> int:
        """Of the pipeline that releases it."""
        return 0 if self.is_good else 1


BY_LINK = Release("by-link")
BY_COMMAND = Release("by-command")
BY_POST = Release("by-post")
BAD = Release("bad", "Failed", {"ERROR_RATE": f"{ERROR_RATE:g}"})
RELEASES = (BY_LINK, BY_COMMAND, BY_POST, BAD)


def canary() -> Json:
    """The Canary as a user would apply it. The metric needs enough requests, so that its sentence has their number."""
    changed = copy.deepcopy(example("canary"))
    changed["spec"]["analysis"] = {
        "interval": f"{INTERVAL_S:g}s",
        "threshold": 1,
        "stepWeights": [PERCENT],
        "metrics": [
            {
                "name": "request-success-rate",
                "interval": f"{INTERVAL_S:g}s",
                "thresholdRange": {"min": LIMIT_PERCENT},
                "minRequests": MIN_REQUESTS,
            }
        ],
        "webhooks": [{"name": "release-managers", "type": GATE}],
        "alerts": [{"name": "chat", "severity": "info", "providerRef": {"name": PROVIDER}}],
    }
    return changed


def provider(address: str) -> tuple[Json, Json]:
    """The Secret with the address that lets anybody post, and the AlertProvider that names it."""
    metadata = {"name": PROVIDER, "namespace": "default"}
    return (
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"address": address}},
        {
            "apiVersion": "rollouts.dev/v1beta1",
            "kind": "AlertProvider",
            "metadata": metadata,
            "spec": {"type": "slack", "secretRef": {"name": PROVIDER}},
        },
    )
