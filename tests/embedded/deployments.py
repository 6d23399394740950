"""A Deployment as a server has it, with every kind of list that a strategic merge patch treats in its own way."""

from __future__ import annotations

from rollouts.api.resources import Manifest


def deployment(*containers: str) -> Manifest:
    """With containers of these names."""
    pod = {
        "containers": [_container(name) for name in containers or ("a", "b", "c")],
        "volumes": [{"name": "scratch", "emptyDir": {}}],
        "tolerations": [{"key": "old", "operator": "Exists"}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}, "finalizers": ["x/one", "x/two"]},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": pod},
        },
    }


def _container(name: str) -> Manifest:
    return {
        "name": name,
        "image": f"{name}:1",
        "env": [{"name": "ONE", "value": name}, {"name": "TWO", "value": "2"}],
        "ports": [{"containerPort": 80, "protocol": "TCP"}],
        "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
        "args": ["--old"],
    }


def in_pod(**fields: object) -> Manifest:
    """A patch of the pod template's spec."""
    return {"spec": {"template": {"spec": fields}}}
