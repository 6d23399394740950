"""The CustomResourceDefinition of the Canary, made from its models: crds/canary.yaml is this module's output.

`rollouts crds` prints it, and a test fails when the file and the models differ. Nothing here is needed at run time.
"""

from __future__ import annotations

from typing import Any

import yaml

from rollouts.api.canary import CanarySpec
from rollouts.api.resources import CANARIES
from rollouts.api.rules import CHANGES, EXTRAS
from rollouts.api.schema import Schema, structural
from rollouts.api.status import CanaryStatus

_HEADER = "# Made from the models by `make crds`: change rollouts/api/ instead.\n"


def canary_crd() -> dict[str, Any]:
    """The definition as an object."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": str(CANARIES), "labels": {"app.kubernetes.io/part-of": "rollouts"}},
        "spec": {
            "group": CANARIES.group,
            "scope": "Namespaced",
            "names": {
                "kind": CANARIES.kind,
                "listKind": f"{CANARIES.kind}List",
                "plural": CANARIES.plural,
                "singular": CANARIES.kind.lower(),
                "shortNames": ["rcn"],
                "categories": ["all", "rollouts"],
            },
            "versions": [_version()],
        },
    }


def canary_crd_yaml() -> str:
    """The definition as the text of crds/canary.yaml."""
    return _HEADER + yaml.safe_dump(canary_crd(), sort_keys=False, width=120, allow_unicode=True)


def _version() -> Schema:
    return {
        "name": CANARIES.version,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": _columns(),
        "schema": {
            "openAPIV3Schema": {
                "type": "object",
                "description": "A release of one workload: its traffic moves in steps while its checks pass, or back.",
                "required": ["spec"],
                "x-kubernetes-validations": [rule.to_wire() for rule in CHANGES],
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": {"type": "object"},
                    "spec": structural(CanarySpec, EXTRAS, defaults=True),
                    "status": structural(CanaryStatus, EXTRAS, defaults=False),
                },
            },
        },
    }


def _columns() -> list[Schema]:
    ready = '.status.conditions[?(@.type=="Ready")]'
    return [
        {"name": "Status", "type": "string", "jsonPath": ".status.phase"},
        {"name": "Weight", "type": "integer", "jsonPath": ".status.desiredWeight"},
        {"name": "Step", "type": "integer", "jsonPath": ".status.stepIndex"},
        {"name": "Steps", "type": "integer", "jsonPath": ".status.stepCount", "priority": 1},
        {"name": "Failed checks", "type": "integer", "jsonPath": ".status.failedChecks", "priority": 1},
        {"name": "Ready", "type": "string", "jsonPath": f"{ready}.status", "priority": 1},
        {"name": "Reason", "type": "string", "jsonPath": f"{ready}.reason", "priority": 1},
        {"name": "Held", "type": "string", "jsonPath": ".status.hold.reason", "priority": 1},
        {"name": "Since", "type": "date", "jsonPath": ".status.lastTransitionTime", "priority": 1},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]
