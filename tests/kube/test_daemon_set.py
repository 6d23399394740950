"""A DaemonSet on a real API server: our switch in it through what its user applies, and the copy that is made of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.workloads.daemon_set import NOWHERE, is_off, observe_daemon_set, switch_operations
from rollouts.workloads.kinds import kind_of
from tests.engine.world import daemon_set_canary, daemon_set_manifest
from tests.kube.kubectl import kubectl_json, run_kubectl

pytestmark = pytest.mark.kube

NAMESPACE = "daemon-sets"
APPLIED = {"client": ("apply",), "server": ("apply", "--server-side")}


@pytest.fixture(params=APPLIED)
def apply(request: pytest.FixtureRequest) -> Iterator[tuple[str, ...]]:
    """The words by which its user applies it, in a namespace that is empty afterwards."""
    run_kubectl("create", "namespace", NAMESPACE)
    yield APPLIED[request.param]
    for name in ("app", "app-primary"):
        run_kubectl("delete", "daemonset", name, "-n", NAMESPACE, "--ignore-not-found")


def file(image: str, **pod: Any) -> dict[str, Any]:
    """The user's file."""
    manifest = daemon_set_manifest(image)
    manifest["metadata"]["namespace"] = NAMESPACE
    manifest["spec"]["template"]["spec"] |= pod
    return manifest


def stored(name: str = "app") -> dict[str, Any]:
    """As the server has it."""
    return kubectl_json("get", "daemonset", name, "-n", NAMESPACE)


def switch(size: int) -> None:
    """What the controller does."""
    seen = stored()
    seen["status"] |= {"observedGeneration": seen["metadata"]["generation"]}  # by its controller, which this lab lacks
    operations = json.dumps(switch_operations(seen, size))
    done = run_kubectl("patch", "daemonset", "app", "-n", NAMESPACE, "--type=json", "-p", operations)
    assert done.returncode == 0, done.stderr


def test_the_switch_stays_through_an_apply_and_leaves_no_trace(apply: tuple[str, ...]) -> None:
    """Another version, and another choice of nodes, are applied while it is off: both are taken, and it stays off.

    `kubectl diff` shows nothing, and on again the object is as its user's file says.
    """
    assert run_kubectl(*apply, "-f", "-", manifest=file("app:1")).returncode == 0
    first = observe_daemon_set(stored()).revision
    switch(0)
    assert stored()["spec"]["template"]["spec"]["nodeName"] == NOWHERE
    assert observe_daemon_set(stored()).revision == first

    second = file("app:2", nodeSelector={"disk": "nvme"})
    applied = run_kubectl(*apply, "-f", "-", manifest=second)
    assert applied.returncode == 0, applied.stderr
    diff = run_kubectl("diff", *(word for word in apply if word != "apply"), "-f", "-", manifest=second)
    assert (diff.returncode, diff.stdout) == (0, "")
    off = stored()
    assert is_off(off)
    assert off["spec"]["template"]["spec"]["nodeSelector"] == {"disk": "nvme"}
    assert off["spec"]["template"]["spec"]["containers"][0]["image"] == "app:2"

    switch(1)
    on = stored()
    assert "nodeName" not in on["spec"]["template"]["spec"]
    assert observe_daemon_set(on).revision == observe_daemon_set(off).revision != first


def test_the_copy_is_accepted_and_rolls_by_a_surge(apply: tuple[str, ...]) -> None:
    """The server stores it as it was rendered, of a target that is off too."""
    assert run_kubectl(*apply, "-f", "-", manifest=file("app:1")).returncode == 0
    switch(0)
    spec, owner = CanarySpec.model_validate(daemon_set_canary()["spec"]), Owner(NAMESPACE, "app", "0b5e")
    copy = kind_of(spec).render_copy(owner, spec, stored(), "r", 1)
    applied = run_kubectl("apply", "--server-side", "--field-manager=rollouts", "-f", "-", manifest=copy)
    assert applied.returncode == 0, applied.stderr
    primary = stored("app-primary")
    assert primary["spec"]["updateStrategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert primary["spec"]["template"]["spec"]["nodeSelector"] == {"disk": "ssd"}
    assert "nodeName" not in primary["spec"]["template"]["spec"]
