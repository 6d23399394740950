"""deploy/ as tests read it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.manifests import rendered

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
OVERLAYS = DEPLOY / "overlays"

Manifest = dict[str, Any]


def documents(text: str) -> list[Manifest]:
    """Every object of a stream."""
    return [document for document in yaml.safe_load_all(text) if document]


def render(folder: Path) -> list[Manifest]:
    """What Kustomize makes of a folder; fails the test with its words if it refuses it."""
    try:
        return documents(render_text(folder))
    except subprocess.CalledProcessError as refused:
        pytest.fail(refused.stderr)


def render_text(folder: Path) -> str:
    """The same as text. Raises CalledProcessError where Kustomize refuses it."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.fail("needs the lab's kubectl: run `make test-kube`")
    return rendered(kubectl, folder)


def find(manifests: Iterable[Manifest], kind: str, name: str = "rollouts-controller") -> Manifest:
    """The one object of that kind and name."""
    (found,) = [one for one in manifests if one["kind"] == kind and one["metadata"]["name"] == name]
    return found


def names(manifests: Iterable[Manifest]) -> set[tuple[str, str]]:
    """Kind and name of each."""
    return {(one["kind"], one["metadata"]["name"]) for one in manifests}
