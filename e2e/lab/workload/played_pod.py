"""One pod, played: its listeners, its clients' connections, its conduct and its counts.

It knows its own pod only. When it starts, is told that it terminates, and dies is the stage's
decision.
"""

import ssl
from random import Random

from e2e.lab.workload.behaviour import Behaviour
from e2e.lab.workload.connection import Answer, HttpConnection, render_head
from e2e.lab.workload.exposition import Source
from e2e.lab.workload.http1 import Request
from e2e.lab.workload.listener import Listener
from e2e.lab.workload.meter import Meter
from e2e.lab.workload.views import PodView


class PlayedPod:
    """Answers on a pod's address as its environment says; a Host for its connections."""

    def __init__(self, pod: PodView, behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        """Prepare to play; nothing listens yet. `tls` is for the port on which it is spoken, if there is one."""
        self.pod = pod
        self.behaviour = behaviour
        self.version = pod.labels.get("version") or behaviour.version
        self.meter = Meter()
        # Seeded by name, so that a run with the same pods draws the same errors and delays.
        self._rng = Random(pod.name)
        self._rendered: dict[int, tuple[bytes, bytes]] = {}
        self._tls = tls
        self._listeners: list[Listener] = []
        self._connections: set[HttpConnection] = set()
        self._dead = False

    @property
    def draining(self) -> bool:
        """A terminating pod asks its clients to go elsewhere."""
        return self.pod.terminating

    @property
    def source(self) -> Source:
        """What the exposition needs."""
        return Source(self.pod, self.version, self.meter)

    def listen(self) -> None:
        """Bind each of the pod's ports. Raises OSError with none bound when one can't be."""
        listeners: list[Listener] = []
        try:
            for port in self.pod.ports:
                tls = self._tls if port == self.behaviour.tls_port else None
                listeners.append(Listener(self.pod.address, port, lambda: HttpConnection(self), tls))
        except OSError:
            _close(listeners)
            raise
        self._listeners = listeners

    def kill(self) -> None:
        """Refuse from now on, close idle connections, reset the others. Of the pod itself nothing is told."""
        self._dead = True
        _close(self._listeners)
        for connection in tuple(self._connections):
            connection.kill()

    def answer(self, request: Request) -> Answer:
        """Draw status and delay for one request."""
        _ = request  # each path and method is answered alike
        delay_s = self.behaviour.latency.draw_s(self._rng)
        status = self.behaviour.draw_status(self._rng)
        head, body = self._rendered.get(status) or self._render(status)
        return Answer(status, head, body, delay_s)

    def answered(self, status: int, duration_s: float) -> None:
        """Count a written answer."""
        self.meter.count(status, duration_s)

    def opened(self, connection: HttpConnection) -> None:
        """Remember a client's connection; one that was accepted as the pod died ends at once."""
        self._connections.add(connection)
        if self._dead:
            connection.kill()

    def closed(self, connection: HttpConnection) -> None:
        """Forget a client's connection."""
        self._connections.discard(connection)

    def _render(self, status: int) -> tuple[bytes, bytes]:
        pod, version = self.pod, self.behaviour.version or self.version or "unknown"
        body = f"{pod.workload} {version} {pod.name}\n".encode()
        headers = {
            "content-type": "text/plain",
            "x-version": version,
            "x-workload": pod.workload,
            "x-pod": pod.name,
        }
        rendered = self._rendered[status] = (render_head(status, headers, body), body)
        return rendered


def _close(listeners: list[Listener]) -> None:
    for listener in listeners:
        listener.close()
