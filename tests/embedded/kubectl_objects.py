"""What the scripts and tests of kubectl are given: objects, patches as arguments, and states."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from rollouts.api.resources import Manifest
from tests.embedded.kubectl_script import Step

_METRICS = [{"name": "request-success-rate", "interval": "10s", "thresholdRange": {"min": 99}}]


def canary(name: str = "app", **analysis: Any) -> Manifest:
    """A small one."""
    return {
        "apiVersion": "rollouts.dev/v1beta1",
        "kind": "Canary",
        "metadata": {"name": name, "labels": {"team": "blue"}},
        "spec": {
            "targetRef": {"name": name},
            "service": {"port": 80},
            "analysis": {
                "interval": "10s",
                "threshold": 2,
                "stepWeight": 10,
                "maxWeight": 50,
                "metrics": _METRICS,
                **analysis,
            },
        },
    }


def config(name: str, **data: str) -> Manifest:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def deployment(image: str = "app:1", *, replicas: int = 2, **container: Any) -> Manifest:
    """An application, with all that a server would fill in where it matters to what is printed."""
    labels = {"app": "app"}
    one = {"name": "app", "image": image, "ports": [{"containerPort": 8080, "protocol": "TCP"}], **container}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "app", "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [one]}},
        },
    }


def service() -> Manifest:
    """Of the application."""
    spec = {"selector": {"app": "app"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "app"}, "spec": spec}


def event(name: str, reason: str, message: str, kind: str = "Canary") -> Manifest:
    """About the Canary, as the controller writes it."""
    stamp = "2026-01-01T00:00:00Z"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name},
        "involvedObject": {
            "apiVersion": "rollouts.dev/v1beta1",
            "kind": kind,
            "name": "app",
            "namespace": "{namespace}",
        },
        "reason": reason,
        "message": message,
        "type": "Normal",
        "count": 1,
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "source": {"component": "rollouts"},
    }


def placed(step: Step, namespace: str) -> Step:
    """A step whose objects name the namespace they are in."""
    objects: list[Manifest] = json.loads(json.dumps(step.objects).replace("{namespace}", namespace))
    return replace(step, line=step.line.replace("{namespace}", namespace), objects=objects)


def patch(**fields: Any) -> str:
    """A patch as an argument."""
    return f"-p '{json.dumps(fields)}'"


def containers(**container: Any) -> str:
    """A patch of the one container, as an argument."""
    return patch(spec={"template": {"spec": {"containers": [container]}}})


ENV = [{"name": "VERSION", "value": "1"}, {"name": "COLOUR", "value": "blue"}]
READY: Manifest = {"phase": "Waiting", "conditions": [
    {"type": "Ready", "status": "True", "reason": "Initialized", "message": "ready",
     "lastTransitionTime": "2026-01-01T00:00:00Z"}]}  # fmt: skip
PROMOTED: Manifest = {"phase": "Succeeded", "conditions": [
    {"type": "Promoted", "status": "True", "reason": "Succeeded", "message": "serves",
     "lastTransitionTime": "2026-01-01T00:00:00Z"}]}  # fmt: skip
PROGRESS: Manifest = {"observedGeneration": 9, "replicas": 2,
             "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
             "conditions": [{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable",
                             "message": "enough", "lastTransitionTime": "2026-01-01T00:00:00Z",
                             "lastUpdateTime": "2026-01-01T00:00:00Z"}]}  # fmt: skip
