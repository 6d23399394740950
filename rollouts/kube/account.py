"""The port `Account` over a transport: a finalizer on the service account, its role, and the binding of the two.

RBAC and the checks of tokens go by what is stored: what is deleted and held by a finalizer is in force, a role for
ever, a service account for a minute. So a controller that is deleted together with all else can still give its
Canaries back. Nothing else in these objects is touched.
"""

from __future__ import annotations

import asyncio

from rollouts.api.ownership import ACCOUNT_FINALIZER
from rollouts.api.resources import Manifest, ObjectKey, Resource
from rollouts.errors import NotFound
from rollouts.kube.requests import patch_strategic
from rollouts.kube.transport import Transport

NAME = "rollouts-controller"
"""Of all of them, as in deploy/base/rbac.yaml."""
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
        here = ObjectKey(namespace, NAME)
        self._account = (SERVICE_ACCOUNTS, here)
        rights = (
            [(kind, ObjectKey("", NAME)) for kind in CLUSTER_WIDE]
            if everywhere
            else [(kind, here) for kind in NAMESPACED]
        )
        self._parts = [self._account, *rights]

    async def hold(self) -> None:
        """Put the finalizer on each."""
        for part in self._parts:
            await self._patch(part, _ON)

    async def let_go(self) -> None:
        """Take it off all of them at the same time: with the first that ends, the right to change the others ends.

        So that the requests go out side by side, as many connections are opened first.
        """
        await asyncio.gather(*(self._patch(part, {}) for part in self._parts), return_exceptions=True)
        done = await asyncio.gather(*(self._patch(part, _OFF) for part in self._parts), return_exceptions=True)
        for failed in done:
            if isinstance(failed, BaseException) and not isinstance(failed, NotFound):
                raise failed

    async def is_going(self) -> bool:
        """By what the server answers to a change of nothing."""
        try:
            account = await self._patch(self._account, {})
        except NotFound:
            return False
        metadata = account["metadata"]
        return "deletionTimestamp" in metadata and ACCOUNT_FINALIZER in metadata.get("finalizers", ())

    async def _patch(self, part: tuple[Resource, ObjectKey], patch: Manifest) -> Manifest:
        resource, key = part
        return (await self._transport.send(patch_strategic(resource, key, patch))).manifest()
