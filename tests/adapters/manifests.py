"""The user's objects that the adapter tests start from."""

from __future__ import annotations

import copy
from typing import Any

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner

OWNER = Owner("shop", "checkout", "0b5e9d1c-4a39-4b56-8a7e-2f1f6f4f9a10")

TARGET: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "checkout",
        "namespace": "shop",
        "uid": "d7",
        "resourceVersion": "412",
        "generation": 3,
        "creationTimestamp": "2026-01-02T03:04:05Z",
        "labels": {
            "app": "checkout",
            "team": "payments",
            "app.kubernetes.io/instance": "checkout-prod",
            "app.kubernetes.io/managed-by": "Helm",
            "helm.sh/chart": "checkout-1.2.3",
            "kustomize.toolkit.fluxcd.io/name": "apps",
        },
        "annotations": {
            "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/checkout",
            "deployment.kubernetes.io/revision": "7",
        },
    },
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "checkout", "tier": "web"}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
        "minReadySeconds": 5,
        "revisionHistoryLimit": 4,
        "progressDeadlineSeconds": 120,
        "template": {
            "metadata": {
                "creationTimestamp": None,
                "labels": {"app": "checkout", "tier": "web", "version": "v2"},
                "annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-02T03:04:05Z"},
            },
            "spec": {
                "containers": [
                    {
                        "name": "web",
                        "image": "registry.example/checkout:2",
                        "env": [{"name": "VERSION", "value": "v2"}],
                        "ports": [
                            {"name": "http", "containerPort": 8080, "protocol": "TCP"},
                            {"name": "stats", "containerPort": 8125, "protocol": "UDP"},
                        ],
                    }
                ],
                "initContainers": [
                    {"name": "migrate", "image": "registry.example/migrate:2", "ports": [{"name": "debug"}]},
                    {
                        "name": "proxy",
                        "image": "registry.example/proxy:1",
                        "restartPolicy": "Always",
                        "ports": [{"name": "http-proxy", "containerPort": 9000, "protocol": "TCP"}],
                    },
                ],
                "affinity": {
                    "podAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": [
                            {
                                "labelSelector": {"matchLabels": {"app": "cache"}},
                                "topologyKey": "topology.kubernetes.io/zone",
                            }
                        ]
                    },
                    "podAntiAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": [
                            {
                                "labelSelector": {"matchLabels": {"app": "checkout"}},
                                "topologyKey": "kubernetes.io/hostname",
                            }
                        ],
                        "preferredDuringSchedulingIgnoredDuringExecution": [
                            {
                                "weight": 10,
                                "podAffinityTerm": {
                                    "labelSelector": {
                                        "matchExpressions": [
                                            {"key": "app", "operator": "In", "values": ["batch", "checkout"]},
                                            {"key": "tier", "operator": "In", "values": ["checkout"]},
                                        ]
                                    },
                                    "topologyKey": "topology.kubernetes.io/zone",
                                },
                            }
                        ],
                    },
                },
                "topologySpreadConstraints": [
                    {
                        "maxSkew": 1,
                        "topologyKey": "topology.kubernetes.io/zone",
                        "whenUnsatisfiable": "DoNotSchedule",
                        "labelSelector": {"matchLabels": {"app": "checkout"}},
                    }
                ],
            },
        },
    },
    "status": {
        "observedGeneration": 3,
        "replicas": 3,
        "updatedReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
    },
}


def target() -> dict[str, Any]:
    """A copy of the user's Deployment, free to be changed."""
    return copy.deepcopy(TARGET)


def canary_spec(**service: Any) -> CanarySpec:
    """A Canary for that Deployment; `service` is laid over its service, in wire names."""
    return CanarySpec.model_validate(
        {
            "targetRef": {"name": "checkout"},
            "service": {"port": 80, "targetPort": "http"} | service,
            "analysis": {
                "interval": "30s",
                "stepWeight": 10,
                "metrics": [{"name": "request-success-rate", "thresholdRange": {"min": 99}}],
            },
        }
    )
