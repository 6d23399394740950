"""Puts the program into the lab as its users do, and plays the kubelet: the process lives as long as its pod.

The lab itself has installed kinds and account already: that is taken out first. A new account has new tokens.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from e2e.lab.layout import CHECKOUT
from e2e.play.controller import Controller
from e2e.play.installing import DEPLOY, KINDS
from e2e.play.kubectl import attempt, kubectl
from e2e.play.waiting import until

NAMESPACE = "rollouts-system"
NAME = "rollouts-controller"
LISTEN = "127.0.0.1:8090"
"""Not the port of the pod that the lab plays."""
_LOOK_EVERY_S = 0.2


async def take_out_the_labs() -> None:
    """Nothing of the program is there afterwards."""
    role = CHECKOUT / "deploy" / "base" / "rbac.yaml"
    await kubectl("delete", "--ignore-not-found", f"--filename={role}")
    await kubectl("delete", "crd", "--ignore-not-found", *KINDS)


class Installation:
    """One installed program; its process is what a kubelet would have started."""

    def __init__(self, lab: Mapping[str, str], number: int) -> None:
        self._lab = lab
        self._kubeconfig = Path(lab["LAB_DIR"]) / "run" / f"installed-{number}.json"
        self.controller = Controller({**lab, "KUBECONFIG_CONTROLLER": str(self._kubeconfig)}, listen=LISTEN)
        self.ended_cleanly: bool | None = None
        """Whether the process ended by itself within the grace of its pod; None while it has not ended."""

    async def install(self) -> str:
        """All that a user does; what kubectl said. Raises KubectlError."""
        said = await kubectl("apply", "-k", DEPLOY)
        await kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", *KINDS)
        await kubectl("-n", NAMESPACE, "rollout", "status", f"deployment/{NAME}", "--timeout=60s")
        token = (await kubectl("-n", NAMESPACE, "create", "token", NAME, "--duration=24h")).strip()
        self._keep(token)
        await self.controller.start()
        await self.controller.become_ready()
        return said

    def _keep(self, token: str) -> None:
        """The administrator's kubeconfig, with that token."""
        config = json.loads(Path(self._lab["KUBECONFIG"]).read_text(encoding="utf-8"))
        config["users"] = [{**user, "user": {"token": token}} for user in config["users"]]
        with open(self._kubeconfig, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            json.dump(config, file)

    async def be_its_kubelet(self) -> None:
        """As soon as the pod is to end, so is the process, with SIGTERM and the pod's grace."""
        grace_s = await until(self._grace_of_the_ending, what="the end of the pod", within_s=600, every_s=_LOOK_EVERY_S)
        self.ended_cleanly = await self.controller.stop(within_s=grace_s)

    async def _grace_of_the_ending(self) -> float | None:
        """How long the process may take, once its pod is in deletion or gone."""
        answer = await attempt("-n", NAMESPACE, "get", "pods", "--output=json")
        if answer.code != 0:
            return None
        pods = json.loads(answer.out)["items"]
        if not pods:
            return 30.0
        spec = pods[0]["spec"]
        return float(spec["terminationGracePeriodSeconds"]) if "deletionTimestamp" in pods[0]["metadata"] else None
