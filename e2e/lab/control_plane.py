"""The parts of the control plane: etcd, kube-apiserver and garbage collector (core), and what makes pods of objects.

Pure: names and paths in, parts out. Flags say only what differs from the default and why it must.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from e2e.lab.credentials import API_SERVER, CONTROLLER
from e2e.lab.layout import CHECKOUT, CONFIG
from e2e.lab.namespaces import POD_GATEWAY
from e2e.lab.part import Part, Probe

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.lab.build import Built
    from e2e.lab.layout import Layout

_CONTROLLERS = (
    "deployment-controller,replicaset-controller,daemonset-controller,statefulset-controller,"
    "job-controller,endpointslice-controller,serviceaccount-controller,"
    "serviceaccount-token-controller,garbage-collector-controller,namespace-controller,"
    "horizontal-pod-autoscaler-controller,disruption-controller,resourcequota-controller"
)


def core_parts(layout: Layout, built: Built, admin_token: str) -> tuple[Part, ...]:
    """An API server with its store, the project's CRDs and roles: profile core."""
    probe = Probe(f"{API_SERVER}/readyz", admin_token, str(layout.certificate))
    apply = apply_argv(layout, built, [CONFIG / "rbac.yaml", *shipped_manifests(CHECKOUT)])
    return (
        Part("etcd", _etcd(layout, built), (), Probe("http://127.0.0.1:2379/readyz"), may_stop=True),
        Part("kube-apiserver", _kube_apiserver(layout, built), ("etcd",), probe, may_stop=True),
        Part("objects", apply, ("kube-apiserver",)),
        Part("account", _account(layout, built), ("objects",)),
    )


def pod_parts(layout: Layout, built: Built) -> tuple[Part, ...]:
    """Controllers, scheduler, kwok and the workload server: what turns a Deployment into pods."""
    needs = ("kube-apiserver",)
    authority = str(layout.certificate)
    return (
        _controller_manager(
            layout,
            built,
            _CONTROLLERS,
            f"--service-account-private-key-file={layout.run / 'pki' / 'tokens.key'}",
            "--horizontal-pod-autoscaler-sync-period=2s",
            "--horizontal-pod-autoscaler-cpu-initialization-period=0s",
            "--horizontal-pod-autoscaler-initial-readiness-delay=0s",
        ),
        Part(
            "kube-scheduler",
            (
                built.program("kube-scheduler"),
                *_client(layout, "system:kube-scheduler", port=10259),
            ),
            needs,
            Probe("https://127.0.0.1:10259/healthz", authority=authority),
        ),
        Part("kwok", _kwok(layout, built), needs, Probe("http://127.0.0.1:10247/healthz")),
        Part(
            "workload",
            (
                sys.executable,
                *("-m", "e2e.lab.workload"),
                *("--kubeconfig", str(layout.kubeconfig("workload"))),
                *("--metrics", "127.0.0.1:9400"),
                *("--pod-metrics", f"{POD_GATEWAY}:9443"),
                *("--certificate", str(layout.certificate)),
                *("--scrape-log", str(layout.scrape_log)),
            ),
            ("objects",),
            Probe("http://127.0.0.1:9400/healthz"),
        ),
    )


def collector_part(layout: Layout, built: Built) -> Part:
    """What ends the objects of deleted owners and namespaces, and nothing else: so Deployments make no pods."""
    return _controller_manager(layout, built, "garbage-collector-controller,namespace-controller")


def apply_argv(layout: Layout, built: Built, files: list[Path]) -> tuple[str, ...]:
    """The words to apply `files` with kubectl as the administrator."""
    names = (f"--filename={file}" for file in files)
    return (*_kubectl(layout, built), "apply", "--server-side", *names)


def established(layout: Layout, built: Built, needs: tuple[str, ...]) -> Part:
    """A task that ends when every kind that `needs` define is served."""
    words = ("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
    return Part("established", (*_kubectl(layout, built), *words), needs)


def shipped_manifests(checkout: Path) -> list[Path]:
    """What a user would apply to install the project: its CRDs, then its role."""
    role = checkout / "deploy" / "base" / "rbac.yaml"
    definitions = (file for file in (checkout / "crds").glob("*.yaml") if file.name != "kustomization.yaml")
    return [*sorted(definitions), *([role] if role.exists() else [])]


def _account(layout: Layout, built: Built) -> tuple[str, ...]:
    return (
        sys.executable,
        *("-m", "e2e.lab.account"),
        *("--kubectl", built.program("kubectl")),
        *("--admin", str(layout.kubeconfig("admin"))),
        *("--certificate", str(layout.certificate)),
        *("--out", str(layout.kubeconfig(CONTROLLER))),
    )


def _kubectl(layout: Layout, built: Built) -> tuple[str, ...]:
    return (built.program("kubectl"), f"--kubeconfig={layout.kubeconfig('admin')}")


def _etcd(layout: Layout, built: Built) -> tuple[str, ...]:
    return (
        built.program("etcd"),
        f"--data-dir={layout.run / 'etcd'}",
        "--listen-client-urls=http://127.0.0.1:2379",
        "--advertise-client-urls=http://127.0.0.1:2379",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--unsafe-no-fsync",  # its data is worth nothing after the run
        "--log-level=warn",
    )


def _kube_apiserver(layout: Layout, built: Built) -> tuple[str, ...]:
    pki = layout.run / "pki"
    return (
        built.program("kube-apiserver"),
        "--etcd-servers=http://127.0.0.1:2379",
        "--bind-address=127.0.0.1",
        f"--advertise-address={POD_GATEWAY}",
        "--endpoint-reconciler-type=none",
        f"--cert-dir={pki}",  # it makes its own certificate there, with its authority beside it
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki / 'tokens.key'}",
        f"--service-account-signing-key-file={pki / 'tokens.key'}",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--authorization-mode=RBAC",
        f"--token-auth-file={pki / 'tokens.csv'}",
        "--enable-aggregator-routing=true",  # there is no kube-proxy: Services' pods are called directly
        "--disable-admission-plugins=TaintNodesByCondition",  # nobody would take the taint away
        f"--audit-policy-file={CONFIG / 'audit-policy.yaml'}",
        f"--audit-log-path={layout.audit_log}",
    )


def _controller_manager(layout: Layout, built: Built, controllers: str, *flags: str) -> Part:
    client = _client(layout, "system:kube-controller-manager", port=10257)
    return Part(
        "kube-controller-manager",
        (built.program("kube-controller-manager"), *client, f"--controllers={controllers}", *flags),
        ("kube-apiserver",),
        Probe("https://127.0.0.1:10257/healthz", authority=str(layout.certificate)),
    )


def _client(layout: Layout, user: str, *, port: int) -> tuple[str, ...]:
    """What the two Kubernetes clients have in common. Their health is served over TLS."""
    return (
        f"--kubeconfig={layout.kubeconfig(user)}",
        "--leader-elect=false",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--tls-cert-file={layout.certificate}",
        f"--tls-private-key-file={layout.certificate.with_suffix('.key')}",
    )


def _kwok(layout: Layout, built: Built) -> tuple[str, ...]:
    return (
        built.program("kwok"),
        f"--kubeconfig={layout.kubeconfig('kwok')}",
        "--manage-all-nodes",
        f"--cidr={POD_GATEWAY}/16",
        f"--node-ip={POD_GATEWAY}",
        f"--config={CONFIG / 'kwok-stages.yaml'}",
        "--server-address=127.0.0.1:10247",
        "--v=WARN",
    )
