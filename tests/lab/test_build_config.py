"""The lab's configuration files, as far as they can be judged without running anything."""

from __future__ import annotations

import re
from typing import Any

import yaml

from e2e.lab.layout import CONFIG
from e2e.lab.mesh import prometheus_config
from e2e.lab.proxies import CLIENT, GATEWAY, PROXIES, ProxyPod, envoy_bootstrap

CLUSTER = "outbound|80|v1|canary.default.svc.cluster.local"


def test_every_request_of_the_controller_is_audited() -> None:
    """The first rule that matches the controller says Metadata, for every verb and resource."""
    policy = yaml.safe_load((CONFIG / "audit-policy.yaml").read_text())
    mine = next(rule for rule in policy["rules"] if "rollouts-controller" in rule.get("users", ["rollouts-controller"]))
    assert mine == {"level": "Metadata", "users": ["rollouts-controller"]}


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


def test_envoys_request_counter_becomes_istios() -> None:
    """Name and labels are those of Istio's standard metric, reported by the source."""
    counter = {"__name__": "envoy_cluster_upstream_rq", "cluster_name": CLUSTER, "response_code": "503"}
    assert relabelled(counter) == {
        "__name__": "istio_requests_total",
        "destination_service": "canary.default.svc.cluster.local",
        "destination_service_name": "canary",
        "destination_service_namespace": "default",
        "destination_subset": "v1",
        "destination_port": "80",
        "reporter": "source",
        "response_code": "503",
    }


def test_envoys_time_histogram_becomes_istios_and_keeps_its_buckets() -> None:
    """Bucket bounds stay as they are: both are in milliseconds."""
    bucket = {"__name__": "envoy_cluster_upstream_rq_time_bucket", "cluster_name": CLUSTER, "le": "500"}
    labels = relabelled(bucket)
    assert labels is not None
    assert labels["__name__"] == "istio_request_duration_milliseconds_bucket"
    assert labels["le"] == "500"


def test_a_cluster_without_subset_has_no_subset_label() -> None:
    """A plain Service's cluster has an empty third field."""
    name = "outbound|80||canary-primary.default.svc.cluster.local"
    labels = relabelled({"__name__": "envoy_cluster_upstream_rq", "cluster_name": name, "response_code": "200"})
    assert labels is not None
    assert "destination_subset" not in labels
    assert labels["destination_service_name"] == "canary-primary"


def test_everything_else_of_envoy_is_dropped() -> None:
    """The counter by class would count twice; xDS and other counters are nobody's traffic."""
    by_class = {"__name__": "envoy_cluster_upstream_rq", "cluster_name": CLUSTER, "response_code_class": "2xx"}
    xds = {"__name__": "envoy_cluster_upstream_rq", "cluster_name": "xds-grpc", "response_code": "200"}
    retries = {"__name__": "envoy_cluster_upstream_rq_retry", "cluster_name": CLUSTER}
    assert [relabelled(sample) for sample in (by_class, xds, retries)] == [None, None, None]


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


def relabelled(labels: dict[str, str]) -> dict[str, str] | None:
    """What Prometheus makes of a sample's labels: its documented rules, for the actions used here."""
    jobs = {job["job_name"]: job for job in yaml.safe_load(prometheus_config(""))["scrape_configs"]}
    current = dict(labels)
    for rule in jobs["envoy"]["metric_relabel_configs"]:
        if not _relabel(current, rule):
            return None
    return current


def _relabel(labels: dict[str, str], rule: dict[str, Any]) -> bool:
    """Change `labels` as one rule says; False when it drops the sample."""
    pattern = re.compile(rule.get("regex", "(.*)"))
    source = ";".join(labels.get(name, "") for name in rule.get("source_labels", []))
    found = pattern.fullmatch(source)
    match rule.get("action", "replace"):
        case "keep":
            return found is not None
        case "labeldrop":
            for name in [name for name in labels if pattern.fullmatch(name)]:
                del labels[name]
        case "replace" if found:
            labels[rule["target_label"]] = found.expand(rule["replacement"].replace("$", "\\"))
    return True
