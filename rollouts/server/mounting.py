"""What is served beside health and metrics: the API, and the pages behind links; put together from what there is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog
from starlette.types import ASGIApp

from rollouts.core.links import read_keys
from rollouts.errors import RolloutsError, Unavailable
from rollouts.kube.access import nameless
from rollouts.kube.on_behalf import KubeOnBehalf
from rollouts.kube.transport import Transport
from rollouts.ports import Clock, Cluster
from rollouts.server.api import Backend
from rollouts.server.feed import Feed
from rollouts.server.link_pages import LinkPages, make_links
from rollouts.server.routes import BASE, make_api

_log = structlog.get_logger(__name__)


class KeysUnusable(RolloutsError):
    """The file of keys for links can't be read, or holds none that is good."""


@dataclass(slots=True)
class Parts:
    """What the API stands on, as far as the process has come."""

    cluster: Cluster | None = None
    clock: Clock | None = None
    feed: Feed = field(default_factory=Feed)

    def open_cluster(self) -> Cluster:
        """The stores. Raises Unavailable at the start."""
        if self.cluster is None:
            raise Unavailable("the first lists are not here yet")
        return self.cluster

    def now(self) -> datetime:
        """The present. Raises Unavailable at the start."""
        if self.clock is None:
            raise Unavailable("the API server has not answered yet")
        return self.clock.now()


def keys_in(path: Path) -> Sequence[bytes]:
    """The keys for links. Raises KeysUnusable, which shows none of them."""
    try:
        return read_keys(path.read_text())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise KeysUnusable(f"ROLLOUTS_LINK_KEY_FILE {path}: {why}") from None


def keys_now(path: Path) -> Sequence[bytes]:
    """The same, while the process runs: without a key that is good no link is."""
    try:
        return keys_in(path)
    except KeysUnusable as unusable:
        _log.warning("link_keys_unusable", reason=str(unusable))
        return ()


@asynccontextmanager
async def mounted(
    parts: Parts, transport: Transport, monotonic: Callable[[], float], *, api: bool, link_key_file: Path | None
) -> AsyncIterator[dict[str, ASGIApp]]:
    """The applications by their paths, while the body runs. Raises KeysUnusable."""
    applications: dict[str, ASGIApp] = {}
    if link_key_file is not None:
        keys_in(link_key_file)
        pages = LinkPages(parts.open_cluster, lambda: keys_now(link_key_file), parts.now, monotonic)
        applications["/links"] = make_links(pages)
    if not api:
        yield applications
        return
    others = Transport(nameless(transport.client), monotonic=monotonic)
    try:
        backend = Backend(parts.open_cluster, KubeOnBehalf(others), parts.feed, parts.now, monotonic)
        applications[BASE] = make_api(backend)
        yield applications
    finally:
        await others.close()
