"""Why a kind can't be watched, in words that tell a person what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rollouts.api.resources import GROUP, Resource
from rollouts.errors import Forbidden, KubeError, NotFound

_INSTALL: Mapping[str, str] = MappingProxyType(
    {
        GROUP: "apply the CRDs in crds/",
        "networking.istio.io": "install Istio's CRDs",
        "gateway.networking.k8s.io": "install the Gateway API's CRDs",
    }
)


def explain_trouble(resource: Resource, error: KubeError) -> str:
    """One sentence for conditions and events: what is wrong and, where it can be known, the way out."""
    if isinstance(error, NotFound):
        remedy = _INSTALL.get(resource.group, "install what defines this kind")
        return f"{resource} is not served by this cluster: {remedy}"
    if isinstance(error, Forbidden):
        return f"the controller's account lacks the right to {error.verb} {error.resource}: {error}"
    return f"{resource} can't be watched: {error}"


def is_lasting(error: KubeError) -> bool:
    """Whether waiting alone won't help: the kind is absent, or the right is missing."""
    return isinstance(error, (NotFound, Forbidden))
