"""What to try next with kubectl, as lines that can be copied as they are."""

from __future__ import annotations

import shlex
from pathlib import Path

_STAYS = "It stays up until Ctrl-C. In another terminal:"
_AGAIN = "To try it yourself, `rollouts demo --keep` (make demo DEMO_ARGS=--keep) stays up. Then, in another terminal:"


def how_to_go_on(kubeconfig: Path, *, stays: bool) -> str:
    """Words and commands. `stays`: the cluster is still there."""
    return f"""
{_STAYS if stays else _AGAIN}
  export KUBECONFIG={shlex.quote(str(kubeconfig))}
  kubectl get canaries.rollouts.dev shop --watch
  kubectl set env deployment/shop VERSION=5 ERROR_RATE=0.2
  kubectl describe canaries.rollouts.dev shop
That version is rolled back. One without errors waits at the gate, for somebody who approves it:
  kubectl set env deployment/shop VERSION=6 ERROR_RATE=0
  kubectl annotate --overwrite canaries.rollouts.dev/shop actions.rollouts.dev/approve=6
"""
