"""`rollouts server` on a real API server: who may only approve does; who may not hears which verb is missing."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from rollouts.api.actions import PREFIX
from rollouts.app import serve
from rollouts.kube.clock import ServerClock
from rollouts.kube.intents_policy import KubeVouching
from rollouts.kube.transport import Transport
from rollouts.settings import Settings
from tests.contract.test_on_behalf import ANN, NAMESPACE, _applied, _kube_tokens
from tests.engine.world import canary_manifest
from tests.kube.kubectl import kubectl_json, run_kubectl
from tests.kube.test_real_server import connect, real, real_clock

__all__ = ["real", "real_clock"]

pytestmark = pytest.mark.kube

ROOT = Path(__file__).parents[2]
POLICY = ROOT / "deploy" / "policies" / "intents.yaml"
ONE = f"/api/v1/namespaces/{NAMESPACE}/canaries/app"
STATUS = {
    "phase": "Waiting", "lastAppliedSpec": "b", "gate": {"type": "confirm-rollout", "since": "2026-01-01T00:00:00Z"},
}  # fmt: skip


@asynccontextmanager
async def _server() -> AsyncIterator[str]:
    """The server as its own process would run it; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = Settings(kubeconfig=Path(os.environ["KUBECONFIG"]), listen=f"127.0.0.1:{port}")
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(settings, stop))
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            stop.set()


async def _ready(session: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                async with session.get(f"{url}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


async def _ask(session: aiohttp.ClientSession, method: str, url: str, token: str, **more: Any) -> tuple[int, Any]:
    async with session.request(method, url, headers={"Authorization": f"Bearer {token}"}, **more) as answer:
        return answer.status, await answer.json()


async def test_an_approver_sees_it_wait_and_approves() -> None:
    """With a token of a ServiceAccount that can't even patch Canaries."""
    ann, bob = _kube_tokens()
    canary = canary_manifest()
    canary["metadata"] = {"name": "app", "namespace": NAMESPACE}
    _applied(canary)
    patch = json.dumps({"status": STATUS})
    words = ("patch", "canaries.rollouts.dev", "app", "-n", NAMESPACE, "--subresource=status", "--type=merge", "-p")
    done = run_kubectl(*words, patch)
    assert done.returncode == 0, done.stderr
    wish = {"revision": "b", "reason": "it looks well"}
    async with _server() as url, aiohttp.ClientSession() as session:
        await _ready(session, url)
        assert (await _ask(session, "GET", url + ONE, "nonsense"))[0] == 401
        code, detail = await _ask(session, "GET", url + ONE, ann)
        assert (code, detail["next"][0]["what"]) == (200, "its pods start, then 20 %, step 1 of 2")
        assert "approve" in detail["possible"]
        code, told = await _ask(session, "POST", f"{url}{ONE}/actions/approve", ann, json=wish)
        assert (code, told.get("user")) == (202, ANN)
        code, told = await _ask(session, "POST", f"{url}{ONE}/actions/approve", bob, json=wish)
        assert code == 403
        assert f"may not approve canaries.rollouts.dev in namespace {NAMESPACE}" in told["message"]
        assert (await _ask(session, "POST", f"{url}{ONE}/actions/reject", ann, json=wish))[0] == 403
    stored = kubectl_json("get", "canaries.rollouts.dev", "app", "-n", NAMESPACE)["metadata"]["annotations"]
    [intent] = [json.loads(text) for name, text in stored.items() if name.startswith(PREFIX + "approve.")]
    assert (intent["user"], intent["revision"], intent["reason"]) == (ANN, "b", "it looks well")


async def test_the_controller_knows_whether_names_are_true(real: Transport, real_clock: ServerClock) -> None:
    """By the policy and its binding, with the rights of its own account; else nobody is vouched for."""
    _applied_file(ROOT / "deploy" / "base" / "rbac.yaml")
    account = await connect(user="system:serviceaccount:rollouts-system:rollouts-controller")
    try:
        run_kubectl("delete", "-f", str(POLICY))
        assert not await KubeVouching(account, real_clock).vouches()
        _applied_file(POLICY)
        assert await KubeVouching(account, real_clock).vouches()
        run_kubectl("delete", "validatingadmissionpolicybinding", "intents.rollouts.dev")
        assert not await KubeVouching(account, real_clock).vouches()
    finally:
        run_kubectl("delete", "-f", str(POLICY))
        await account.close()


def _applied_file(path: Path) -> None:
    for manifest in yaml.safe_load_all(path.read_text()):
        _applied(manifest)
