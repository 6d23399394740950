"""The API in the controller's process, as its settings say."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from kubernetes_asyncio.client import ApiClient, Configuration

from rollouts.errors import Unavailable
from rollouts.kube.transport import Transport
from rollouts.server.mounting import KeysUnusable, Parts, keys_now, mounted


async def test_nothing_is_mounted_unless_it_is_said(tmp_path: Path) -> None:
    """The API and the links each by their own setting."""
    file = tmp_path / "keys"
    file.write_text("k" * 40)
    transport = Transport(ApiClient(Configuration(host="http://127.0.0.1:1")), monotonic=time.monotonic)
    try:
        for api, keys, paths in (
            (False, None, []), (True, None, ["/api/v1"]), (False, file, ["/links"]),
            (True, file, ["/links", "/api/v1"]),
        ):  # fmt: skip
            async with mounted(Parts(), transport, time.monotonic, api=api, link_key_file=keys) as applications:
                assert list(applications) == paths
    finally:
        await transport.close()


async def test_a_file_without_good_keys_stops_the_start(tmp_path: Path) -> None:
    """And while the process runs no link is good with it."""
    file = tmp_path / "keys"
    file.write_text("short")
    transport = Transport(ApiClient(Configuration(host="http://127.0.0.1:1")), monotonic=time.monotonic)
    try:
        with pytest.raises(KeysUnusable, match="32 characters or more"):
            async with mounted(Parts(), transport, time.monotonic, api=False, link_key_file=file):
                pass
    finally:
        await transport.close()
    assert keys_now(file) == ()


def test_before_the_first_lists_nothing_is_known() -> None:
    """An answer says so, and when to ask again."""
    with pytest.raises(Unavailable):
        Parts().open_cluster()
    with pytest.raises(Unavailable):
        Parts().now()
