"""What `rollouts uninstall` does: all Canaries are deleted and waited for, while there is a controller to give back
what they hold; only then what deploy/ has installed goes, by its label and its name.

Where a Canary does not go, the rest stays as it is: without the controller nobody would give its traffic back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from rollouts.api.resources import (
    ADMISSION_BINDINGS,
    ADMISSION_POLICIES,
    CANARIES,
    CONFIG_MAPS,
    DEPLOYMENTS,
    GROUP,
    LEASES,
    POD_DISRUPTION_BUDGETS,
    SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)
from rollouts.cli import exits
from rollouts.cli.cluster.session import Session
from rollouts.cli.cluster.words import explained
from rollouts.errors import Conflict, KubeError, NotFound
from rollouts.kube.follow import list_scope
from rollouts.kube.requests import delete
from rollouts.kube.scope import Scope
from rollouts.ports import Propagation

POLL_S = 1.0
PART_OF = "app.kubernetes.io/part-of=rollouts"
_RBAC, _ADMISSION = "rbac.authorization.k8s.io", "admissionregistration.k8s.io"
NAMESPACES = Resource("", "v1", "namespaces", "Namespace")
KINDS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition")
PARTS = (
    DEPLOYMENTS, SERVICES, CONFIG_MAPS, POD_DISRUPTION_BUDGETS, LEASES,
    Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy"),
    ADMISSION_BINDINGS, ADMISSION_POLICIES,
    Resource(_ADMISSION, "v1", "mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding"),
    Resource(_ADMISSION, "v1", "mutatingadmissionpolicies", "MutatingAdmissionPolicy"),
    Resource(_RBAC, "v1", "rolebindings", "RoleBinding"), Resource(_RBAC, "v1", "roles", "Role"),
    Resource(_RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding"),
    Resource(_RBAC, "v1", "clusterroles", "ClusterRole"),
    Resource("", "v1", "serviceaccounts", "ServiceAccount"),
)  # fmt: skip
"""What deploy/ installs, in the order in which it goes; after it the kinds, and the namespace that it made."""

Part = tuple[Resource, Manifest]


async def uninstalled(session: Session, timeout_s: float | None, say: Callable[[str], object]) -> int:
    """Do it, or say what would be done where there is no time for it; the exit code. Raises CommandRefused."""
    canaries, parts = await _listed(session, Scope(CANARIES)), await _installed(session)
    for canary in canaries:
        say(f"canary {ObjectKey.of(canary)}: its traffic and its target are given back")
    for resource, manifest in parts:
        say(f"{resource.kind} {_written(manifest)}: deleted")
    if not canaries and not parts:
        say("nothing of rollouts is installed")
        return exits.DONE
    if timeout_s is None:
        say("nothing was done: say --yes. AnalysisTemplates and AlertProviders go with their kinds: keep their files")
        return exits.REFUSED
    for canary in canaries:
        await _delete(session, CANARIES, canary)
    if left := await _left(session, timeout_s):
        say(f"not given back within {timeout_s:g} s: {', '.join(left)}")
        say("the program stays installed, for without it nobody would: `rollouts describe` says what each waits for")
        return exits.FAILED
    for resource, manifest in parts:
        await _delete(session, resource, manifest)
    if stays := await _stays(session, timeout_s):
        say(f"deleted, but not gone within {timeout_s:g} s: {', '.join(stays)}")
        return exits.FAILED
    say(f"{len(canaries)} Canaries are given back, and {len(parts)} objects deleted")
    return exits.DONE


async def _installed(session: Session) -> list[Part]:
    found: list[Part] = []
    for resource in PARTS:
        found += [(resource, one) for one in await _listed(session, Scope(resource, labels=PART_OF)) if _is_ours(one)]
    kinds = await _listed(session, Scope(KINDS))
    found += [(KINDS, one) for one in kinds if one["metadata"]["name"].endswith(f".{GROUP}")]
    return found + [(NAMESPACES, one) for one in await _listed(session, Scope(NAMESPACES, labels=PART_OF))]


def _is_ours(manifest: Manifest) -> bool:
    """By its name too: the label alone is anybody's."""
    name: str = manifest["metadata"]["name"]
    return name.startswith("rollouts-") or name.endswith(f".{GROUP}")


async def _listed(session: Session, scope: Scope) -> Sequence[Manifest]:
    """All of them; none where the cluster has no such kind."""
    try:
        found, _ = await list_scope(session.transport, scope)
    except NotFound:
        return ()
    except KubeError as error:
        raise explained(error, session.place, session.namespace) from error
    return [found[key] for key in sorted(found)]


async def _left(session: Session, timeout_s: float) -> list[str]:
    """The Canaries that are still there after that time."""

    async def look() -> list[str]:
        return [str(ObjectKey.of(one)) for one in await _listed(session, Scope(CANARIES))]

    return await _none(look, session, timeout_s)


async def _stays(session: Session, timeout_s: float) -> list[str]:
    """What of the program is: who installs it again at once would meet a namespace that is going."""

    async def look() -> list[str]:
        return [f"{resource.kind} {_written(one)}" for resource, one in await _installed(session)]

    return await _none(look, session, timeout_s)


async def _none(look: Callable[[], Awaitable[list[str]]], session: Session, timeout_s: float) -> list[str]:
    """What is found after that time; at once where there is nothing."""
    ends_at = session.monotonic() + timeout_s
    while left := await look():
        if session.monotonic() >= ends_at:
            break
        await asyncio.sleep(POLL_S)
    return left


async def _delete(session: Session, resource: Resource, manifest: Manifest) -> None:
    """This object and no other of its name, if it is there yet."""
    uid, key = manifest["metadata"]["uid"], ObjectKey.of(manifest)
    request = delete(resource, key, propagation=Propagation.BACKGROUND, uid=uid, resource_version="")
    try:
        await session.transport.send(request)
    except (NotFound, Conflict):
        return
    except KubeError as error:
        raise explained(error, session.place, session.namespace) from error


def _written(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    return "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
