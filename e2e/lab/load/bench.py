"""How much the lab's two ends can take: the load client against one played pod on loopback, a process each.

With Envoy in between, Envoy and the pod's process share one core, as the lab promises to hold its rate on. Prints what
was sent and answered, and each process's share of one core. It needs no cluster.
"""

import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

from e2e.lab.load.client import LoadClient
from e2e.lab.load.report import HEADER, render_totals
from e2e.lab.proxy import find_envoy
from e2e.lab.workload.behaviour import Behaviour
from e2e.lab.workload.played_pod import PlayedPod
from e2e.lab.workload.views import read_pod

POD_ADDRESS = "127.0.9.1"
ENVOY_ADDRESS = "127.0.9.2"
PORT = 8080
LISTENS_WITHIN_S = 15.0
SETTLE_S = 1.0
TYPES = "type.googleapis.com/envoy.extensions.filters"


def run_bench(rate_per_s: float, duration_s: float, *, through_envoy: bool) -> bool:
    """Send at this rate for so long and print what came of it; whether each request was answered well."""
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as ends:
        # Children inherit the one core; with a single core everything shares it.
        os.sched_setaffinity(0, cores[:1])
        pids = {"workload server": ends.enter_context(_pod())}
        if through_envoy:
            pids["Envoy"] = ends.enter_context(_envoy())
        os.sched_setaffinity(0, cores[1:] or cores)
        pids["load client"] = os.getpid()
        address = ENVOY_ADDRESS if through_envoy else POD_ADDRESS
        return asyncio.run(_measure(f"http://{address}:{PORT}/", (rate_per_s, duration_s), pids))


async def _measure(url: str, load_for: tuple[float, float], pids: dict[str, int]) -> bool:
    rate_per_s, duration_s = load_for
    await _listening(url)
    async with LoadClient(url, rate_per_s=rate_per_s) as load:
        load.start(SETTLE_S)
        await load.finish()
        load.records.clear()
        before_s = {name: _cpu_s(pid) for name, pid in pids.items()}
        load.start(duration_s)
        await load.finish()
        spent_s = {name: _cpu_s(pid) - before_s[name] for name, pid in pids.items()}
    span_s = max(item.done_at_s for item in load.records) - min(item.sent_at_s for item in load.records)
    shares = ", ".join(f"{name} {cpu_s / span_s:.1%}" for name, cpu_s in spent_s.items())
    held = f"held {len(load.records) / span_s:.0f} requests/s for {span_s:.1f} s (asked for {rate_per_s:.0f})"
    sys.stdout.write("\n".join([HEADER, *render_totals(load.records), held, f"share of one core: {shares}"]) + "\n")
    return not any(record.failed for record in load.records)


async def _listening(url: str) -> None:
    """Return once a request is answered well. Raises TimeoutError."""
    async with asyncio.timeout(LISTENS_WITHIN_S), LoadClient(url, rate_per_s=20.0) as load:
        while not load.records or load.records[-1].failed:
            load.start(0.05)
            await load.finish()


def _cpu_s(pid: int) -> float:
    """CPU time that all threads of a process have used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _pod() -> Iterator[int]:
    """A process that plays one pod; its pid."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_play, args=(theirs,), daemon=True)
    process.start()
    try:
        ours.recv()
        assert process.pid is not None  # noqa: S101 - it has started
        yield process.pid
    finally:
        process.terminate()
        process.join()


def _play(pipe: Pipe) -> None:
    asyncio.run(_play_until_ended(pipe))


async def _play_until_ended(pipe: Pipe) -> None:
    pod = {
        "metadata": {"uid": "bench", "namespace": "default", "name": "bench-0", "labels": {}},
        "spec": {"containers": [{"name": "app", "ports": [{"containerPort": PORT}]}]},
        "status": {"phase": "Running", "podIP": POD_ADDRESS},
    }
    PlayedPod(read_pod(pod), Behaviour(version="1")).listen()
    pipe.send("listening")
    await asyncio.get_running_loop().create_future()


@contextmanager
def _envoy() -> Iterator[int]:
    """Envoy in front of the pod, with one worker; its pid."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "envoy.json"
        config.write_text(json.dumps({"static_resources": _resources()}), encoding="utf-8")
        words = [find_envoy(), "-c", str(config), "--disable-hot-restart", "--concurrency", "1"]
        process = subprocess.Popen([*words, "--log-level", "error"])
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait()


def _resources() -> dict[str, Any]:
    manager = {
        "@type": f"{TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "route_config": {
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "pod"}}]}
            ]
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{TYPES}.http.router.v3.Router"},
            }
        ],
    }
    network_filter = {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
    listener = {"name": "bench", "address": _at(ENVOY_ADDRESS), "filter_chains": [{"filters": [network_filter]}]}
    endpoint = {"endpoint": {"address": _at(POD_ADDRESS)}}
    assignment = {"cluster_name": "pod", "endpoints": [{"lb_endpoints": [endpoint]}]}
    return {"listeners": [listener], "clusters": [{"name": "pod", "type": "STATIC", "load_assignment": assignment}]}


def _at(address: str) -> dict[str, Any]:
    return {"socket_address": {"address": address, "port_value": PORT}}
