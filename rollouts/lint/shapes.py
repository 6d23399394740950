"""Whether an object of another's kind has the shape that the rules rely on: which of its fields are lists and objects.

No schema of those kinds: the API server has them. What has not this shape is told, and no rule looks at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

_POD = "spec.template.spec"
_REFS = ("configMapKeyRef", "secretKeyRef")
_WORKLOAD = (
    "spec!", "spec.selector", "spec.selector.matchLabels{}", "spec.template!", "spec.template.metadata",
    "spec.template.metadata.labels{}", f"{_POD}!", f"{_POD}.nodeSelector{{}}", f"{_POD}.volumes[].name'",
    *(f"{_POD}.volumes[].{one}.{name}~" for one, name in (("configMap", "name"), ("secret", "secretName"))),
    *(f"{_POD}.volumes[].projected.sources[].{one}.name~" for one in ("configMap", "secret")),
    *(
        f"{_POD}.{box}[].{field}"
        for box in ("containers", "initContainers")
        for field in (
            "name'", "ports[].name~", *(f"env[].valueFrom.{ref}.name~" for ref in _REFS),
            *(f"envFrom[].{ref}.name~" for ref in ("configMapRef", "secretRef")),
        )
    ),
)  # fmt: skip
_ISTIO_SELECTOR = ("spec", "spec.selector", "spec.selector.matchLabels{}")
_WORKLOAD_SELECTOR = ("spec", "spec.workloadSelector", "spec.workloadSelector.labels{}")
SHAPES: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "Deployment": (*_WORKLOAD, "spec.strategy"),
        "DaemonSet": (*_WORKLOAD, "spec.updateStrategy"),
        "Service": ("spec!", "spec.selector{}", "spec.ports[].port#"),
        "VirtualService": (
            "spec!", "spec.hosts[]", "spec.gateways[]",
            *(f"spec.{one}[]" for one in ("http", "tls", "tcp")),
            *(f"spec.{one}[].{two}[]" for one in ("http", "tls", "tcp") for two in ("match", "route")),
            *(
                f"spec.{one}[].route[].{field}"
                for one in ("http", "tls", "tcp")
                for field in ("weight+", "destination.host~", "destination.subset~", "destination.port.number+")
            ),
        ),
        "DestinationRule": ("spec!", "spec.host'", "spec.subsets[].name'", "spec.subsets[].labels{}"),
        "HorizontalPodAutoscaler": ("spec!", "spec.scaleTargetRef", "spec.minReplicas+", "spec.maxReplicas#"),
        "ScaledObject": (
            "spec!", "spec.scaleTargetRef",
            *(f"spec.{one}ReplicaCount+" for one in ("min", "max", "idle")),
        ),
        "PodDisruptionBudget": ("spec!", "spec.selector"),
        "NetworkPolicy": ("spec!", "spec.podSelector", "spec.ingress[]", "spec.egress[]"),
        "AuthorizationPolicy": _ISTIO_SELECTOR,
        "PeerAuthentication": _ISTIO_SELECTOR,
        "RequestAuthentication": _ISTIO_SELECTOR,
        "WasmPlugin": _ISTIO_SELECTOR,
        "Sidecar": _WORKLOAD_SELECTOR,
        "EnvoyFilter": _WORKLOAD_SELECTOR,
        "Secret": ("data{}", "stringData{}"),
        "ConfigMap": ("data{}", "binaryData{}"),
    }
)  # fmt: skip
"""By kind: `x` is an object if it is there, `x!` must be there, `x[]` is a list of objects (of texts too, where no
field below is named), `x{}` an object of texts; `x#` and `x'` must be there, and are a number and a text;
`x~` is a text, `x+` a number, if it is there."""
_TEXTS = frozenset({"spec.hosts[]", "spec.gateways[]"})


def misshapen(manifest: Any, shape: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The fields that are not what they should be: their paths, and what to write."""
    found = (one for wanted in shape for one in _look(manifest, wanted.split("."), "", texts=wanted in _TEXTS))
    yield from dict.fromkeys(found)


def _look(value: Any, steps: Sequence[str], path: str, *, texts: bool) -> Iterator[tuple[str, str]]:
    step, *rest = steps
    name = step.rstrip("[]{}!#'~+")
    below = f"{path}.{name}".lstrip(".")
    found = value.get(name) if isinstance(value, dict) else None
    if found is None:
        if step.endswith(("!", "#", "'")):
            yield below, "is required: write it"
    elif step.endswith(("#", "+")):
        yield from () if isinstance(found, int) else iter([(below, "must be a number: write it without quotes")])
    elif step.endswith(("'", "~")):
        yield from () if isinstance(found, str) else iter([(below, "must be a text: write it in quotes")])
    elif step.endswith("[]"):
        yield from _look_at_list(found, rest, below, texts=texts)
    elif not isinstance(found, dict):
        yield below, "must be an object: correct it"
    elif rest:
        yield from _look(found, rest, below, texts=texts)
    elif step.endswith("{}") and not all(isinstance(text, str) for text in found.values()):
        yield below, "must have texts as values: put numbers and true or false in quotes"


def _look_at_list(found: Any, rest: Sequence[str], path: str, *, texts: bool) -> Iterator[tuple[str, str]]:
    if not isinstance(found, list):
        yield path, "must be a list: write each entry after a dash"
        return
    for index, item in enumerate(found):
        at = f"{path}[{index}]"
        if rest and isinstance(item, dict):
            yield from _look(item, rest, at, texts=texts)
        elif not isinstance(item, str if texts else dict):
            yield at, f"must be {'a text' if texts else 'an object'}: correct it"
