from __future__ import annotations

import time
from pathlib import Path

import pytest

from rollouts import __version__
from rollouts.api.resources import ObjectKey
from rollouts.kube.access import AccessUnknown, open_client
from rollouts.kube.requests import get
from rollouts.kube.transport import Transport
from tests.kube.rude_server import RudeServer, config_map, reply
from tests.kube.waiting import CONFIG_MAPS

GOOD = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1", insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: secret-token}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
"""


async def test_a_kubeconfig_gives_a_client(tmp_path: Path) -> None:
    """Server and token are read, and the client says who is asking."""
    path = tmp_path / "config"
    path.write_text(GOOD)
    client = await open_client(kubeconfig=path)
    assert client.configuration.host == "https://127.0.0.1:1"
    assert client.user_agent == f"rollouts/{__version__}"
    await client.close()


async def test_a_netrc_that_names_the_api_server_takes_the_tokens_place_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rude: RudeServer
) -> None:
    """Some have one for the same host: the token of the kubeconfig is shown, and no password."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    path = tmp_path / "config"
    path.write_text(GOOD.replace("https://127.0.0.1:1", rude.url))
    rude.script.append(reply(200, config_map("a", 3)))
    transport = Transport(await open_client(kubeconfig=path), monotonic=time.monotonic)
    try:
        await transport.send(get(CONFIG_MAPS, ObjectKey("default", "a")))
    finally:
        await transport.close()
    (asked,) = rude.asked
    assert asked.headers["authorization"] == "Bearer secret-token"


@pytest.mark.parametrize(
    "text", [None, "", "a: [", "just words", GOOD.replace("current-context: c", "current-context: nope")],
    ids=["missing", "empty", "no-yaml", "words", "no-context"],
)  # fmt: skip
async def test_a_useless_kubeconfig_is_named(tmp_path: Path, text: str | None) -> None:
    """The message names the file, and holds no secret."""
    path = tmp_path / "config"
    if text is not None:
        path.write_text(text)
    with pytest.raises(AccessUnknown, match="kubeconfig") as caught:
        await open_client(kubeconfig=path)
    assert "secret-token" not in str(caught.value)


async def test_outside_a_cluster_the_service_account_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither kubeconfig nor pod: the message says so."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(AccessUnknown, match="service account"):
        await open_client()
