"""Installs the program into a lab as its users do, by `kubectl apply -k deploy/`, before a play begins.

The lab has put in kinds and account by itself: these go first, and the account that comes has another token.
"""

from __future__ import annotations

import json
import os

from e2e.lab import Lab, LabError
from e2e.lab.credentials import CONTROLLER
from e2e.lab.layout import CHECKOUT

KINDS = tuple(f"{plural}.rollouts.dev" for plural in ("canaries", "analysistemplates", "alertproviders"))
DEPLOY = str(CHECKOUT / "deploy")
_ROLE = str(CHECKOUT / "deploy" / "base" / "rbac.yaml")


def install(lab: Lab) -> str:
    """Install it into a lab that is up; what kubectl said of each object. Raises LabError."""
    _said(lab, "kubectl", "delete", "--ignore-not-found", f"--filename={_ROLE}")
    _said(lab, "kubectl", "delete", "crd", "--ignore-not-found", *KINDS)
    said = _said(lab, "kubectl", "apply", "-k", DEPLOY)
    _said(lab, "kubectl", "wait", "--for=condition=Established", "--timeout=30s", "crd", *KINDS)
    _, _, namespace, name = CONTROLLER.split(":")
    token = _said(lab, "kubectl", "create", "token", name, f"--namespace={namespace}", "--duration=24h").strip()
    file = lab.layout.kubeconfig(CONTROLLER)
    config = json.loads(file.read_text(encoding="utf-8"))
    config["users"] = [{**user, "user": {"token": token}} for user in config["users"]]
    with open(file, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as kept:
        json.dump(config, kept)
    return said


def _said(lab: Lab, *words: str) -> str:
    done = lab.run(words, timeout_s=120.0)
    if done.returncode != 0:
        raise LabError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout
