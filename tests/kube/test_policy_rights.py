"""The policy for all on a real API server: seen with the rights of deploy/base/rbac.yaml."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from rollouts.api.resources import CONFIG_MAPS, ObjectKey
from rollouts.engine.policy import POLICY, Policy, read_policy
from rollouts.kube.clock import ServerClock
from rollouts.kube.cluster import KubeCluster, stores_for
from rollouts.kube.transport import Transport
from rollouts.ports import Apply, Delete
from tests.kube.kubectl import run_kubectl
from tests.kube.test_real_server import PACE, cluster_of, config_map, connect, real, real_clock
from tests.kube.waiting import running, until

__all__ = ["real", "real_clock"]

pytestmark = pytest.mark.kube

RBAC_FILE = Path(__file__).parents[2] / "deploy" / "base" / "rbac.yaml"
ACCOUNT = "system:serviceaccount:rollouts-system:rollouts-controller"
OTHER = ObjectKey(POLICY.namespace, "other")


def _seen(cluster: KubeCluster) -> Policy:
    return read_policy(POLICY, cluster.read(CONFIG_MAPS, POLICY))


async def test_the_account_sees_each_change_of_the_policy(real: Transport, real_clock: ServerClock) -> None:
    """What it says, as the store keeps it; of other ConfigMaps it keeps no content."""
    applied = run_kubectl("apply", "--server-side", "-f", str(RBAC_FILE))
    assert applied.returncode == 0, applied.stderr
    admin = cluster_of(real, real_clock, CONFIG_MAPS)
    account = await connect(user=ACCOUNT)
    stores = stores_for([CONFIG_MAPS], on_change=lambda _resource, _key: None)
    cluster = KubeCluster(account, stores, clock=real_clock, random=Random(1), pace=PACE)
    await admin.write(Apply(CONFIG_MAPS, config_map(OTHER.namespace, OTHER.name, freeze="true")))
    try:
        async with running(cluster.run()):
            await cluster.wait_synced()
            assert cluster.trouble(CONFIG_MAPS) == ""
            assert not _seen(cluster).frozen
            await admin.write(Apply(CONFIG_MAPS, config_map(POLICY.namespace, POLICY.name, freeze="quarter end")))
            await until(lambda: _seen(cluster).why == "quarter end")
            await admin.write(Apply(CONFIG_MAPS, config_map(POLICY.namespace, POLICY.name, maxConcurrent="5")))
            await until(lambda: _seen(cluster).max_concurrent == 5)
            await admin.write(Delete(CONFIG_MAPS, POLICY))
            await until(lambda: cluster.read(CONFIG_MAPS, POLICY) is None)
            other = cluster.read(CONFIG_MAPS, OTHER)
            assert other is not None
            assert "data" not in other
    finally:
        await account.close()
        await admin.write(Delete(CONFIG_MAPS, OTHER))
