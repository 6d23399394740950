"""The parts of the mesh: istiod, Envoy as its ingress gateway, and Prometheus.

Pure but for reading the committed configuration: names and paths in, parts out.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import yaml

from e2e.lab.control_plane import apply_argv
from e2e.lab.layout import CONFIG
from e2e.lab.part import Part, Probe

if TYPE_CHECKING:
    from e2e.lab.build import Built
    from e2e.lab.layout import Layout

GATEWAY_URL = "http://127.0.0.1:18080"
ENVOY_ADMIN_URL = "http://127.0.0.1:15000"
ISTIOD_URL = "http://127.0.0.1:15081"
PROMETHEUS_URL = "http://127.0.0.1:9090"
# Upstream's Envoy has none of Istio's filters, and nobody here has certificates.
_ISTIOD_ENVIRON = {
    "PILOT_ENABLE_ALPN_FILTER": "false",
    "PILOT_ENABLE_METADATA_EXCHANGE": "false",
    "ENABLE_CA_SERVER": "false",
    "VALIDATION_WEBHOOK_CONFIG_NAME": "",
    "INJECTION_WEBHOOK_CONFIG_NAME": "",
    "POD_NAMESPACE": "istio-system",
    "POD_NAME": "istiod",
    "REVISION": "default",
}


def mesh_parts(layout: Layout, built: Built) -> tuple[Part, ...]:
    """What profile istio adds to pods."""
    crds = apply_argv(layout, built, [built.istio_crds])
    return (
        Part("prometheus", _prometheus(layout, built), (), Probe(f"{PROMETHEUS_URL}/-/ready")),
        Part(
            "cluster",
            apply_argv(layout, built, [CONFIG / "cluster.yaml", CONFIG / "pod-metrics.yaml"]),
            ("kube-apiserver",),
        ),
        Part("istio-crds", crds, ("kube-apiserver",)),
        Part(
            "istiod",
            _istiod(layout, built),
            ("istio-crds", "cluster"),
            Probe(f"{ISTIOD_URL}/ready"),
            _ISTIOD_ENVIRON,
        ),
        Part(
            "envoy",
            (
                sys.executable,
                *("-m", "e2e.lab.gateway"),
                *("--kubeconfig", str(layout.kubeconfig("admin"))),
                *("--bootstrap", str(layout.run / "envoy.json")),
            ),
            ("cluster", "kube-controller-manager", "kube-scheduler", "kwok", "istiod"),
            Probe(f"{ENVOY_ADMIN_URL}/ready"),
        ),
    )


def prometheus_config(query_log: str) -> str:
    """Prometheus' configuration, with every query logged to the file `query_log`."""
    config: dict[str, Any] = yaml.safe_load((CONFIG / "prometheus.yaml").read_text())
    config["global"]["query_log_file"] = query_log
    return yaml.safe_dump(config, sort_keys=False)


def envoy_bootstrap(*, pod: str, address: str) -> dict[str, Any]:
    """Envoy's bootstrap for the gateway's pod `pod` at `address`.

    istiod finds the pod by this id, and by the pod the Service, and by that the listener's port.
    """
    bootstrap: dict[str, Any] = yaml.safe_load((CONFIG / "envoy.yaml").read_text())
    namespace = bootstrap["node"]["metadata"]["NAMESPACE"]
    domain = f"{namespace}.svc.cluster.local"
    bootstrap["node"]["id"] = f"router~{address}~{pod}.{namespace}~{domain}"
    return bootstrap


def _istiod(layout: Layout, built: Built) -> tuple[str, ...]:
    return (
        built.program("pilot-discovery"),
        "discovery",
        f"--kubeconfig={layout.kubeconfig('istiod')}",
        f"--meshConfig={CONFIG / 'mesh.yaml'}",
        "--registries=Kubernetes",
        "--httpAddr=127.0.0.1:15081",
        "--grpcAddr=127.0.0.1:15010",
        "--monitoringAddr=127.0.0.1:15014",
        "--httpsAddr=",
        "--secureGRPCAddr=",
        "--ctrlz_port=0",
    )


def _prometheus(layout: Layout, built: Built) -> tuple[str, ...]:
    return (
        built.program("prometheus"),
        f"--config.file={layout.run / 'prometheus.yaml'}",
        f"--storage.tsdb.path={layout.run / 'prometheus'}",
        "--storage.tsdb.retention.time=1d",
        "--web.listen-address=127.0.0.1:9090",
        "--log.level=warn",
    )
