"""The program itself, as a process: how it starts, what it says while it can't work, how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rollouts import outside
from rollouts.cli import exits, main
from rollouts.kube.transport import Transport
from tests.kube.conftest import rude, transport
from tests.kube.rude_server import RudeServer, reply, status

__all__ = ["rude", "transport"]

STARTED_WITHIN_S = 30.0
ENDED_WITHIN_S = 10.0


def kubeconfig_for(folder: Path, server: str) -> Path:
    """A kubeconfig of nobody in particular."""
    entry = {"name": "x"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [entry | {"cluster": {"server": server}}],
        "users": [entry | {"user": {}}],
        "contexts": [entry | {"context": {"cluster": "x", "user": "x"}}],
        "current-context": "x",
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return path


def environment(**settings: object) -> dict[str, str]:
    """This process's environment, with these settings alone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROLLOUTS_")}
    return kept | {f"ROLLOUTS_{name.upper()}": str(value) for name, value in settings.items()}


@contextmanager
def controller(log: Path, **settings: object) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The running program and the port that it says it listens on."""
    words = [sys.executable, "-m", "rollouts", "controller"]
    with log.open("wb") as sink, subprocess.Popen(words, env=environment(**settings), stderr=sink) as process:
        try:
            until(lambda: entries(log, "listening") or process.poll() is not None)
            yield process, entries(log, "listening")[0]["port"]
        finally:
            process.kill()


def entries(log: Path, event: str) -> list[dict[str, Any]]:
    """What the log has of that event. Every whole line is JSON."""
    lines = log.read_text().splitlines(keepends=True)
    return [entry for line in lines if line.endswith("\n") and (entry := json.loads(line))["event"] == event]


def until(condition: Callable[[], object], within_s: float = STARTED_WITHIN_S) -> None:
    """Return once the condition holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def get(port: int, path: str) -> tuple[int, str]:
    """Status and text of an answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_without_an_api_server_it_waits_and_says_so(tmp_path: Path, signum: signal.Signals) -> None:
    """It lives, is not ready and tells why, tries again ever more seldom, and ends at once when asked to."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    log, kubeconfig = tmp_path / "log", kubeconfig_for(tmp_path, address)
    with controller(log, kubeconfig=kubeconfig, listen="127.0.0.1:0") as (process, port):
        until(lambda: len(entries(log, "waiting_for_api_server")) >= 2)
        assert get(port, "/healthz") == (200, "ok\n")
        assert get(port, "/readyz") == (503, "waiting for the API server\n")
        waits = entries(log, "waiting_for_api_server")
        assert [entry["again_in_s"] for entry in waits[:2]] == [1.0, 2.0]
        assert (waits[0]["level"], "no connection to the API server" in waits[0]["reason"]) == ("warning", True)
        process.send_signal(signum)
        assert process.wait(ENDED_WITHIN_S) == 0
    assert entries(log, "stopping")


async def test_it_goes_on_as_soon_as_the_api_server_answers(rude: RudeServer, transport: Transport) -> None:
    """A server that starts, then has no right time, then is well."""
    rude.script += [
        reply(503, status(503)),
        reply(401, status(401)),
        reply(200, {}, Date="Fri, 02 Jan 2026 12:00:00 GMT"),
    ]
    clock = await outside.wait_for_clock(transport, first_retry_s=0.01)
    assert clock.now().isoformat().startswith("2026-01-02T12:00:00")
    assert len(rude.asked) == 3


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("metrics_server", "nonsense", "ROLLOUTS_METRICS_SERVER: write a URL such as http://prometheus:9090"),
        ("listen", "nowhere", "ROLLOUTS_LISTEN: write host:port, such as 0.0.0.0:8080"),
        ("kubeconfig", "/nowhere/config", "ROLLOUTS_KUBECONFIG: Path does not point to a file"),
    ],
    ids=["metrics server", "listen", "kubeconfig"],
)
def test_a_bad_setting_ends_it_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, says: str
) -> None:
    """Exit code 2, the variable and the way out on stderr, no traceback."""
    monkeypatch.setattr(os, "environ", environment(**{name: value}))
    monkeypatch.setattr(sys, "argv", ["rollouts", "controller"])
    with pytest.raises(SystemExit) as ended:
        main.run()
    assert ended.value.code == exits.REFUSED
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"rollouts: {says}\n")


@pytest.mark.parametrize("case", ["address in use", "no kubeconfig at all", "kubeconfig of another shape"])
def test_a_place_it_can_not_run_in_ends_it_with_one_line(tmp_path: Path, case: str) -> None:
    """Exit code 2 and one line, from the program itself."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        kubeconfig = kubeconfig_for(tmp_path, "http://127.0.0.1:1")
        if case == "kubeconfig of another shape":
            kubeconfig.write_text("[]")
        settings = {} if case == "no kubeconfig at all" else {"kubeconfig": kubeconfig}
        done = subprocess.run(
            [sys.executable, "-m", "rollouts", "controller"],
            env=environment(listen=address, **settings),
            capture_output=True,
            text=True,
            timeout=STARTED_WITHIN_S,
            check=False,
        )
    says = {
        "address in use": f"rollouts: can't listen on {address}: Address already in use",
        "no kubeconfig at all": "rollouts: no access to a cluster by the pod's service account: ",
        "kubeconfig of another shape": f"rollouts: no access to a cluster by kubeconfig {kubeconfig}: ",
    }
    assert done.returncode == exits.REFUSED
    assert [line.startswith(says[case]) for line in done.stderr.splitlines()] == [True], done.stderr


@pytest.mark.kube
def test_on_a_real_api_server_it_becomes_ready(tmp_path: Path) -> None:
    """Ready after the first lists, with its requests counted; it ends at once when asked to."""
    kubeconfig = os.environ.get("KUBECONFIG") or pytest.fail("KUBECONFIG is not set: run `make test-kube`")
    log = tmp_path / "log"
    with controller(log, kubeconfig=kubeconfig, listen="127.0.0.1:0") as (process, port):
        until(lambda: get(port, "/readyz") == (200, "ok\n"))
        code, text = get(port, "/metrics")
        assert code == 200
        assert 'rollouts_api_requests_total{code="200",resource="canaries.rollouts.dev",verb="list"} 1.0' in text
        process.send_signal(signal.SIGTERM)
        assert process.wait(ENDED_WITHIN_S) == 0
    assert len(entries(log, "ready")) == 1
