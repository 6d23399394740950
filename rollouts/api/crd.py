"""The CustomResourceDefinitions, made from the models: the files in crds/ are this module's output.

`rollouts crds` prints them, and a test fails when a file and the models differ. Nothing here is needed at run time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import BaseModel

from rollouts.api.alert_provider import AlertProviderSpec, AlertProviderStatus
from rollouts.api.alert_provider_rules import PROVIDER_EXTRAS
from rollouts.api.canary import CanarySpec
from rollouts.api.change_rules import CHANGES
from rollouts.api.resources import ALERT_PROVIDERS, ANALYSIS_TEMPLATES, CANARIES, Resource
from rollouts.api.rules import EXTRAS
from rollouts.api.schema import Extras, Rule, Schema, structural
from rollouts.api.status import CanaryStatus
from rollouts.api.template import AnalysisTemplateSpec, AnalysisTemplateStatus
from rollouts.api.template_rules import TEMPLATE_EXTRAS

_HEADER = "# Made from the models by `make crds`: change rollouts/api/ instead.\n"
_READY = '.status.conditions[?(@.type=="Ready")]'


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of ours, as the API server is told of it."""

    resource: Resource
    short: str
    description: str
    models: tuple[type[BaseModel], type[BaseModel]]
    """Spec and status."""
    extras: Extras
    columns: Sequence[Schema]
    changes: Sequence[Rule] = ()
    categories: tuple[str, ...] = ("all", "rollouts")


def canary_crd() -> dict[str, Any]:
    """The definition of the Canary as an object."""
    return _definition(_CANARY)


def template_crd() -> dict[str, Any]:
    """The definition of the AnalysisTemplate as an object."""
    return _definition(_TEMPLATE)


def provider_crd() -> dict[str, Any]:
    """The definition of the AlertProvider as an object."""
    return _definition(_PROVIDER)


def canary_crd_yaml() -> str:
    """The definition as the text of crds/canary.yaml."""
    return _as_yaml(canary_crd())


def template_crd_yaml() -> str:
    """The definition as the text of crds/analysistemplate.yaml."""
    return _as_yaml(template_crd())


def provider_crd_yaml() -> str:
    """The definition as the text of crds/alertprovider.yaml."""
    return _as_yaml(provider_crd())


def _as_yaml(definition: Schema) -> str:
    return _HEADER + yaml.safe_dump(definition, sort_keys=False, width=120, allow_unicode=True)


def _definition(kind: _Kind) -> Schema:
    resource = kind.resource
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": str(resource), "labels": {"app.kubernetes.io/part-of": "rollouts"}},
        "spec": {
            "group": resource.group,
            "scope": "Namespaced",
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": resource.kind.lower(),
                "shortNames": [kind.short],
                "categories": list(kind.categories),
            },
            "versions": [_version(kind)],
        },
    }


def _version(kind: _Kind) -> Schema:
    spec, status = kind.models
    rules = {"x-kubernetes-validations": [rule.to_wire() for rule in kind.changes]} if kind.changes else {}
    return {
        "name": kind.resource.version,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": list(kind.columns),
        "schema": {
            "openAPIV3Schema": {
                "type": "object",
                "description": kind.description,
                "required": ["spec"],
                **rules,
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": {"type": "object"},
                    "spec": structural(spec, kind.extras, defaults=True),
                    "status": structural(status, kind.extras, defaults=False),
                },
            },
        },
    }


_CANARY = _Kind(
    CANARIES,
    "rcn",
    "A release of one workload: its traffic moves in steps while its checks pass, or back.",
    (CanarySpec, CanaryStatus),
    EXTRAS,
    (
        {"name": "Status", "type": "string", "jsonPath": ".status.phase"},
        {"name": "Weight", "type": "integer", "jsonPath": ".status.desiredWeight"},
        {"name": "Step", "type": "integer", "jsonPath": ".status.stepIndex"},
        {"name": "Steps", "type": "integer", "jsonPath": ".status.stepCount", "priority": 1},
        {"name": "Failed checks", "type": "integer", "jsonPath": ".status.failedChecks", "priority": 1},
        {"name": "Ready", "type": "string", "jsonPath": f"{_READY}.status", "priority": 1},
        {"name": "Reason", "type": "string", "jsonPath": f"{_READY}.reason", "priority": 1},
        {"name": "Held", "type": "string", "jsonPath": ".status.hold.reason", "priority": 1},
        {"name": "Since", "type": "date", "jsonPath": ".status.lastTransitionTime", "priority": 1},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ),
    CHANGES,
)
_TEMPLATE = _Kind(
    ANALYSIS_TEMPLATES,
    "rat",
    "A check that Canaries use by its name, with arguments of theirs.",
    (AnalysisTemplateSpec, AnalysisTemplateStatus),
    TEMPLATE_EXTRAS,
    (
        {"name": "Provider", "type": "string", "jsonPath": ".spec.provider.type"},
        {"name": "Ready", "type": "string", "jsonPath": f"{_READY}.status"},
        {"name": "Reason", "type": "string", "jsonPath": f"{_READY}.reason"},
        {"name": "Address", "type": "string", "jsonPath": ".spec.provider.address", "priority": 1},
        {"name": "Message", "type": "string", "jsonPath": f"{_READY}.message", "priority": 1},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ),
    categories=("rollouts",),
)
_PROVIDER = _Kind(
    ALERT_PROVIDERS,
    "rap",
    "Where people are told of releases, and of which.",
    (AlertProviderSpec, AlertProviderStatus),
    PROVIDER_EXTRAS,
    (
        {"name": "Type", "type": "string", "jsonPath": ".spec.type"},
        {"name": "Ready", "type": "string", "jsonPath": f"{_READY}.status"},
        {"name": "Reason", "type": "string", "jsonPath": f"{_READY}.reason"},
        {"name": "Message", "type": "string", "jsonPath": f"{_READY}.message", "priority": 1},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ),
    categories=("rollouts",),
)
