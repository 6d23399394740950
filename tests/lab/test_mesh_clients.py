"""The two clients in the mesh: what they send through their sidecars is routed and counted; and Istio's own tool."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import yaml

from e2e.play.kubectl import apply, kubectl
from e2e.play.waiting import until
from tests.lab.mesh_shop import MeshShop, mesh_shop

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

SCRAPED_WITHIN_S = 6.0
"""Two scrapes and what a busy machine needs."""
Series = dict[tuple[str, ...], float]


@pytest.fixture
async def shop() -> AsyncIterator[MeshShop]:
    """A Service with two versions behind it."""
    async with mesh_shop() as shop:
        yield shop


async def test_a_client_in_the_mesh_is_routed_by_weight_and_a_tester_by_its_labels(shop: MeshShop) -> None:
    """1,000 plain requests of each, to the Service's port as a process in a pod would send them."""
    client, tester = os.environ["MESH_URL"], os.environ["MESH_TESTER_URL"]
    # Not with gateways beside them in the match: then istiod does not look at sourceLabels at all.
    testers = {"match": [{"sourceLabels": {"tester": "true"}}], "route": [shop.to("v2")]}
    await shop.route(testers, shop.shares(90, 10), through=(client, tester))
    seen, of_tester = await asyncio.gather(shop.answered(client, 5.0), shop.answered(tester, 5.0))
    print(f"client {dict(seen)}, tester {dict(of_tester)}")
    assert of_tester == {(200, "v2"): 1000}
    assert seen.keys() == {(200, "v1"), (200, "v2")}
    # Of 1,000 at 10 %, five standard deviations to either side.
    assert 100 - 48 <= seen[200, "v2"] <= 100 + 48


async def test_requests_are_counted_at_their_source_also_those_that_reach_no_pod(shop: MeshShop) -> None:
    """Injected faults, a subset without pods, a port that nobody listens on: within a scrape, each once."""

    def under(path: str, version: str = "v1", **more: object) -> dict[str, object]:
        return {"match": [{"uri": {"prefix": path}}], "route": [shop.to(version)], **more}

    whole = {"value": 100}
    closed = {"destination": {"host": f"closed.{shop.namespace}.svc.cluster.local"}}
    rules = (
        under("/abort", "v2", fault={"abort": {"httpStatus": 555, "percentage": whole}}),
        under("/delay", fault={"delay": {"fixedDelay": "0.2s", "percentage": whole}}),
        under("/none", "none"),
        {**under("/closed"), "route": [closed], "retries": {"attempts": 0}},
        {"route": [shop.to("v1")]},
    )
    await apply(shop.service("closed", 9999))
    client = os.environ["MESH_URL"]
    strays = await shop.route(*rules, through=[client])
    for path in ("/abort", "/delay", "/none", "/closed", "/"):
        await shop.answered(client, 0.5, path)

    async def look() -> Series | None:
        found = await counted(shop.namespace)
        return found if sum(found.values()) >= 500 + strays else None

    found = await until(look, what="all are counted", within_s=SCRAPED_WITHIN_S)
    print(found)
    # Whose pod it was that refused is known.
    refused = [found.pop(("closed", workload, "UF", "503"), 0.0) for workload in ("shop-v1", "shop-v2")]
    assert all(refused)
    assert sum(refused) == 100.0
    assert sum(found.pop(("shop", workload, "-", "200"), 0.0) for workload in ("shop-v1", "shop-v2")) == 100.0 + strays
    assert found == {
        ("shop", "unknown", "FI", "555"): 100.0,
        ("shop", "shop-v1", "DI", "200"): 100.0,
        ("shop", "unknown", "UH", "503"): 100.0,
    }


async def test_a_host_that_the_mesh_does_not_know_is_refused_by_the_sidecar(shop: MeshShop) -> None:
    """It is answered 502 at once, not sent anywhere."""
    nowhere = MeshShop(f"{shop.namespace}-nowhere")
    assert (await nowhere.answered(os.environ["MESH_URL"], 0.1)).keys() == {(502, "")}


async def test_the_pods_that_envoys_play_are_ready() -> None:
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
    shop = MeshShop("default")
    file = tmp_path / "virtual-service.yaml"
    file.write_text(yaml.safe_dump(shop.virtual_service(shop.shares(weight, 10))))
    environ = {"PATH": os.environ["LAB_PATH"], "HOME": str(tmp_path)}
    words = ("istioctl", "validate", "-f", str(file))
    process = await asyncio.create_subprocess_exec(
        *words, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    assert said in out.decode()
    assert (process.returncode == 0) == (weight >= 0)


async def counted(namespace: str) -> Series:
    """What Prometheus has of requests to that namespace: Service, workload, flags and status."""
    labels = ("destination_service_name", "destination_workload", "response_flags", "response_code")
    selector = f'reporter="source",source_workload="client",destination_service_namespace="{namespace}"'
    query = f"sum by ({','.join(labels)}) (istio_requests_total{{{selector}}})"
    url = os.environ["PROMETHEUS_URL"] + "/api/v1/query"
    async with aiohttp.ClientSession() as session, session.get(url, params={"query": query}) as response:
        found = (await response.json())["data"]["result"]
    return {tuple(one["metric"].get(label, "") for label in labels): float(one["value"][1]) for one in found}
