"""The question why the pods of a workload are not ready, as it goes out: one bounded list, and the answer in words."""

from __future__ import annotations

from rollouts.api.resources import ObjectKey, Resource
from rollouts.core.measurement import Explained, NoData
from rollouts.errors import KubeError
from rollouts.ports import Cluster, Pods
from rollouts.workloads.pods import explain_pods

PODS_MAX = 50
"""As many are looked at: they fail for the same reason."""


async def explain_unready(
    cluster: Cluster, pods: Pods | None, resource: Resource, key: ObjectKey
) -> Explained | NoData:
    """Why the pods of that workload are not ready.

    No data where all are, or where they can't be seen: whoever may not list pods is told less, and that is all.
    """
    workload = cluster.read(resource, key)
    if pods is None or workload is None:
        return NoData()
    try:
        found = await pods.pods(key.namespace, workload["spec"]["selector"], PODS_MAX)
    except KubeError:
        return NoData()
    why = explain_pods(found)
    return Explained(why) if why else NoData()
