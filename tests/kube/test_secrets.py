from __future__ import annotations

from typing import Any

import pytest

from rollouts.errors import Unavailable
from rollouts.kube.secrets import KubeSecrets
from rollouts.kube.transport import Transport
from tests.kube.rude_server import RudeServer, reply, status


async def test_one_secret_is_asked_for_by_name(rude: RudeServer, transport: Transport) -> None:
    """Each time anew: no list, no watch, nothing kept."""
    rude.script.extend([reply(200, {"data": {"a": "eA=="}}), reply(200, {"data": {"a": "eQ=="}})])
    secrets = KubeSecrets(transport)

    assert [await secrets.secret("shop", "hook") for _ in range(2)] == [{"a": b"x"}, {"a": b"y"}]
    assert [(asked.method, asked.path, asked.query) for asked in rude.asked] == [
        ("GET", "/api/v1/namespaces/shop/secrets/hook", {})
    ] * 2


@pytest.mark.parametrize("data", [{"a": "hunter2!"}, {"a": 7}, ["hunter2"], "hunter2"], ids=str)
async def test_what_is_no_secret_is_not_told(rude: RudeServer, transport: Transport, data: Any) -> None:
    """An answer that no API server gives is an error that quotes nothing."""
    rude.script.append(reply(200, {"data": data}))

    with pytest.raises(Unavailable, match="the answer is no Secret") as failed:
        await KubeSecrets(transport).secret("shop", "hook")
    assert "hunter2" not in repr([failed.value, failed.value.__cause__])
    assert failed.value.__suppress_context__


async def test_a_server_in_trouble_is_no_absence(rude: RudeServer, transport: Transport) -> None:
    """Only a 404 says that there is none."""
    rude.script.append(reply(503, status(503, "starting")))

    with pytest.raises(Unavailable, match="get secrets: starting"):
        await KubeSecrets(transport).secret("shop", "hook")
