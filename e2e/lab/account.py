"""Gives the controller its credentials as a cluster does: a token of the account that deploy/ binds to the role.

A task of the lab, run once the account exists. So what the controller may do in the lab is what the shipped manifests
let it, and nothing else.
"""

from __future__ import annotations

import argparse
import os
import subprocess
from pathlib import Path

from e2e.lab.credentials import CONTROLLER, kubeconfig

_LIFE = "24h"


def main() -> None:
    """Write the kubeconfig."""
    parser = argparse.ArgumentParser(prog="python -m e2e.lab.account", description=__doc__)
    parser.add_argument("--kubectl", required=True)
    parser.add_argument("--admin", type=Path, required=True, help="kubeconfig of who may ask for the token")
    parser.add_argument("--certificate", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    text = kubeconfig(
        user=CONTROLLER, token=_token(arguments.kubectl, arguments.admin), certificate=arguments.certificate
    )
    with open(arguments.out, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)


def _token(kubectl: str, admin: Path) -> str:
    _, _, namespace, name = CONTROLLER.split(":")
    words = [kubectl, f"--kubeconfig={admin}", "create", "token", name, f"--namespace={namespace}"]
    asked = subprocess.run([*words, f"--duration={_LIFE}"], capture_output=True, text=True, check=True, timeout=30)
    return asked.stdout.strip()


if __name__ == "__main__":
    main()
