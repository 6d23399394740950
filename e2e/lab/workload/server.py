"""The workload server as a whole: follows pods and Services, plays the pods, and shows what they served.

The composition root; it holds no rules of its own.
"""

import asyncio
from collections.abc import Callable, Iterable

from e2e.lab.workload.connection import Answer, HttpConnection, render_head
from e2e.lab.workload.exposition import CONTENT_TYPE, render_exposition
from e2e.lab.workload.follow import Audience, Follower
from e2e.lab.workload.http1 import Request
from e2e.lab.workload.kube_api import KubeApi
from e2e.lab.workload.listener import Listener
from e2e.lab.workload.stage import Stage
from e2e.lab.workload.status_writer import StatusWriter
from e2e.lab.workload.views import Json, read_pod, read_service


class WorkloadServer:
    """Plays every pod that an API server shows."""

    def __init__(self, api: KubeApi, *, metrics: tuple[str, int], ignored: Iterable[str] = ()) -> None:
        """Prepare; `metrics` is the address (host, port) of /metrics and /healthz, port 0 for any free one."""
        self._api = api
        self._metrics = metrics
        self._ignored = tuple(ignored)
        self.metrics_port = 0
        """The port that /metrics is on, 0 before it is."""

    async def run(self) -> None:
        """Serve until cancelled; then everything is closed. Raises OSError when the metrics port is taken."""
        async with asyncio.TaskGroup() as tasks:
            stage = Stage(StatusWriter(self._api), tasks, ignored=self._ignored)
            services = Follower(self._api, "/api/v1/services", _services_to(stage))
            pods = Follower(self._api, "/api/v1/pods", _pods_to(stage))
            window = _Window(stage, lambda: services.listed.is_set() and pods.listed.is_set())
            listener = Listener(*self._metrics, lambda: HttpConnection(window))
            self.metrics_port = listener.port
            try:
                tasks.create_task(services.run())
                await services.listed.wait()
                await pods.run()
            finally:
                listener.close()
                window.close()
                stage.clear()


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


class _Window:
    """The Host of /metrics and /healthz."""

    draining = False

    def __init__(self, stage: Stage, ready: Callable[[], bool]) -> None:
        self._stage = stage
        self._ready = ready
        self._connections: set[HttpConnection] = set()

    def answer(self, request: Request) -> Answer:
        path = request.target.split(b"?", 1)[0]
        if path == b"/metrics":
            return _text(200, render_exposition(self._stage.sources()), CONTENT_TYPE)
        if path == b"/healthz":
            ready = self._ready()
            return _text(200 if ready else 503, "ok\n" if ready else "the first list is not through\n")
        return _text(404, "there are /metrics and /healthz\n")

    def answered(self, status: int, duration_s: float) -> None:
        """Scrapes are not counted."""

    def opened(self, connection: HttpConnection) -> None:
        self._connections.add(connection)

    def closed(self, connection: HttpConnection) -> None:
        self._connections.discard(connection)

    def close(self) -> None:
        for connection in tuple(self._connections):
            connection.kill()


def _text(status: int, text: str, content_type: str = "text/plain") -> Answer:
    body = text.encode()
    return Answer(status, render_head(status, {"content-type": content_type}, body), body)
