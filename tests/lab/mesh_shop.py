"""A Service with two versions in a namespace of a test's own, reached by clients in the mesh only."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from e2e.lab.load import LoadClient
from e2e.play.kubectl import apply, kubectl
from e2e.play.waiting import until

Json = dict[str, Any]
REQUESTS_PER_S = 200.0
WITHIN_S = 30.0
IN_FORCE = 299
"""What a sidecar answers itself on a path that only the newest VirtualService has."""


@dataclass(frozen=True, slots=True)
class MeshShop:
    """Deployments shop-v1 and shop-v2, Service shop, its DestinationRule with subsets v1 and v2."""

    namespace: str

    @property
    def host(self) -> str:
        """The Service's name in the mesh."""
        return f"shop.{self.namespace}.svc.cluster.local"

    def to(self, version: str, weight: int = 100) -> Json:
        """A destination."""
        return {"destination": {"host": self.host, "subset": version}, "weight": weight}

    def shares(self, v1: int, v2: int) -> Json:
        """A rule for all requests."""
        return {"route": [self.to("v1", v1), self.to("v2", v2)]}

    def virtual_service(self, *rules: Json) -> Json:
        """Rules for clients in the mesh."""
        return self._istio("VirtualService", {"hosts": [self.host], "gateways": ["mesh"], "http": [*rules]})

    async def open(self) -> None:
        """Make everything but the VirtualService, and wait for the pods."""
        await kubectl("create", "namespace", self.namespace)
        subsets = [{"name": version, "labels": {"version": version}} for version in ("v1", "v2", "none")]
        rule = self._istio("DestinationRule", {"host": self.host, "subsets": subsets})
        await apply(self.service("shop", 8080), self._deployment("v1"), self._deployment("v2"), rule)
        words = ("wait", "--for=condition=Available", "--timeout=30s", "deployment", "--all")
        await kubectl(*words, f"--namespace={self.namespace}")

    def service(self, name: str, target_port: int) -> Json:
        """A Service on port 80 that selects both versions."""
        ports = [{"name": "http", "port": 80, "targetPort": target_port}]
        return self._object("v1", "Service", name, {"selector": {"app": "shop"}, "ports": ports})

    async def answered(self, url: str, seconds: float, path: str = "") -> Counter[tuple[int, str]]:
        """How often each status and version came back."""
        async with LoadClient(url + path, rate_per_s=REQUESTS_PER_S, headers={"host": self.host}) as load:
            load.start(seconds)
            await load.finish()
            return Counter((record.status, record.version) for record in load.records)

    async def route(self, *rules: Json, through: Sequence[str]) -> int:
        """Apply the VirtualService; once these sidecars route by it, how many of the looks came to pods meanwhile."""
        digest = zlib.crc32(json.dumps(rules, sort_keys=True).encode())
        path = f"/in-force/{digest}"
        told = {"match": [{"uri": {"exact": path}}], "directResponse": {"status": IN_FORCE}}
        await apply(self.virtual_service(told, *rules))

        strays: Counter[tuple[int, str]] = Counter()

        async def look() -> bool:
            seen = [await self.answered(url, 0.05, path) for url in through]
            for one in seen:
                strays.update(one)
            return all(one.keys() == {(IN_FORCE, "")} for one in seen)

        await until(look, what=f"{self.host} is routed by {rules}", within_s=WITHIN_S)
        return sum(count for (status, _), count in strays.items() if status == 200)

    def _deployment(self, version: str) -> Json:
        labels = {"app": "shop", "version": version}
        env = [{"name": "VERSION", "value": version}]
        container = {"name": "shop", "image": "shop", "ports": [{"containerPort": 8080}], "env": env}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
        return self._object("apps/v1", "Deployment", f"shop-{version}", spec)

    def _istio(self, kind: str, spec: Json) -> Json:
        return self._object("networking.istio.io/v1", kind, "shop", spec)

    def _object(self, api_version: str, kind: str, name: str, spec: Json) -> Json:
        metadata = {"name": name, "namespace": self.namespace}
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


@asynccontextmanager
async def mesh_shop() -> AsyncIterator[MeshShop]:
    """The shop, for as long as the block lasts."""
    shop = MeshShop(f"mesh-{uuid4().hex[:8]}")
    try:
        await shop.open()
        yield shop
    finally:
        await asyncio.shield(kubectl("delete", "namespace", shop.namespace, "--wait=false"))
