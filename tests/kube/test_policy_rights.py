"""The policy for all on a real API server: seen with the rights of deploy/rbac.yaml, and nothing else is."""

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

RBAC_FILE = Path(__file__).parents[2] / "deploy" / "rbac.yaml"
ACCOUNT = "system:serviceaccount:rollouts-system:rollouts-controller"
OTHER = ObjectKey(POLICY.namespace, "other")


def _seen(cluster: KubeCluster) -> Policy:
    return read_policy(POLICY, cluster.read(CONFIG_MAPS, POLICY))


async def test_the_account_sees_that_one_config_map_and_no_other(real: Transport, real_clock: ServerClock) -> None:
    """Each change of it is seen by a watch; a list of the others is refused, and says which right is missing."""
    applied = run_kubectl("apply", "--server-side", "-f", str(RBAC_FILE))
    assert applied.returncode == 0, applied.stderr
    admin = cluster_of(real, real_clock, CONFIG_MAPS)
    account = await connect(user=ACCOUNT)
    changed: list[ObjectKey] = []
    stores = stores_for([CONFIG_MAPS], on_change=lambda _resource, key: changed.append(key), only={CONFIG_MAPS: POLICY})
    narrow = KubeCluster(account, stores, clock=real_clock, random=Random(1), pace=PACE)
    broad = cluster_of(account, real_clock, CONFIG_MAPS)
    await admin.write(Apply(CONFIG_MAPS, config_map(OTHER.namespace, OTHER.name, freeze="true")))
    try:
        async with running(narrow.run()), running(broad.run()):
            await narrow.wait_synced()
            assert narrow.trouble(CONFIG_MAPS) == ""
            assert not _seen(narrow).frozen
            await admin.write(Apply(CONFIG_MAPS, config_map(POLICY.namespace, POLICY.name, freeze="quarter end")))
            await until(lambda: _seen(narrow).why == "quarter end")
            await admin.write(Apply(CONFIG_MAPS, config_map(POLICY.namespace, POLICY.name, maxConcurrent="5")))
            await until(lambda: _seen(narrow).max_concurrent == 5)
            await admin.write(Delete(CONFIG_MAPS, POLICY))
            await until(lambda: narrow.read(CONFIG_MAPS, POLICY) is None)
            await until(lambda: "lacks the right to list configmaps" in broad.trouble(CONFIG_MAPS))
        assert narrow.read(CONFIG_MAPS, OTHER) is None
        assert set(changed) == {POLICY}
    finally:
        await account.close()
        await admin.write(Delete(CONFIG_MAPS, OTHER))
