"""What a Deployment's object says: the version it runs, how far it has come, and whether a port can be reached on it.

Pure: a manifest as the API server returns it in, values for the judgement out.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import REVISION_ANNOTATION
from rollouts.api.resources import Manifest
from rollouts.core.observed import WorkloadState
from rollouts.core.revision import revision_of
from rollouts.core.selector import SelectorLabel

_QUOTA = re.compile(r"exceeded quota: ([^,\s]+), (.*)")
_OF_ONE_POD = re.compile(r'^pods "[^"]*" is forbidden: ')
_TOLD_MAX = 200


def observe_deployment(manifest: Manifest) -> WorkloadState:
    """A Deployment as far as the judgement cares. A status that speaks of an older spec is not ready."""
    metadata, spec, status = manifest["metadata"], manifest["spec"], manifest.get("status") or {}
    replicas = spec.get("replicas", 1)
    available = status.get("availableReplicas", 0)
    current = status.get("observedGeneration", 0) >= metadata.get("generation", 0)
    counts = {available, status.get("updatedReplicas", 0), status.get("replicas", 0)}
    return WorkloadState(
        revision=revision_of(spec["template"]),
        source_revision=(metadata.get("annotations") or {}).get(REVISION_ANNOTATION, ""),
        replicas=replicas,
        available=available,
        ready=current and counts == {replicas},
        deadline_exceeded=current and _deadline_exceeded(status),
        failure=_failure(manifest),
    )


def observe_promoted(manifest: Manifest) -> WorkloadState:
    """The same of a Deployment that serves as it is: what it runs is what it was promoted with."""
    state = observe_deployment(manifest)
    return replace(state, source_revision=state.revision)


def parts_from(label: SelectorLabel, primary: Manifest) -> bool:
    """Whether `label` of the target is the one by which the copy was made: a selector never changes."""
    return bool(primary["spec"]["selector"].get("matchLabels") == label.primary())


def find_target_port_problem(spec: CanarySpec, target: Manifest) -> str:
    """Why the Services would reach no container, for a person; empty if they would.

    Only a port given by name can be told to be absent: a number needs no declaration.
    """
    wanted = spec.exposure.target_port
    containers = _port_names(target["spec"]["template"]["spec"])
    if not isinstance(wanted, str) or any(wanted in names for names in containers.values()):
        return ""
    listed = "; ".join(f"{name}: {', '.join(names) or 'none'}" for name, names in containers.items())
    return (
        f'service.targetPort "{wanted}": no container of {spec.target.kind} {spec.target.name} has a TCP port of '
        f"that name (named ports by container: {listed}); name the container's port so, or set targetPort to one of "
        "these or to a number"
    )


def _deadline_exceeded(status: dict[str, Any]) -> bool:
    return any(
        condition.get("type") == "Progressing"
        and condition.get("status") == "False"
        and condition.get("reason") == "ProgressDeadlineExceeded"
        for condition in status.get("conditions") or ()
    )


def _failure(manifest: Manifest) -> str:
    """Why no pod can be made: a quota, a limit, an admission webhook. Kubernetes says it on the workload."""
    metadata = manifest["metadata"]
    conditions = (manifest.get("status") or {}).get("conditions") or ()
    failed = [one for one in conditions if one.get("type") == "ReplicaFailure" and one.get("status") == "True"]
    if not failed:
        return ""
    message = " ".join(str(failed[0].get("message", "")).split())
    if quota := _QUOTA.search(message):
        named, numbers = quota.groups()
        forbids = f"ResourceQuota {named} in namespace {metadata['namespace']} forbids more pods of {metadata['name']}"
        return f"{forbids} ({_cut(numbers)}): raise it, or let them ask for less"
    why = _cut(_OF_ONE_POD.sub("", message))
    return f"pods of {metadata['name']} can't be made ({why}): mend that, or apply a template that is allowed"


def _cut(text: str) -> str:
    return text if len(text) <= _TOLD_MAX else f"{text[: _TOLD_MAX - 3]}..."


def _port_names(pod_spec: dict[str, Any]) -> dict[str, list[str]]:
    """The named TCP ports of each container that keeps running: a restartable init container is a sidecar."""
    sidecars = [item for item in pod_spec.get("initContainers") or () if item.get("restartPolicy") == "Always"]
    return {
        container["name"]: [
            port["name"]
            for port in container.get("ports") or ()
            if port.get("name") and port.get("protocol", "TCP") == "TCP"
        ]
        for container in [*pod_spec["containers"], *sidecars]
    }
