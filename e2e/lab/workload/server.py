"""The workload server as a whole: follows pods and Services, plays the pods, and shows what they served.

The composition root; it holds no rules of its own.
"""

import asyncio
import json
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from e2e.lab.workload.connection import HttpConnection
from e2e.lab.workload.environment import CONFIG_MAP, SECRET, read_data
from e2e.lab.workload.exposition import CONTENT_TYPE, Source, render_exposition
from e2e.lab.workload.follow import Audience, Follower
from e2e.lab.workload.kube_api import KubeApi
from e2e.lab.workload.listener import Listener
from e2e.lab.workload.pod_metrics import answer
from e2e.lab.workload.stage import Stage
from e2e.lab.workload.status_writer import StatusWriter
from e2e.lab.workload.views import Json, read_pod, read_service
from e2e.lab.workload.window import Page, Window

NOTE_USAGE_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class PodMetricsAddress:
    """Where the API server finds metrics.k8s.io, over TLS."""

    host: str
    port: int
    tls: ssl.SSLContext


class WorkloadServer:
    """Plays every pod that an API server shows, but for those that an Envoy plays."""

    def __init__(
        self,
        api: KubeApi,
        *,
        metrics: tuple[str, int],
        pod_metrics: PodMetricsAddress | None = None,
        on_scrape: Callable[[Sequence[Source]], None] = lambda _: None,
    ) -> None:
        """Prepare; `metrics` is the address (host, port) of /metrics and /healthz, port 0 for any free one.

        `on_scrape` is told what /metrics shows, each time before it does.
        """
        self._api = api
        self._metrics = metrics
        self._pod_metrics = pod_metrics
        self._on_scrape = on_scrape
        self.metrics_port = 0
        """The port that /metrics is on, 0 before it is."""

    async def run(self) -> None:
        """Serve until cancelled; then everything is closed. Raises OSError when the metrics port is taken."""
        async with asyncio.TaskGroup() as tasks:
            # The lab has one certificate: clients of its pods trust the authority and look at no name.
            stage = Stage(StatusWriter(self._api), tasks, self._pod_metrics.tls if self._pod_metrics else None)
            services = Follower(self._api, "/api/v1/services", _services_to(stage))
            configs = [
                Follower(self._api, f"/api/v1/{plural}", _configs_to(stage, kind))
                for plural, kind in (("configmaps", CONFIG_MAP), ("secrets", SECRET))
            ]
            pods = Follower(self._api, "/api/v1/pods", _pods_to(stage))
            window = Window(_shown(stage, lambda: services.listed.is_set() and pods.listed.is_set(), self._on_scrape))
            listener = Listener(*self._metrics, lambda: HttpConnection(window))
            self.metrics_port = listener.port
            try:
                tasks.create_task(_note_usage(stage))
                tasks.create_task(self._tell_usage(stage))
                for follower in (services, *configs):
                    tasks.create_task(follower.run())
                for follower in (services, *configs):
                    await follower.listed.wait()
                await pods.run()
            finally:
                listener.close()
                window.close()
                stage.clear()

    async def _tell_usage(self, stage: Stage) -> None:
        """Serve metrics.k8s.io, if the lab has it."""
        if self._pod_metrics is None:
            return
        window, at = Window(_usage_of(stage)), self._pod_metrics
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: HttpConnection(window), at.host, at.port, ssl=at.tls)
        try:
            await server.serve_forever()
        finally:
            window.close()


def _shown(
    stage: Stage, ready: Callable[[], bool], on_scrape: Callable[[Sequence[Source]], None]
) -> Callable[[str], Page]:
    """What stands at /metrics and /healthz."""

    def show(target: str) -> Page:
        path = target.split("?", 1)[0]
        if path == "/metrics":
            sources = stage.sources()
            on_scrape(sources)
            return Page(200, render_exposition(sources), CONTENT_TYPE)
        if path == "/healthz":
            return Page(200, "ok\n") if ready() else Page(503, "the first list is not through\n")
        return Page(404, "there are /metrics and /healthz\n")

    return show


def _usage_of(stage: Stage) -> Callable[[str], Page]:
    """What stands at /apis/metrics.k8s.io."""

    def show(target: str) -> Page:
        status, body = answer(target, stage.usages(), datetime.now(UTC))
        return Page(status, json.dumps(body), "application/json")

    return show


async def _note_usage(stage: Stage) -> None:
    while True:
        stage.note_usage(asyncio.get_running_loop().time())
        await asyncio.sleep(NOTE_USAGE_EVERY_S)


def _pods_to(stage: Stage) -> Audience:
    def put(item: Json) -> None:
        stage.put_pod(read_pod(item))

    def remove(item: Json) -> None:
        stage.remove_pod(item["metadata"]["uid"])

    return Audience(put, remove)


def _services_to(stage: Stage) -> Audience:
    def put(item: Json) -> None:
        stage.put_service(read_service(item))

    def remove(item: Json) -> None:
        stage.remove_service(item["metadata"]["namespace"], item["metadata"]["name"])

    return Audience(put, remove)


def _configs_to(stage: Stage, kind: str) -> Audience:
    def put(item: Json) -> None:
        metadata = item["metadata"]
        stage.put_config(kind, metadata["namespace"], metadata["name"], read_data({**item, "kind": kind}))

    def remove(item: Json) -> None:
        stage.remove_config(kind, item["metadata"]["namespace"], item["metadata"]["name"])

    return Audience(put, remove)
