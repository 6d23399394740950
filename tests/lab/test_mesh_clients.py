"""The two clients in the mesh: what they send through their sidecars is routed as istiod says, and Istio's own tool."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from e2e.lab.load import LoadClient
from e2e.play.kubectl import apply, kubectl
from e2e.play.waiting import until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

Json = dict[str, Any]
REQUESTS_PER_S = 200.0
WITHIN_S = 30.0


def _deployment(namespace: str, version: str) -> Json:
    labels = {"app": "shop", "version": version}
    env = [{"name": "VERSION", "value": version}]
    container = {"name": "shop", "image": "shop", "ports": [{"containerPort": 8080}], "env": env}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"shop-{version}", "namespace": namespace},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def _istio(namespace: str, kind: str, spec: Json) -> Json:
    metadata = {"name": "shop", "namespace": namespace}
    return {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _virtual_service(namespace: str, host: str) -> Json:
    """Testers see v2; everyone else in the mesh, 10 in 100."""

    def to(version: str, weight: int) -> Json:
        return {"destination": {"host": host, "subset": version}, "weight": weight}

    # Not with gateways beside them in the match: then istiod does not look at sourceLabels at all.
    testers = {"match": [{"sourceLabels": {"tester": "true"}}], "route": [to("v2", 100)]}
    rules = [testers, {"route": [to("v1", 90), to("v2", 10)]}]
    return _istio(namespace, "VirtualService", {"hosts": [host], "gateways": ["mesh"], "http": rules})


@pytest.fixture
async def host() -> AsyncIterator[str]:
    """A Service with two versions behind it, in a namespace of the test's own."""
    namespace = f"mesh-{uuid4().hex[:8]}"
    await kubectl("create", "namespace", namespace)
    host = f"shop.{namespace}.svc.cluster.local"
    subsets = [{"name": version, "labels": {"version": version}} for version in ("v1", "v2")]
    await apply(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "shop", "namespace": namespace},
            "spec": {"selector": {"app": "shop"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
        },
        _deployment(namespace, "v1"),
        _deployment(namespace, "v2"),
        _istio(namespace, "DestinationRule", {"host": host, "subsets": subsets}),
        _virtual_service(namespace, host),
    )
    words = ("wait", "--for=condition=Available", "--timeout=30s", "deployment", "--all")
    await kubectl(*words, f"--namespace={namespace}")
    yield host
    await kubectl("delete", "namespace", namespace, "--wait=false")


async def answered(url: str, host: str, seconds: float) -> Counter[tuple[int, str]]:
    """How often each status and version came back."""
    async with LoadClient(url, rate_per_s=REQUESTS_PER_S, headers={"host": host}) as load:
        load.start(seconds)
        await load.finish()
        return Counter((record.status, record.version) for record in load.records)


async def routed(url: str, host: str) -> None:
    """Return once the sidecar has the Service's routes and pods."""

    async def look() -> bool:
        return all(status == 200 for status, _ in await answered(url, host, 0.1))

    await until(look, what=f"{host} answers through {url}", within_s=WITHIN_S)


async def test_a_client_in_the_mesh_is_routed_by_weight_and_a_tester_by_its_labels(host: str) -> None:
    """1,000 plain requests of each, to the Service's port as a process in a pod would send them."""
    client, tester = os.environ["MESH_URL"], os.environ["MESH_TESTER_URL"]
    await asyncio.gather(routed(client, host), routed(tester, host))
    seen, of_tester = await asyncio.gather(answered(client, host, 5.0), answered(tester, host, 5.0))
    print(f"client {dict(seen)}, tester {dict(of_tester)}")
    assert of_tester == {(200, "v2"): 1000}
    assert seen.keys() == {(200, "v1"), (200, "v2")}
    # Of 1,000 at 10 %, five standard deviations to either side.
    assert 100 - 48 <= seen[200, "v2"] <= 100 + 48


async def test_a_host_that_the_mesh_does_not_know_is_refused_by_the_sidecar() -> None:
    """It is answered 502 at once, not sent anywhere."""
    assert (await answered(os.environ["MESH_URL"], "nowhere.example", 0.1)).keys() == {(502, "")}


async def test_the_clients_pods_are_ready_and_the_gateways_too() -> None:
    """The proxies belong to real pods, which no other part of the lab touches."""
    words = ("--for=condition=Ready", "--timeout=10s", "pods", "--all-namespaces", "--selector=played-by=envoy")
    ready = await kubectl("wait", *words)
    assert len(ready.splitlines()) == 3


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        pytest.param(90, "is valid", id="valid"),
        pytest.param(-1, "weight -1 < 0", id="invalid"),
    ],
)
async def test_istios_own_tool_judges_manifests_without_a_cluster(weight: int, said: str, tmp_path: Path) -> None:
    """`istioctl validate` is on the lab's path and needs neither network nor kubeconfig."""
    manifest = _virtual_service("default", "shop")
    manifest["spec"]["http"][1]["route"][0]["weight"] = weight
    file = tmp_path / "virtual-service.yaml"
    file.write_text(yaml.safe_dump(manifest))
    environ = {"PATH": os.environ["LAB_PATH"], "HOME": str(tmp_path)}
    words = ("istioctl", "validate", "-f", str(file))
    process = await asyncio.create_subprocess_exec(
        *words, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    assert said in out.decode()
    assert (process.returncode == 0) == (weight >= 0)
