"""/healthz, /readyz and /metrics: for probes and for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.types import ASGIApp


def make_server(
    registry: CollectorRegistry, not_ready: Callable[[], str], mounted: Mapping[str, ASGIApp] | None = None
) -> FastAPI:
    """The application, and others below their paths. `not_ready` says why the process can't work; empty when it can."""
    server = FastAPI(title="rollouts", openapi_url=None)

    @server.get("/healthz")
    async def healthz() -> Response:
        """200 while the event loop turns."""
        return Response("ok\n", media_type="text/plain")

    @server.get("/readyz")
    async def readyz() -> Response:
        """200 once all kinds are listed, else 503 with the reason."""
        reason = not_ready()
        return Response(f"{reason or 'ok'}\n", status_code=503 if reason else 200, media_type="text/plain")

    @server.get("/metrics")
    async def metrics() -> Response:
        """The process's own metrics."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    for path, application in (mounted or {}).items():
        server.mount(path, application)
    return server
