"""The workload server as a whole, between an API server and clients."""

import asyncio
import base64
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from e2e.lab.workload.kube_api import open_api
from e2e.lab.workload.kubeconfig import Access, KubeconfigError, read_kubeconfig
from e2e.lab.workload.server import WorkloadServer
from tests.lab.small_api import KINDS, SmallApi, small_api
from tests.lab.waiting import own_address, until

PORT = 8080


def _pod(name: str, env: dict[str, str] | None = None, **meta: Any) -> dict[str, Any]:
    variables = [{"name": key, "value": value} for key, value in (env or {}).items()]
    metadata = {"uid": f"uid-{name}", "namespace": "default", "name": name, "labels": {"app": "shop"}} | meta
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": "app", "image": "shop:1", "env": variables}]},
        "status": {
            "phase": "Running",
            "podIP": own_address(),
            "conditions": [{"type": "Ready", "status": "False"}, {"type": "PodScheduled", "status": "True"}],
            "containerStatuses": [{"name": "app", "image": "shop:1", "ready": False, "imageID": "kept"}],
        },
    }


@asynccontextmanager
async def _serving(api: SmallApi) -> AsyncIterator[WorkloadServer]:
    async with open_api(Access(api.url)) as kube:
        server = WorkloadServer(kube, metrics=("127.0.0.1", 0))
        running = asyncio.get_running_loop().create_task(server.run())
        try:
            await until(lambda: server.metrics_port, what="the metrics port is open")
            yield server
        finally:
            running.cancel()
            await asyncio.wait([running])
            if not running.cancelled():
                running.result()


async def _get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


def _condition(pod: dict[str, Any], kind: str = "Ready") -> dict[str, Any]:
    return next(dict(item) for item in pod["status"]["conditions"] if item["type"] == kind)


async def _ready(api: SmallApi, name: str) -> str:
    """Wait until the pod is Ready; its address."""
    await until(lambda: _condition(api.pod(name))["status"] == "True", what=f"{name} is Ready")
    return str(api.pod(name)["status"]["podIP"])


async def _refuses(address: str) -> bool:
    try:
        _, writer = await asyncio.open_connection(address, PORT)
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        # It was still in the queue of a listener that closed: the next one tells.
        return False
    writer.transport.abort()
    return False


async def _until_refused(address: str) -> None:
    async with asyncio.timeout(10):
        while not await _refuses(address):  # noqa: ASYNC110 - nobody tells of a refusal
            await asyncio.sleep(0.005)


async def test_a_pod_becomes_ready_and_answers() -> None:
    """Pods listed and pods created later answer, and then only are Ready; the status of others is kept."""
    async with small_api() as api:
        await api.put("pods", _pod("old", {"VERSION": "1"}))
        await api.put("pods", _pod("older", {"VERSION": "1"}))
        async with _serving(api):
            await api.put("pods", _pod("new", {"VERSION": "2"}))
            for name, version in (("old", "1"), ("older", "1"), ("new", "2")):
                address = await _ready(api, name)
                assert await _get(f"http://{address}:{PORT}/") == (200, f"{name} {version} {name}\n")
            status = api.pod("new")["status"]
            assert status["containerStatuses"] == [
                {"name": "app", "image": "shop:1", "ready": True, "started": True, "imageID": "kept"},
            ]
            assert _condition(api.pod("new"), "ContainersReady")["status"] == "True"
            assert _condition(api.pod("new"), "PodScheduled")["status"] == "True"
            assert api.patches[0]["metadata"]["uid"]


async def test_a_pod_that_starts_slowly_refuses_until_then() -> None:
    """STARTUP_S holds back the listener and readiness."""
    async with small_api() as api, _serving(api):
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await api.put("pods", _pod("slow", {"STARTUP_S": "0.6"}))
        await api.put("pods", _pod("quick"))
        await _ready(api, "quick")
        if loop.time() - began_s < 0.5:
            assert await _refuses(api.pod("slow")["status"]["podIP"])
        await _ready(api, "slow")
        assert loop.time() - began_s >= 0.6


async def test_a_pod_that_is_never_ready_still_answers() -> None:
    """NEVER_READY listens and leaves the status alone."""
    async with small_api() as api, _serving(api):
        await api.put("pods", _pod("never", {"NEVER_READY": "true"}))
        await api.put("pods", _pod("after"))
        await _ready(api, "after")
        address = api.pod("never")["status"]["podIP"]
        assert (await _get(f"http://{address}:{PORT}/"))[0] == 200
        assert _condition(api.pod("never"))["status"] == "False"


async def test_a_pod_that_refuses_connections_stays_ready() -> None:
    """REFUSE_AFTER_S closes the listener, and those that were connected; nobody tells the pod's status."""
    async with small_api() as api, _serving(api):
        await api.put("pods", _pod("deaf", {"REFUSE_AFTER_S": "0.3"}))
        address = await _ready(api, "deaf")
        await _until_refused(address)
        assert _condition(api.pod("deaf"))["status"] == "True"
        await api.delete("pods", "default", "deaf")
        await api.put("pods", _pod("other"))
        await _ready(api, "other")


