"""Renders what is rendered in deploy/: `python -m e2e.manifests` writes deploy/install.yaml with the lab's own kubectl.

A test says when it is out of date.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from e2e import argocd
from e2e.lab.build import build
from e2e.lab.layout import CHECKOUT

DEPLOY = CHECKOUT / "deploy"
INSTALL = DEPLOY / "install.yaml"
HEAD = "# Made by `make manifests` from deploy/kustomization.yaml, for those without Kustomize. Change that one.\n"


def rendered(kubectl: str, folder: Path = DEPLOY) -> str:
    """What `kubectl apply -k` would apply. Raises CalledProcessError, with the reason on its standard error."""
    words = [kubectl, "kustomize", str(folder)]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout


def main() -> None:
    """Write the file."""
    INSTALL.write_text(HEAD + rendered(build("core").program("kubectl")), encoding="utf-8")
    argocd.FILE.write_text(argocd.config(), encoding="utf-8")
    for file in (INSTALL, argocd.FILE):
        print(f"{file.relative_to(CHECKOUT)} is written")


if __name__ == "__main__":
    main()
