"""What this process shows of itself over HTTP: pages by their path. A Host of connections that are not counted.

It knows what a page is, not what stands on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from e2e.lab.workload.connection import Answer, HttpConnection, render_head
from e2e.lab.workload.http1 import Request


@dataclass(frozen=True, slots=True)
class Page:
    """One answer."""

    status: int
    text: str
    content_type: str = "text/plain"


class Window:
    """Answers each request with the page of its target."""

    draining = False

    def __init__(self, show: Callable[[str], Page]) -> None:
        """Show these pages."""
        self._show = show
        self._connections: set[HttpConnection] = set()

    def answer(self, request: Request) -> Answer:
        """The page, as it is now."""
        page = self._show(request.target.decode("latin-1"))
        body = page.text.encode()
        return Answer(page.status, render_head(page.status, {"content-type": page.content_type}, body), body)

    def answered(self, status: int, duration_s: float) -> None:
        """Nobody counts."""

    def opened(self, connection: HttpConnection) -> None:
        """Remember a client's connection."""
        self._connections.add(connection)

    def closed(self, connection: HttpConnection) -> None:
        """Forget it."""
        self._connections.discard(connection)

    def close(self) -> None:
        """End all connections."""
        for connection in tuple(self._connections):
            connection.kill()