async def test_a_bad_variable_leaves_the_pod_unready_and_says_which() -> None:
    """The pod's own status names the variable, and nothing listens."""
    async with small_api() as api, _serving(api):
        await api.put("pods", _pod("bad", {"ERROR_RATE": "most"}))
        await until(lambda: "message" in _condition(api.pod("bad")), what="the fault is reported")
        assert _condition(api.pod("bad"))["reason"] == "BadEnvironment"
        assert "ERROR_RATE must be a number" in api.pod("bad")["status"]["message"]
        assert _condition(api.pod("bad"))["status"] == "False"
        assert await _refuses(api.pod("bad")["status"]["podIP"])


async def test_a_terminating_pod_answers_until_it_is_deleted_and_then_refuses() -> None:
    """Between deletionTimestamp and deletion clients are served; afterwards their connections are refused."""
    async with small_api() as api, _serving(api):
        await api.put("pods", _pod("leaving"))
        address = await _ready(api, "leaving")
        pod = api.pod("leaving")
        pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        await api.put("pods", pod)
        async with aiohttp.ClientSession() as session, asyncio.timeout(10):
            last = False
            while not last:
                async with session.get(f"http://{address}:{PORT}/") as response:
                    assert response.status == 200
                    last = response.headers.get("connection") == "close"
        await api.delete("pods", "default", "leaving")
        await _until_refused(address)


async def test_a_pod_deleted_unseen_refuses_after_the_next_list() -> None:
    """When the watch's history is lost (410) a new list finds out what is gone and what is new."""
    async with small_api() as api, _serving(api):
        await api.put("pods", _pod("unseen"))
        address = await _ready(api, "unseen")
        await api.forget("pods", "default", "unseen")
        await _until_refused(address)
        await api.put("pods", _pod("next"))
        await _ready(api, "next")


async def test_a_watch_that_ends_is_taken_up_where_it_was() -> None:
    """The end of a watch loses nothing and needs no new list."""
    async with small_api() as api, _serving(api):
        await api.put("pods", _pod("one"))
        await _ready(api, "one")
        listed = list(api.lists)
        await api.end_watches()
        await api.put("pods", _pod("two"))
        await _ready(api, "two")
        assert api.lists == listed


async def test_a_refused_status_is_written_again() -> None:
    """An overloaded API server delays readiness and does not prevent it."""
    async with small_api() as api, _serving(api):
        api.refuse_patches = [503, 429]
        await api.put("pods", _pod("patient"))
        await _ready(api, "patient")
        assert api.refuse_patches == []


async def test_a_pod_that_an_envoy_plays_is_left_alone() -> None:
    """Its label says so, in whatever namespace it is."""
    async with small_api() as api, _serving(api):
        gateway = _pod("gateway", labels={"app": "shop", "played-by": "envoy"})
        await api.put("pods", gateway)
        await api.put("pods", _pod("other"))
        await _ready(api, "other")
        assert await _refuses(gateway["status"]["podIP"])


async def test_a_pod_waits_for_an_address_that_is_taken() -> None:
    """While its port can't be bound the pod says so and is not Ready; it becomes so when the port is free."""
    async with small_api() as api, _serving(api):
        first, second = _pod("first"), _pod("second")
        second["status"]["podIP"] = first["status"]["podIP"]
        await api.put("pods", first)
        await _ready(api, "first")
        await api.put("pods", second)
        await until(lambda: _condition(api.pod("second")).get("reason") == "CannotListen", what="it says so")
        await api.delete("pods", "default", "first")
        await _ready(api, "second")
        assert _condition(api.pod("second"))["reason"] is None
        assert api.pod("second")["status"]["message"] is None


async def test_what_was_served_is_shown_until_the_pod_is_gone() -> None:
    """/metrics counts for the first Service by name that selects the pod, and forgets a deleted pod."""
    async with small_api() as api:
        for name in ("shop-b", "shop-a"):
            spec = {"selector": {"app": "shop"}}
            meta = {"uid": name, "namespace": "default", "name": name}
            await api.put("services", {"metadata": meta, "spec": spec})
        async with _serving(api) as server:
            window = f"http://127.0.0.1:{server.metrics_port}"
            await api.put("pods", _pod("seen"))
            address = await _ready(api, "seen")
            await _get(f"http://{address}:{PORT}/")
            _, text = await _get(f"{window}/metrics")
            [line] = [line for line in text.splitlines() if line.startswith("istio_requests_total")]
            assert 'destination_service="shop-a.default.svc.cluster.local"' in line
            assert line.endswith(" 1")
            await api.delete("pods", "default", "seen")
            await _until_refused(address)
            assert "seen" not in (await _get(f"{window}/metrics"))[1]


