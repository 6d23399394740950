"""Canaries of each kind of routing, and VirtualServices as other people may have left them."""

from __future__ import annotations

from typing import Any

from rollouts.api.canary import CanarySpec
from tests.adapters.manifests import canary_spec

RULE = "rollouts-checkout"
PRIMARY, CANARY = {"host": "checkout-primary"}, {"host": "checkout-canary"}
MATCH = [
    {"headers": {"x-canary": {"exact": "insider"}, "cookie": {"regex": "^(.*;)?type=insider(;.*)?$"}}},
    {"queryParams": {"try": {"prefix": "yes"}}, "uri": {"prefix": "/pay"}, "sourceLabels": {"app": "shop"}},
]
AFFINITY = {"cookieName": "checkout-canary", "primaryCookieName": "checkout-primary"}
SESSION = "3f9a1c"


def routed_spec(**analysis: Any) -> CanarySpec:
    """A Canary; `analysis` is laid over its analysis, in wire names."""
    wire = canary_spec().model_dump(mode="json", by_alias=True, exclude_unset=True)
    return CanarySpec.model_validate(wire | {"analysis": wire["analysis"] | analysis})


PLAIN = routed_spec()
MATCHED = routed_spec(match=MATCH)
MIRRORED = routed_spec(mirror=True)
STICKY = routed_spec(sessionAffinity=AFFINITY)
STICKY_CANARY = routed_spec(sessionAffinity={"cookieName": "checkout-canary"})
SPECS = (PLAIN, MATCHED, MIRRORED, STICKY, STICKY_CANARY)


def route(destination: dict[str, Any], weight: int | None) -> dict[str, Any]:
    """A destination of a rule; without weight, the field is absent."""
    return {"destination": destination} | ({} if weight is None else {"weight": weight})


def rule(*routes: dict[str, Any], name: str = RULE) -> dict[str, Any]:
    """A rule to which someone has added retries."""
    return {"name": name, "route": list(routes), "retries": {"attempts": 2}}


def virtual_service(*rules: dict[str, Any]) -> dict[str, Any]:
    """As the API server has it."""
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "checkout", "namespace": "shop", "resourceVersion": "77", "labels": {"team": "payments"}},
        "spec": {"hosts": ["checkout"], "http": list(rules)},
    }
