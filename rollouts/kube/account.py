"""The port `Account` over a transport: a finalizer on the service account and its role, and a binding of the two.

RBAC and the checks of tokens go by what is stored: what is deleted and held by a finalizer is in force, a role for
ever, a service account for a minute. So a controller that is deleted together with all else can still give its
Canaries back. The binding by which it has its role is the installation's, and goes; one more is made, which the role
owns: so with the role's finalizer the last request is sent, and Kubernetes takes the binding away by itself. With the
finalizers of two objects the first would have taken the right to the second.
"""

from __future__ import annotations

from rollouts.api.ownership import ACCOUNT_FINALIZER
from rollouts.api.resources import Manifest, ObjectKey, Resource
from rollouts.errors import NotFound
from rollouts.kube.requests import apply, delete, patch_strategic
from rollouts.kube.transport import Transport
from rollouts.ports import Propagation

NAME = "rollouts-controller"
"""Of account and role, as in deploy/base/rbac.yaml."""
BINDING = f"{NAME}-until-given-back"
_RBAC = "rbac.authorization.k8s.io"
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
CLUSTER_WIDE = (
    Resource(_RBAC, "v1", "clusterroles", "ClusterRole"),
    Resource(_RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding"),
)
NAMESPACED = (Resource(_RBAC, "v1", "roles", "Role"), Resource(_RBAC, "v1", "rolebindings", "RoleBinding"))
_ON: Manifest = {"metadata": {"finalizers": [ACCOUNT_FINALIZER]}}
_OFF: Manifest = {"metadata": {"$deleteFromPrimitiveList/finalizers": [ACCOUNT_FINALIZER]}}


class KubeAccount:
    """Implements `ports.Account`."""

    def __init__(self, transport: Transport, namespace: str, *, everywhere: bool) -> None:
        """`namespace` is the account's; `everywhere`: whether its rights are for the whole cluster."""
        self._transport = transport
        self._account = ObjectKey(namespace, NAME)
        self._roles, self._bindings = CLUSTER_WIDE if everywhere else NAMESPACED
        self._place = "" if everywhere else namespace

    async def hold(self) -> None:
        """The finalizer on both, and the binding."""
        await self._patch(SERVICE_ACCOUNTS, self._account, _ON)
        role = await self._patch(self._roles, ObjectKey(self._place, NAME), _ON)
        await self._transport.send(apply(self._bindings, self._binding(role), field_manager="rollouts"))

    async def let_go(self) -> None:
        """In the order in which each is still allowed: for some seconds the server goes on knowing a token."""
        await self._if_there(SERVICE_ACCOUNTS, self._account)
        role = await self._if_there(self._roles, ObjectKey(self._place, NAME))
        if role is not None and "deletionTimestamp" not in role["metadata"]:
            await self._unbind()

    async def is_going(self) -> bool:
        """By what the server answers to a change of nothing."""
        try:
            account = await self._patch(SERVICE_ACCOUNTS, self._account, {})
        except NotFound:
            return False
        metadata = account["metadata"]
        return "deletionTimestamp" in metadata and ACCOUNT_FINALIZER in metadata.get("finalizers", ())

    async def _if_there(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        try:
            return await self._patch(resource, key, _OFF)
        except NotFound:
            return None

    async def _unbind(self) -> None:
        request = delete(
            self._bindings,
            ObjectKey(self._place, BINDING),
            propagation=Propagation.BACKGROUND,
            uid="",
            resource_version="",
        )
        try:
            await self._transport.send(request)
        except NotFound:
            return

    async def _patch(self, resource: Resource, key: ObjectKey, patch: Manifest) -> Manifest:
        return (await self._transport.send(patch_strategic(resource, key, patch))).manifest()

    def _binding(self, role: Manifest) -> Manifest:
        kind = self._roles.kind
        owner = {"apiVersion": self._roles.api_version, "kind": kind, "name": NAME, "uid": role["metadata"]["uid"]}
        place = {"namespace": self._place} if self._place else {}
        labels = {"app.kubernetes.io/part-of": "rollouts"}
        return {
            "metadata": {"name": BINDING, "labels": labels, "ownerReferences": [owner], **place},
            "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": NAME},
            "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": self._account.namespace}],
        }
