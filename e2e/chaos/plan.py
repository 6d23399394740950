"""The three Canaries and all that stands around them, as the objects that a user would apply. Pure."""

from __future__ import annotations

from typing import Any

from e2e.play.manifests import example

Json = dict[str, Any]
REST, GOOD, BAD = "rest", "good", "bad"
NAMES = (REST, GOOD, BAD)
INTERVAL_S = 5.0
THRESHOLD = 2
WEIGHTS = (20, 40, 60, 80)
RATE_PER_S = 180.0
"""Of all clients together; each Canary has a third of it."""
ERROR_RATE = 0.5
PROVIDER = "chaos"
GATEWAY = "chaos-gateway"
DECIDED_WITHIN_S = INTERVAL_S * THRESHOLD
"""In so long a bad version is judged to be bad, from its first weight on."""


def primary(name: str) -> str:
    """The copy that serves."""
    return f"{name}-primary"


def host(name: str) -> str:
    """What clients ask for."""
    return f"{name}.chaos.example"


def deployment(name: str) -> Json:
    """The application of one Canary."""
    made = example("deployment")
    made["metadata"]["name"] = name
    made["spec"]["selector"] = {"matchLabels": {"app": name}}
    made["spec"]["template"]["metadata"]["labels"] = {"app": name}
    return made


def gateway() -> Json:
    """The way in of all three."""
    made = example("gateway")
    made["metadata"]["name"] = GATEWAY
    return made


def canary(name: str) -> Json:
    """Judged by its success rate alone: how fast the lab's machine is does not count. All its news are told."""
    made = example("canary")
    made["metadata"]["name"] = name
    made["spec"] |= {
        "targetRef": {"name": name},
        "service": {"port": 80, "targetPort": 8080, "hosts": [host(name)], "gateways": [f"default/{GATEWAY}"]},
        "analysis": {
            "interval": f"{INTERVAL_S:g}s",
            "threshold": THRESHOLD,
            "stepWeights": list(WEIGHTS),
            "metrics": [
                {"name": "request-success-rate", "interval": f"{INTERVAL_S:g}s", "thresholdRange": {"min": 99}}
            ],
            "alerts": [{"name": "told", "severity": "info", "providerRef": {"name": PROVIDER}}],
        },
    }
    return made


def provider(address: str) -> Json:
    """Where all news go."""
    return {
        "apiVersion": "rollouts.dev/v1beta1",
        "kind": "AlertProvider",
        "metadata": {"name": PROVIDER, "namespace": "default"},
        "spec": {"type": "webhook", "address": address, "detail": "all"},
    }


def version_env(name: str, version: int) -> list[str]:
    """The variables of a Canary's new version."""
    rate = ERROR_RATE if name == BAD else 0.0
    return [f"VERSION={version}", f"ERROR_RATE={rate:g}"]
