"""kubectl against the API server that KUBECONFIG names: what a user would type, and what a user would read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

import pytest

TIMEOUT_S = 30.0


def run_kubectl(*arguments: str, manifest: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
    """One command; a manifest goes to its stdin as JSON. The exit code is the caller's to judge."""
    kubectl = shutil.which("kubectl")
    if not os.environ.get("KUBECONFIG") or kubectl is None:
        pytest.fail("needs the lab: run `make test-kube`")
    return subprocess.run(
        [kubectl, *arguments],
        input=None if manifest is None else json.dumps(manifest),
        stdin=subprocess.DEVNULL if manifest is None else None,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def kubectl_json(*arguments: str, manifest: dict[str, Any] | None = None) -> dict[str, Any]:
    """The object that a command with `-o json` prints; fails the test when the command fails."""
    done = run_kubectl(*arguments, "-o", "json", manifest=manifest)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
