"""The lab's configuration files, as far as they can be judged without running anything."""

from __future__ import annotations

import yaml

from e2e.lab.credentials import CONTROLLER
from e2e.lab.layout import CONFIG
from e2e.lab.mesh import prometheus_config
from e2e.lab.proxies import CLIENT, GATEWAY, PROXIES, ProxyPod, envoy_bootstrap


def test_every_request_of_the_controller_is_audited() -> None:
    """The first rule that matches the controller says Metadata, for every verb and resource."""
    policy = yaml.safe_load((CONFIG / "audit-policy.yaml").read_text())
    mine = next(rule for rule in policy["rules"] if CONTROLLER in rule.get("users", [CONTROLLER]))
    assert mine == {"level": "Metadata", "users": [CONTROLLER]}


def test_nobody_else_is_audited_but_the_administrators_writes() -> None:
    """Reads of others would drown the log."""
    policy = yaml.safe_load((CONFIG / "audit-policy.yaml").read_text())
    _, admin, rest = policy["rules"]
    assert admin["users"] == ["admin"]
    assert not {"get", "list", "watch"} & set(admin["verbs"])
    assert rest == {"level": "None"}


def test_prometheus_logs_queries_and_scrapes_every_two_seconds() -> None:
    """The query log's file is filled in, and no scrape may take longer than the interval."""
    config = yaml.safe_load(prometheus_config("/somewhere/queries.log"))["global"]
    assert config["query_log_file"] == "/somewhere/queries.log"
    assert config["scrape_interval"] == config["scrape_timeout"] == "2s"


def test_envoy_says_which_pod_it_is() -> None:
    """The gateway's Service and a client's labels are found by what stands in the node."""
    gateway = envoy_bootstrap(GATEWAY, ProxyPod("gw-1", "10.244.0.9", {"istio": "ingressgateway"}))["node"]
    assert gateway["id"] == "router~10.244.0.9~gw-1.istio-system~istio-system.svc.cluster.local"
    client = envoy_bootstrap(CLIENT, ProxyPod("client-1", "10.244.0.8", {"app": "client"}))["node"]
    assert client["id"] == "sidecar~10.244.0.8~client-1.default~default.svc.cluster.local"
    assert client["metadata"]["NAMESPACE"] == "default"
    assert client["metadata"]["LABELS"] == {"app": "client"}


def test_every_envoy_has_a_pod_that_nothing_else_plays() -> None:
    """Each has a Deployment of one pod with the label played-by, which a client's Sidecar binds to its own address."""
    texts = [(CONFIG / f"{name}.yaml").read_text() for name in ("cluster", "sidecars")]
    documents = [document for text in texts for document in yaml.safe_load_all(text)]
    deployments = {
        (one["metadata"]["namespace"], one["metadata"]["name"]): one["spec"]
        for one in documents
        if one["kind"] == "Deployment"
    }
    assert deployments.keys() == {(proxy.namespace, proxy.workload) for proxy in PROXIES.values()}
    for spec in deployments.values():
        assert spec["replicas"] == 1
        assert spec["template"]["metadata"]["labels"]["played-by"] == "envoy"
    binds = {
        one["metadata"]["name"]: one["spec"]["egress"][0]["bind"] for one in documents if one["kind"] == "Sidecar"
    }  # fmt: skip
    assert binds == {proxy.workload: proxy.loopback for proxy in PROXIES.values() if proxy.kind == "sidecar"}


def test_a_deleted_pod_stays_for_three_seconds() -> None:
    """Only pod-delete applies to a pod that is being deleted, and after its delay."""
    stages = {
        doc["metadata"]["name"]: doc["spec"] for doc in yaml.safe_load_all((CONFIG / "kwok-stages.yaml").read_text())
    }
    assert stages["pod-delete"]["delay"] == {"durationMilliseconds": 3000}
    for name in ("pod-start", "pod-complete"):
        expressions = stages[name]["selector"]["matchExpressions"]
        assert {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"} in expressions
