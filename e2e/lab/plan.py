"""Turns a profile into files and a plan: keys, kubeconfigs, rendered configuration, parts.

Everything is written before anything runs, below the lab's `run/`, readable by its owner only.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from e2e.lab.control_plane import collector_part, core_parts, established, pod_parts
from e2e.lab.credentials import (
    CONTROLLER,
    kubeconfig,
    new_signing_key,
    new_tokens,
    token_file,
)
from e2e.lab.errors import LabError
from e2e.lab.layout import CHECKOUT
from e2e.lab.mesh import (
    ACCESS_LOG_URL,
    ENVOY_ADMIN_URL,
    GATEWAY_URL,
    ISTIOD_URL,
    PROMETHEUS_URL,
    mesh_parts,
    prometheus_config,
)
from e2e.lab.part import Part, dump_plan, unmet_needs
from e2e.lab.proxies import CLIENT, PROXIES, TESTER

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.lab.build import Built
    from e2e.lab.layout import Layout


def write_plan(layout: Layout, built: Built, profile: str) -> tuple[Part, ...]:
    """Write all that the parts of `profile` read, and the plan itself."""
    tokens = new_tokens()
    pki = layout.run / "pki"
    for folder in (pki, layout.kubeconfig("admin").parent, layout.run / "home"):
        folder.mkdir(parents=True, mode=0o700)
    _write_secret(pki / "tokens.csv", token_file(tokens))
    _write_secret(pki / "tokens.key", new_signing_key())
    for user, token in tokens.items():
        text = kubeconfig(user=user, token=token, certificate=layout.certificate)
        _write_secret(layout.kubeconfig(user), text)
    os.mkfifo(layout.control, mode=0o600)
    parts = core_parts(layout, built, tokens["admin"])
    if profile == "istio":
        (layout.run / "prometheus.yaml").write_text(prometheus_config(str(layout.query_log)))
        layout.pipes.mkdir(mode=0o700)
        for proxy in PROXIES:
            os.mkfifo(layout.pipes / proxy, mode=0o600)
        parts += pod_parts(layout, built) + mesh_parts(layout, built)
    else:
        parts += (collector_part(layout, built),)
        if any((CHECKOUT / "crds").glob("*.yaml")):
            parts += (established(layout, built, ("objects",)),)
    if unmet := unmet_needs(parts):
        raise LabError(f"the plan has parts that need what is not there: {unmet}")
    _write_secret(layout.plan, dump_plan(parts))
    return parts


def part_environ(layout: Layout) -> dict[str, str]:
    """The environment of every part: no proxy, no settings but those this Python itself needs."""
    python_path = os.pathsep.join(filter(None, (str(CHECKOUT), os.environ.get("PYTHONPATH", ""))))
    return {
        "HOME": str(layout.run / "home"),
        "KUBECACHEDIR": str(layout.run / "home" / "kube-cache"),
        "LANG": "C.UTF-8",
        "PATH": os.environ["PATH"],
        "PYTHONPATH": python_path,
        "PYTHONUNBUFFERED": "1",
    }


def lab_environ(layout: Layout, built: Built, profile: str) -> dict[str, str]:
    """What people and scripts need to use the lab: the content of its env file."""
    folders = [os.path.dirname(sys.executable), *map(str, built.bin_folders)]  # noqa: PTH120
    variables = {
        "LAB_DIR": str(layout.root),
        "LAB_PROFILE": profile,
        "LAB_PATH": os.pathsep.join(folders),
        "KUBECONFIG": str(layout.kubeconfig("admin")),
        "KUBECONFIG_CONTROLLER": str(layout.kubeconfig(CONTROLLER)),
        "KUBECACHEDIR": str(layout.run / "kube-cache"),
        "AUDIT_LOG": str(layout.audit_log),
    }
    if profile == "istio":
        variables |= {
            "GATEWAY_URL": GATEWAY_URL,
            "PROMETHEUS_URL": PROMETHEUS_URL,
            "PROMETHEUS_QUERY_LOG": str(layout.query_log),
            "MESH_URL": CLIENT.mesh_url,
            "MESH_TESTER_URL": TESTER.mesh_url,
            "ENVOY_ADMIN_URL": ENVOY_ADMIN_URL,
            "CLIENT_ADMIN_URL": CLIENT.admin_url,
            "TESTER_ADMIN_URL": TESTER.admin_url,
            "ISTIOD_URL": ISTIOD_URL,
            "SCRAPE_LOG": str(layout.scrape_log),
            "WORKLOAD_METRICS_URL": "http://127.0.0.1:9400/metrics",
            "ACCESS_LOG_METRICS_URL": f"{ACCESS_LOG_URL}/metrics",
        }
    return variables


def _write_secret(path: Path, text: str) -> None:
    with open(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)
