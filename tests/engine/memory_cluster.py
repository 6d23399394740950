"""A small API server in memory, behind `ports.Cluster`: what the engine's tests run against.

tests/contract holds it and a real API server to the same cases. It keeps two states apart: what the server has, and
what the watched stores have heard of it, so that a test can let them lag. Who else works in the cluster (users, the
Deployment controller) acts through `put`, `edit`, `set_status` and `delete`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, assert_never

from rollouts.api.resources import EVENTS, RULES_REVIEWS, SERVICES, Manifest, ObjectKey, Resource
from rollouts.errors import Conflict, NotFound
from rollouts.ports import Apply, Create, PatchJson, PatchStatus, Write
from tests.adapters.json_patch import PatchRefused, patched
from tests.engine.memory_apply import Owners, applied, merged, owners_after

EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
USER = "user"
"""The manager of what others write."""
UPDATE = "rollouts-update"
"""The manager of what we write in another way than by apply."""

Place = tuple[Resource, ObjectKey]
OnWrite = Callable[[Write], None]


class MemoryCluster:
    """Objects by kind and key. Hand-outs are shared, as the real stores' are: treat them as immutable."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._stored: dict[Place, Manifest] = {}
        self._known: dict[Place, Manifest] = {}
        self._owners: dict[Place, Owners] = {}
        self._version = 100
        self.writes: list[Write] = []
        """Every write that was tried, refused ones too."""
        self.before: OnWrite = lambda _write: None
        """Called before a write is carried out; what it raises is the write's outcome."""
        self.after: OnWrite = lambda _write: None
        """Called after a write has taken effect; what it raises takes the answer's place."""
        self.on_change: Callable[[Resource, ObjectKey], None] = lambda _resource, _key: None
        self.troubles: dict[Resource, str] = {}
        self.rules: list[Manifest] = [EVERYTHING]
        """What a rights review answers."""
        self.lagging = False
        """While set, the stores hear nothing of what others do."""

    def read(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        """As the port says."""
        return self._known.get((resource, key))

    def list_all(self, resource: Resource, namespace: str = "") -> Sequence[Manifest]:
        """As the port says."""
        return [
            manifest for (kind, key), manifest in self._known.items()
            if kind == resource and namespace in {"", key.namespace}
        ]  # fmt: skip

    def trouble(self, resource: Resource) -> str:
        """As the port says."""
        return self.troubles.get(resource, "")

    async def write(self, write: Write) -> Manifest:
        """As the port says."""
        self.writes.append(write)
        self.before(write)
        answer = self._carried_out(write)
        self.after(write)
        return answer

    def stored(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        """What the server has, whatever the stores have heard."""
        return self._stored.get((resource, key))

    def put(self, resource: Resource, manifest: Manifest) -> Manifest:
        """Somebody creates or replaces an object."""
        place = (resource, ObjectKey.of(manifest))
        before = self._stored.get(place)
        status = {} if before is None or "status" not in before else {"status": before["status"]}
        return self._store(place, {**copy.deepcopy(manifest), **status}, manager=USER)

    def edit(self, resource: Resource, key: ObjectKey, patch: Manifest) -> Manifest:
        """Somebody changes an object by a merge patch."""
        return self._store((resource, key), merged(self._existing(resource, key), patch), manager=USER)

    def set_status(self, resource: Resource, key: ObjectKey, status: Manifest) -> Manifest:
        """Another controller replaces a status."""
        return self._store((resource, key), {**self._existing(resource, key), "status": status}, manager=USER)

    def delete(self, resource: Resource, key: ObjectKey) -> None:
        """Somebody deletes an object."""
        self._existing(resource, key)
        self._version += 1
        del self._stored[resource, key], self._owners[resource, key]
        if not self.lagging:
            self._tell((resource, key))

    def catch_up(self) -> None:
        """The stores hear everything, and go on hearing."""
        self.lagging = False
        for place in [*self._known.keys() | self._stored.keys()]:
            self._tell(place)

    def _carried_out(self, write: Write) -> Manifest:
        match write:
            case Apply(resource, manifest, manager):
                return self._apply((resource, ObjectKey.of(manifest)), manifest, manager)
            case PatchJson(resource, key, operations):
                return self._patch((resource, key), operations)
            case PatchStatus(resource, key, version, status):
                before = self._at_version(resource, key, version)
                after = {**before, "status": merged(before.get("status"), status)}
                return self._store((resource, key), after, manager=UPDATE, ours=True)
            case Create(resource, manifest):
                return self._create(resource, manifest)
            case _:
                assert_never(write)

    def _apply(self, place: Place, intent: Manifest, manager: str) -> Manifest:
        resource, key = place
        version = intent["metadata"].get("resourceVersion")
        if version and place in self._stored:  # the server makes what is absent, whatever version is named
            self._at_version(resource, key, version)
        header = {"apiVersion": resource.api_version, "kind": resource.kind}
        fresh = {**header, "metadata": {"name": key.name, "namespace": key.namespace}}
        before = self._stored.get(place, fresh)
        after, owners = applied(before, self._owners.get(place, {}), {**intent, **header}, manager)
        stored = self._store(place, after, manager=manager, ours=True)
        self._owners[place] = owners
        return stored

    def _patch(self, place: Place, operations: Sequence[Manifest]) -> Manifest:
        before = self._existing(*place)
        try:
            after = patched(before, operations)
        except (PatchRefused, LookupError, TypeError, ValueError) as refused:
            raise Conflict(
                f"patch {place[0]}: {refused}", verb="patch", resource=str(place[0]), status=422
            ) from refused
        self._at_version(*place, after["metadata"]["resourceVersion"])
        return self._store(place, after, manager=UPDATE, ours=True)

    def _create(self, resource: Resource, manifest: Manifest) -> Manifest:
        if resource == RULES_REVIEWS:
            return {**manifest, "status": {"resourceRules": self.rules, "nonResourceRules": [], "incomplete": False}}
        place = (resource, ObjectKey.of(manifest))
        if place not in self._stored:
            return self._store(place, copy.deepcopy(manifest), manager=UPDATE, ours=True)
        if resource == EVENTS:
            return manifest
        raise Conflict(f"create {resource}: it exists", verb="create", resource=str(resource), status=409)

    def _store(self, place: Place, manifest: Manifest, *, manager: str, ours: bool = False) -> Manifest:
        before = self._stored.get(place)
        after = {**manifest, "metadata": {**manifest["metadata"], **self._fixed_metadata(place, manifest, before)}}
        if after == before:
            return before
        self._version += 1
        after["metadata"]["resourceVersion"] = str(self._version)
        self._owners[place] = owners_after(before or {}, after, self._owners.get(place, {}), manager)
        self._stored[place] = after
        if ours or not self.lagging:
            self._tell(place)
        return after

    def _fixed_metadata(self, place: Place, manifest: Manifest, before: Manifest | None) -> dict[str, Any]:
        """What nobody but the server sets."""
        if before is None:
            created = self._now().strftime("%Y-%m-%dT%H:%M:%SZ")
            fixed: dict[str, Any] = {"uid": f"uid-{self._version + 1}", "creationTimestamp": created, "generation": 1}
        else:
            known = before["metadata"]
            changed = manifest.get("spec") != before.get("spec")
            fixed = {name: known[name] for name in ("uid", "creationTimestamp", "resourceVersion")}
            fixed["generation"] = known.get("generation", 0) + changed
        if place[0] == SERVICES:
            del fixed["generation"]
        return fixed

    def _existing(self, resource: Resource, key: ObjectKey) -> Manifest:
        found = self._stored.get((resource, key))
        if found is None:
            raise NotFound(f"patch {resource}: {key} does not exist", verb="patch", resource=str(resource), status=404)
        return found

    def _at_version(self, resource: Resource, key: ObjectKey, version: str) -> Manifest:
        found = self._existing(resource, key)
        if found["metadata"]["resourceVersion"] != version:
            raise Conflict(f"patch {resource}: {key} was modified", verb="patch", resource=str(resource), status=409)
        return found

    def _tell(self, place: Place) -> None:
        """The stores hear what the server has."""
        before, after = self._known.get(place), self._stored.get(place)
        if after is None:
            self._known.pop(place, None)
        else:
            self._known[place] = after
        if _content(before) != _content(after):
            self.on_change(*place)


def _content(manifest: Manifest | None) -> Manifest | None:
    if manifest is None:
        return None
    return {**manifest, "metadata": manifest["metadata"] | {"resourceVersion": ""}}