async def test_health_follows_the_first_list() -> None:
    """/healthz is 200 once everything is listed; anything unknown is 404."""
    async with small_api() as api, _serving(api) as server:
        window = f"http://127.0.0.1:{server.metrics_port}"
        async with asyncio.timeout(10):
            while (await _get(f"{window}/healthz"))[0] != 200:  # noqa: ASYNC110 - nobody tells of health
                await asyncio.sleep(0.005)
        assert set(api.lists) == set(KINDS)
        assert (await _get(f"{window}/other"))[0] == 404


async def test_an_absent_api_server_is_waited_for(unused_tcp_port: int) -> None:
    """Without an API server it runs, unhealthy, and keeps trying."""
    async with open_api(Access(f"http://127.0.0.1:{unused_tcp_port}")) as kube:
        server = WorkloadServer(kube, metrics=("127.0.0.1", 0))
        running = asyncio.get_running_loop().create_task(server.run())
        await until(lambda: server.metrics_port, what="the metrics port is open")
        assert (await _get(f"http://127.0.0.1:{server.metrics_port}/healthz"))[0] == 503
        assert not running.done()
        running.cancel()
        await asyncio.wait([running])


async def test_the_command_line_serves_until_it_is_told_to_end(tmp_path: Path, unused_tcp_port: int) -> None:
    """As a process of its own it plays pods, and SIGTERM ends it with status 0."""
    async with small_api() as api:
        await api.put("pods", _pod("played"))
        config = _write_kubeconfig(tmp_path, {"server": api.url}, {"token": "t"})
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "e2e.lab.workload", "--kubeconfig", str(config)),
            *("--metrics", f"127.0.0.1:{unused_tcp_port}"),
        )
        try:
            address = await _ready(api, "played")
            assert (await _get(f"http://{address}:{PORT}/"))[0] == 200
            assert "istio_requests_total{" in (await _get(f"http://127.0.0.1:{unused_tcp_port}/metrics"))[1]
        finally:
            program.terminate()
            status = await program.wait()
        assert status == 0
        assert await _refuses(address)


async def test_a_taken_metrics_port_ends_the_command_line(tmp_path: Path) -> None:
    """It says so in one line and ends with status 2."""
    async with small_api() as api:
        config = _write_kubeconfig(tmp_path, {"server": api.url}, {})
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "e2e.lab.workload", "--kubeconfig", str(config)),
            *("--metrics", api.url.removeprefix("http://")),
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await program.communicate()
    assert program.returncode == 2
    assert "in use" in said.decode().splitlines()[-1]


def _write_kubeconfig(folder: Path, cluster: dict[str, Any], user: dict[str, Any]) -> Path:
    config = {
        "current-context": "lab",
        "contexts": [{"name": "lab", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def test_a_kubeconfig_gives_server_and_token(tmp_path: Path) -> None:
    """The current context decides; a token may lie in a file beside it."""
    (tmp_path / "token").write_text("secret\n", encoding="utf-8")
    cluster = {"server": "https://127.0.0.1:6443/", "insecure-skip-tls-verify": True}
    access = read_kubeconfig(_write_kubeconfig(tmp_path, cluster, {"tokenFile": "token"}))
    assert (access.server, access.token) == ("https://127.0.0.1:6443", "secret")
    assert access.tls is not None
    assert not access.tls.check_hostname


@pytest.mark.parametrize(
    ("text", "problem"),
    [("{", "not YAML"), ("[]", "not a kubeconfig"), ("current-context: x", "among its contexts")],
)
def test_a_useless_kubeconfig_is_named(tmp_path: Path, text: str, problem: str) -> None:
    """The error says what the file lacks."""
    path = tmp_path / "kubeconfig"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(KubeconfigError, match=problem):
        read_kubeconfig(path)


def test_a_kubeconfig_with_a_broken_authority_is_refused(tmp_path: Path) -> None:
    """Certificate data that is none is an error here, not at the first request."""
    data = base64.b64encode(b"no certificate").decode()
    cluster = {"server": "https://127.0.0.1:6443", "certificate-authority-data": data}
    with pytest.raises(KubeconfigError, match="certificate-authority"):
        read_kubeconfig(_write_kubeconfig(tmp_path, cluster, {"token": "t"}))


async def test_a_pod_waits_for_the_config_map_that_it_needs() -> None:
    """It says what is missing, and starts with the data as soon as it is there."""
    async with small_api() as api, _serving(api):
        pod = _pod("configured")
        pod["spec"]["containers"][0]["envFrom"] = [{"configMapRef": {"name": "conduct"}}]
        await api.put("pods", pod)
        await until(
            lambda: _condition(api.pod("configured")).get("reason") == "CreateContainerConfigError",
            what="the pod says what is missing",
        )
        metadata = {"uid": "uid-conduct", "namespace": "default", "name": "conduct"}
        await api.put("configmaps", {"metadata": metadata, "data": {"VERSION": "7"}})
        address = await _ready(api, "configured")
        assert " 7 " in (await _get(f"http://{address}:{PORT}/"))[1]
