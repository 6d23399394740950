"""The parts of the mesh: istiod, its Envoys (the ingress gateway, two clients' sidecars), what reads
their logs, and Prometheus.

Pure but for reading the committed configuration: names and paths in, parts out.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import yaml

from e2e.lab.control_plane import apply_argv, established
from e2e.lab.layout import CONFIG
from e2e.lab.part import Part, Probe
from e2e.lab.proxies import GATEWAY, PROXIES, Proxy

if TYPE_CHECKING:
    from e2e.lab.build import Built
    from e2e.lab.layout import Layout

GATEWAY_URL = "http://127.0.0.1:18080"
# Where the ports 9000 and 443 of a user's Gateway are, if it has them; cluster.yaml says so.
GATEWAY_TCP_URL = "http://127.0.0.1:19000"
GATEWAY_TLS_ADDRESS = ("127.0.0.1", 18443)
ENVOY_ADMIN_URL = GATEWAY.admin_url
ISTIOD_URL = "http://127.0.0.1:15081"
ACCESS_LOG_URL = "http://127.0.0.1:9401"
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
        Part("prometheus", _prometheus(layout, built), (), Probe(f"{PROMETHEUS_URL}/-/ready"), may_stop=True),
        Part(
            "cluster",
            apply_argv(layout, built, [CONFIG / "cluster.yaml", CONFIG / "pod-metrics.yaml"]),
            ("kube-apiserver",),
        ),
        Part("istio-crds", crds, ("kube-apiserver",)),
        established(layout, built, ("objects", "istio-crds")),
        Part("sidecars", apply_argv(layout, built, [CONFIG / "sidecars.yaml"]), ("established",)),
        Part(
            "istiod",
            _istiod(layout, built),
            # A sidecar that is configured before its Sidecar is known listens where it must not.
            ("sidecars", "cluster"),
            Probe(f"{ISTIOD_URL}/ready"),
            _ISTIOD_ENVIRON,
            may_stop=True,
        ),
        Part(
            "access-log",
            (
                sys.executable,
                *("-m", "e2e.lab.access_log"),
                *("--kubeconfig", str(layout.kubeconfig("workload"))),
                *("--pipes", str(layout.pipes)),
            ),
            ("objects",),
            Probe(f"{ACCESS_LOG_URL}/healthz"),
        ),
        *(_proxy(layout, proxy) for proxy in PROXIES.values()),
    )


def prometheus_config(query_log: str) -> str:
    """Prometheus' configuration, with every query logged to the file `query_log`."""
    config: dict[str, Any] = yaml.safe_load((CONFIG / "prometheus.yaml").read_text())
    config["global"]["query_log_file"] = query_log
    return yaml.safe_dump(config, sort_keys=False)


def _proxy(layout: Layout, proxy: Proxy) -> Part:
    return Part(
        proxy.part,
        (
            sys.executable,
            *("-m", "e2e.lab.proxy", proxy.part),
            *("--kubeconfig", str(layout.kubeconfig("admin"))),
            *("--bootstrap", str(layout.run / f"{proxy.part}.json")),
            *("--access-log", str(layout.pipes / proxy.part)),
        ),
        ("cluster", "kube-controller-manager", "kube-scheduler", "kwok", "istiod"),
        Probe(f"{proxy.admin_url}/ready"),
        may_stop=True,
    )


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
