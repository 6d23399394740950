"""The Envoys of the lab's mesh, as values: the ingress gateway, and the sidecars of two clients.

Each has a loopback address of its own, so that all have the same ports. A client process that speaks plain HTTP to its
sidecar (port 80 there, `Host: SERVICE.NAMESPACE`) is in the mesh: gateway `mesh` and sourceLabels apply to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from e2e.lab.layout import CONFIG


@dataclass(frozen=True, slots=True)
class ProxyPod:
    """The pod that an Envoy plays."""

    name: str
    address: str
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class Proxy:
    """One Envoy. `workload` is the Deployment whose only pod it plays."""

    part: str
    kind: str
    """As istiod knows it: router or sidecar."""
    workload: str
    namespace: str
    loopback: str

    @property
    def admin_url(self) -> str:
        """Its admin page."""
        return f"http://{self.loopback}:15000"

    @property
    def mesh_url(self) -> str:
        """Where a client sends to its sidecar."""
        return f"http://{self.loopback}:80"


GATEWAY = Proxy("envoy", "router", "istio-ingressgateway", "istio-system", "127.0.0.1")
CLIENT = Proxy("client", "sidecar", "client", "default", "127.0.0.2")
TESTER = Proxy("tester", "sidecar", "tester", "default", "127.0.0.3")
PROXIES = {proxy.part: proxy for proxy in (GATEWAY, CLIENT, TESTER)}


def envoy_bootstrap(proxy: Proxy, pod: ProxyPod) -> dict[str, Any]:
    """Envoy's bootstrap for the pod that it plays.

    istiod finds the pod by this id, by the pod the Service, and by that a gateway's port; it matches sourceLabels and
    workload selectors against the labels that stand here.
    """
    bootstrap: dict[str, Any] = yaml.safe_load((CONFIG / "envoy.yaml").read_text())
    node = bootstrap["node"]
    domain = f"{proxy.namespace}.svc.cluster.local"
    node["id"] = f"{proxy.kind}~{pod.address}~{pod.name}.{proxy.namespace}~{domain}"
    node["cluster"] = f"{proxy.workload}.{proxy.namespace}"
    node["metadata"] |= {"NAMESPACE": proxy.namespace, "LABELS": pod.labels}
    bootstrap["admin"]["address"]["socket_address"]["address"] = proxy.loopback
    return bootstrap
