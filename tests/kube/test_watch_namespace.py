"""A controller for one namespace on a real API server: it sees that one, with rights in that one alone."""

from __future__ import annotations

import json
from random import Random

import pytest

from rollouts.api.resources import CONFIG_MAPS
from rollouts.kube.clock import ServerClock
from rollouts.kube.cluster import KubeCluster, stores_for
from rollouts.kube.transport import Transport
from rollouts.ports import Apply
from tests.kube.kubectl import run_kubectl
from tests.kube.test_real_server import PACE, cluster_of, config_map, connect, real, real_clock, space
from tests.kube.waiting import running, until

pytestmark = pytest.mark.kube
__all__ = ["real", "real_clock", "space"]

USER = "of-one-namespace"


def _role(namespace: str) -> str:
    metadata = {"name": USER, "namespace": namespace}
    api = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": metadata}
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "watch"]}
    role = {**api, "kind": "Role", "rules": [rule]}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": USER}
    bound = {**api, "kind": "RoleBinding", "roleRef": reference, "subjects": [{"kind": "User", "name": USER}]}
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [role, bound]})


async def test_one_namespace_is_enough(real: Transport, real_clock: ServerClock, space: str) -> None:
    """Without a right elsewhere: what is there is seen, and each change; what is elsewhere is not."""
    done = run_kubectl("apply", "--filename=-", manifest=json.loads(_role(space)))
    assert done.returncode == 0, done.stderr
    admin = cluster_of(real, real_clock, CONFIG_MAPS)
    account = await connect(user=USER)
    stores = stores_for([CONFIG_MAPS], on_change=lambda _resource, _key: None, namespace=space)
    cluster = KubeCluster(account, stores, clock=real_clock, random=Random(1), pace=PACE)
    await admin.write(Apply(CONFIG_MAPS, config_map(space, "first")))
    await admin.write(Apply(CONFIG_MAPS, config_map("default", "elsewhere")))
    try:
        async with running(cluster.run()):
            await cluster.wait_synced()
            await admin.write(Apply(CONFIG_MAPS, config_map(space, "second")))

            def names() -> set[str]:
                return {one["metadata"]["name"] for one in cluster.list_all(CONFIG_MAPS)}

            await until(lambda: {"first", "second"} <= names())
            assert cluster.trouble(CONFIG_MAPS) == ""
            assert "elsewhere" not in names()
    finally:
        await account.close()
