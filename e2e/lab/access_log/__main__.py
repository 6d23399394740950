"""The access log's command line: `python -m e2e.lab.access_log --kubeconfig FILE --pipes FOLDER`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from e2e.lab.access_log.line import Reporter
from e2e.lab.access_log.tally import Directory, Tally
from e2e.lab.proxies import PROXIES, Proxy
from e2e.lab.workload.connection import HttpConnection
from e2e.lab.workload.exposition import CONTENT_TYPE, render_series
from e2e.lab.workload.follow import Audience, Follower
from e2e.lab.workload.kube_api import open_api
from e2e.lab.workload.kubeconfig import read_kubeconfig
from e2e.lab.workload.listener import Listener
from e2e.lab.workload.views import read_pod
from e2e.lab.workload.window import Page, Window


def main() -> int:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m e2e.lab.access_log", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True, metavar="FILE")
    parser.add_argument("--pipes", type=Path, required=True, metavar="FOLDER", help="one of each proxy, by its name")
    parser.add_argument("--port", type=int, default=9401, help="of /metrics and /healthz on 127.0.0.1")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(_run(parser.parse_args()))
    return 0


async def _run(arguments: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ended.set)
    directory = Directory()
    tallies = {name: Tally(_reporter(proxy), directory) for name, proxy in PROXIES.items()}
    async with open_api(read_kubeconfig(arguments.kubeconfig)) as api, asyncio.TaskGroup() as tasks:
        follower = Follower(api, "/api/v1/pods", Audience(lambda item: directory.put(read_pod(item)), lambda _: None))
        following = tasks.create_task(follower.run())
        # A line before its pod is known would count for an unknown workload: the pipes hold them meanwhile.
        await follower.listed.wait()
        pipes = [await _read(arguments.pipes / name, tally) for name, tally in tallies.items()]
        window = Window(_shown(list(tallies.values())))
        listener = Listener("127.0.0.1", arguments.port, lambda: HttpConnection(window))
        await ended.wait()
        listener.close()
        window.close()
        for pipe in pipes:
            pipe.close()
        following.cancel()


def _reporter(proxy: Proxy) -> Reporter:
    return Reporter(proxy.workload, proxy.namespace, trusts_host=proxy.kind == "sidecar")


class _Reader(asyncio.Protocol):
    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def data_received(self, data: bytes) -> None:
        """Count what has come."""
        self._tally.feed(data)


async def _read(pipe: Path, tally: Tally) -> asyncio.ReadTransport:
    """Read from the pipe from now on. Open for writing too, it never ends, however its Envoy does."""
    file = os.fdopen(os.open(pipe, os.O_RDWR | os.O_NONBLOCK), "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: _Reader(tally), file)
    return transport


def _shown(tallies: list[Tally]) -> Callable[[str], Page]:
    """What stands at /metrics and /healthz."""

    def show(target: str) -> Page:
        path = target.split("?", 1)[0]
        if path == "/metrics":
            return Page(200, render_series(found for tally in tallies for found in tally.series()), CONTENT_TYPE)
        if path == "/healthz":
            return Page(200, "ok\n")
        return Page(404, "there are /metrics and /healthz\n")

    return show


if __name__ == "__main__":
    sys.exit(main())
