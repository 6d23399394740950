"""A way to the API server that can be cut: bytes are passed on, or are held back as if the network had gone."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path

API_PORT = 6443


class Wire:
    """One replica's."""

    def __init__(self) -> None:
        self._whole = asyncio.Event()
        self._whole.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ends: set[asyncio.StreamWriter] = set()

    async def open(self, kubeconfig: Path, to: Path) -> None:
        """Listen, and write a kubeconfig that leads through here."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._write(kubeconfig, to, self._server.sockets[0].getsockname()[1])

    def _write(self, kubeconfig: Path, to: Path, port: int) -> None:
        config = json.loads(kubeconfig.read_text(encoding="utf-8"))
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
        to.write_text(json.dumps(config), encoding="utf-8")
        to.chmod(0o600)

    def cut(self) -> None:
        """Nothing comes through, and nobody is told."""
        self._whole.clear()

    def mend(self) -> None:
        """All comes through again."""
        self._whole.set()

    def drop(self) -> None:
        """Every stream ends now, whatever is under way on it; new ones come through."""
        for end in self._ends:
            end.transport.abort()

    def close(self) -> None:
        """For good."""
        if self._server is not None:
            self._server.close()
        self.drop()
        for task in self._tasks:
            task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._whole.wait()
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", API_PORT)
            for source, sink in ((reader, far_writer), (far_reader, writer)):
                task = asyncio.create_task(self._pass(source, sink))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        except OSError:  # the API server is not there: the caller is to know
            writer.close()

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        self._ends.add(sink)
        with suppress(OSError):
            while data := await source.read(65536):
                await self._whole.wait()
                sink.write(data)
                await sink.drain()
        self._ends.discard(sink)
        sink.close()
