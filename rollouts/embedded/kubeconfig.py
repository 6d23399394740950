"""The kubeconfig by which kubectl, and the controller, reach the embedded cluster."""

from __future__ import annotations

from pathlib import Path

import yaml

NAME = "rollouts-embedded"


def kubeconfig(url: str) -> str:
    """The text of a kubeconfig for that address. There is nobody to be: everyone there is an administrator."""
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": NAME, "cluster": {"server": url}}],
            "users": [{"name": NAME, "user": {}}],
            "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME, "namespace": "default"}}],
            "current-context": NAME,
        },
        sort_keys=False,
    )


def write_kubeconfig(path: Path, url: str) -> None:
    """Write it, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(kubeconfig(url), encoding="utf-8")
