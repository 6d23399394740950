"""The kinds of workloads that a targetRef may name, behind one Protocol: the one place that knows them all.

The engine asks the target's kind how it is watched, read, copied and sized, and never which it is. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import DAEMON_SETS, DEPLOYMENTS, Manifest, ObjectKey, Resource
from rollouts.core.observed import Problem, WorkloadState
from rollouts.ports import Apply, PatchJson, Write
from rollouts.workloads import daemon_set
from rollouts.workloads.primary_copy import render_primary, render_scale
from rollouts.workloads.state import observe_deployment

WORKLOADS = (DEPLOYMENTS, DAEMON_SETS)
"""Where the API has the kinds that there are."""


class WorkloadKind(Protocol):
    """One kind. A size is a number of pods or, where nodes decide that, 0 for none and any other for all."""

    @property
    def resource(self) -> Resource:
        """Where the API has it."""
        ...

    def template_of(self, manifest: Manifest) -> Manifest:
        """The pod template as its user wrote it: what a version is."""
        ...

    def observe(self, manifest: Manifest) -> WorkloadState:
        """As far as the judgement cares."""
        ...

    def render_copy(self, owner: Owner, spec: CanarySpec, target: Manifest, revision: str, size: int) -> Manifest:
        """The copy of the target that is to serve. Raises SpecInvalid if it has no label by which the two part."""
        ...

    def resize(self, target: Manifest, size: int) -> Write | None:
        """The write that gives the user's object that size, and touches nothing else; None if it has it.

        An Apply names no version yet; a patch holds the target's.
        """
        ...

    def give_back(self, target: Manifest, size: int) -> Write | None:
        """The same when its Canary goes: it makes nothing anew if the object has gone meanwhile."""
        ...

    def flaws(self, manifest: Manifest) -> Iterator[Problem]:
        """What makes the user's object no target; each names it and the way out."""
        ...

    def stuck(self, manifest: Manifest) -> Iterator[Problem]:
        """Why pods will never come, of the user's object or of the copy."""
        ...


def kind_of(spec: CanarySpec) -> WorkloadKind:
    """The kind that the target is of. Only with targetRef."""
    return _DAEMON_SET if spec.target.kind == DAEMON_SETS.kind else _DEPLOYMENT


class _Deployment:
    """Implements `WorkloadKind`."""

    resource = DEPLOYMENTS

    def template_of(self, manifest: Manifest) -> Manifest:
        """As the Protocol says."""
        template: Manifest = manifest["spec"]["template"]
        return template

    def observe(self, manifest: Manifest) -> WorkloadState:
        """As the Protocol says."""
        return observe_deployment(manifest)

    def render_copy(self, owner: Owner, spec: CanarySpec, target: Manifest, revision: str, size: int) -> Manifest:
        """As the Protocol says."""
        return render_primary(owner, spec, target, revision, size)

    def resize(self, target: Manifest, size: int) -> Write | None:
        """As the Protocol says."""
        if target["spec"].get("replicas", 1) == size:
            return None
        return Apply(DEPLOYMENTS, render_scale(target, size))

    def give_back(self, target: Manifest, size: int) -> Write | None:
        """As the Protocol says."""
        if target["spec"].get("replicas", 1) == size:
            return None
        version = target["metadata"]["resourceVersion"]
        operations = (
            {"op": "add", "path": "/spec/replicas", "value": size},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        )
        return PatchJson(DEPLOYMENTS, ObjectKey.of(target), operations)

    def flaws(self, manifest: Manifest) -> Iterator[Problem]:
        """As the Protocol says."""
        if (manifest["spec"].get("strategy") or {}).get("type") == "Recreate":
            name = manifest["metadata"]["name"]
            cost = f"Deployment {name} has the strategy Recreate, which at promotion would stop all pods of the primary"
            yield Problem("StrategyUnsupported", f"{cost} while they have traffic: change it to RollingUpdate")

    def stuck(self, manifest: Manifest) -> Iterator[Problem]:  # noqa: ARG002 - its status tells that by a deadline
        """As the Protocol says."""
        yield from ()


class _DaemonSet:
    """Implements `WorkloadKind`."""

    resource = DAEMON_SETS

    def template_of(self, manifest: Manifest) -> Manifest:
        """As the Protocol says."""
        return daemon_set.template_of(manifest)

    def observe(self, manifest: Manifest) -> WorkloadState:
        """As the Protocol says."""
        return daemon_set.observe_daemon_set(manifest)

    def render_copy(self, owner: Owner, spec: CanarySpec, target: Manifest, revision: str, size: int) -> Manifest:  # noqa: ARG002 - a copy is on all nodes
        """As the Protocol says."""
        return daemon_set.render_daemon_set_copy(owner, spec, target, revision)

    def resize(self, target: Manifest, size: int) -> Write | None:
        """As the Protocol says."""
        operations = daemon_set.switch_operations(target, size)
        return PatchJson(DAEMON_SETS, ObjectKey.of(target), operations) if operations else None

    def give_back(self, target: Manifest, size: int) -> Write | None:
        """As the Protocol says."""
        return self.resize(target, size)

    def flaws(self, manifest: Manifest) -> Iterator[Problem]:
        """As the Protocol says."""
        return daemon_set.find_flaws(manifest)

    def stuck(self, manifest: Manifest) -> Iterator[Problem]:
        """As the Protocol says."""
        return daemon_set.find_no_node(manifest)


_DEPLOYMENT, _DAEMON_SET = _Deployment(), _DaemonSet()
