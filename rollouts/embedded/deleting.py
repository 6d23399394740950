"""Deletions: of one object or of all that are selected, with policies, preconditions and dry runs."""

from __future__ import annotations

from dataclasses import replace

from rollouts.api.resources import Manifest, ObjectKey
from rollouts.embedded.answers import Refusal
from rollouts.embedded.asked import Asked
from rollouts.embedded.carrying_out import carried_out
from rollouts.embedded.kinds import NAMESPACES
from rollouts.embedded.reading import selection, whole
from rollouts.ports import Delete, Propagation
from rollouts.testing.memory_server import MemoryServer

_KEPT = ("default", "kube-system", "kube-public")
"""Namespaces that a server never lets go."""


class Deleting:
    """Deletions on one server."""

    def __init__(self, server: MemoryServer) -> None:
        self._server = server

    def one(self, asked: Asked) -> Manifest:
        """An object deleted; it is the answer while finalizers hold it. Raises Refusal."""
        if asked.target.kind.resource == NAMESPACES and asked.target.name in _KEPT:
            raise Refusal(403, f"{asked.target} is forbidden: this namespace may not be deleted")
        options = asked.manifest if asked.body else {}
        policy = options.get("propagationPolicy") or asked.query.get("propagationPolicy") or "Background"
        if policy not in set(Propagation):
            raise Refusal(422, f'DeleteOptions is invalid: propagationPolicy: Unsupported value: "{policy}"')
        demanded = options.get("preconditions") or {}
        write = Delete(
            *asked.place,
            uid=demanded.get("uid", ""),
            resource_version=demanded.get("resourceVersion", ""),
            propagation=Propagation(policy),
        )
        before = self._server.stored(*asked.place) or {}
        dry = asked.dry or options.get("dryRun") == ["All"]
        tried = replace(asked, query={"dryRun": "All"} if dry else {})
        left = carried_out(self._server, tried, lambda server: server.remove(write, asked.manager))
        resource = asked.target.kind.resource
        details: Manifest = {"name": asked.target.name, "group": resource.group, "kind": resource.plural}
        details |= {"uid": before["metadata"]["uid"]} if before else {}
        done: Manifest = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        return whole(asked.target, left) if left.get("metadata", {}).get("finalizers") else done

    def all_selected(self, asked: Asked) -> Manifest:
        """All objects that are selected. Raises Refusal."""
        target, selects = asked.target, selection(asked.target, asked.query)
        for manifest in [one for one in self._server.all_of(target.kind.resource) if selects(one)]:
            key = ObjectKey.of(manifest)
            self.one(replace(asked, target=replace(target, namespace=key.namespace, name=key.name)))
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": {}}
