"""A small API server in memory: what is stored, and the rules by which it changes.

tests/contract holds it and a real API server to the same cases. Any number of views (memory_view.py) may look at one
server, each as late as it likes. Who else works in the cluster (users, other controllers) acts through `put`, `edit`,
`set_status` and `delete`. Knows nothing of time but the stamp on what is made.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from rollouts.api.resources import DEPLOYMENTS, EVENTS, RULES_REVIEWS, SERVICES, Manifest, ObjectKey, Resource
from rollouts.errors import Conflict, NotFound, Rejected
from rollouts.ports import Apply, Create, PatchJson, PatchStatus, Write
from rollouts.testing.json_patch import PatchRefused, patched
from rollouts.testing.memory_apply import Owners, applied, merged, owners_after

EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
USER = "user"
"""The manager of what others write."""
UPDATE = "rollouts-update"
"""The manager of what we write in another way than by apply."""

Place = tuple[Resource, ObjectKey]


@dataclass(frozen=True, slots=True)
class Change:
    """One object before and after; None where it does not exist."""

    place: Place
    before: Manifest | None
    after: Manifest | None
    version: int
    manager: str


class MemoryServer:
    """Objects by kind and key. Hand-outs are shared: treat them as immutable."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._stored: dict[Place, Manifest] = {}
        self._owners: dict[Place, Owners] = {}
        self._version = 100
        self.watchers: list[Callable[[Change], None]] = []
        """Told of every change, at once and in order."""
        self.rules: list[Manifest] = [EVERYTHING]
        """What a rights review answers."""

    @property
    def version(self) -> int:
        """The resourceVersion of the newest change."""
        return self._version

    def stored(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        """An object as it is now."""
        return self._stored.get((resource, key))

    def places(self) -> list[Place]:
        """Everything that exists."""
        return [*self._stored]

    def all_of(self, resource: Resource) -> list[Manifest]:
        """All objects of a kind."""
        return [manifest for (kind, _), manifest in self._stored.items() if kind == resource]

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
        before = self._existing(resource, key)
        self._version += 1
        del self._stored[resource, key], self._owners[resource, key]
        self._tell(Change((resource, key), before, None, self._version, USER))

    def carry_out(self, write: Write) -> Manifest:
        """One write of ours, checked and done. Raises KubeError as a real server's answer would."""
        match write:
            case Apply(resource, manifest, manager):
                return self._apply((resource, ObjectKey.of(manifest)), manifest, manager)
            case PatchJson(resource, key, operations):
                return self._patch((resource, key), operations)
            case PatchStatus(resource, key, version, status):
                before = self._at_version(resource, key, version)
                after = {**before, "status": merged(before.get("status"), status)}
                return self._store((resource, key), after, manager=UPDATE)
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
        if place not in self._stored:
            _check_complete(resource, intent)
        after, owners = applied(before, self._owners.get(place, {}), {**intent, **header}, manager)
        stored = self._store(place, after, manager=manager)
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
        return self._store(place, after, manager=UPDATE)

    def _create(self, resource: Resource, manifest: Manifest) -> Manifest:
        if resource == RULES_REVIEWS:
            return {**manifest, "status": {"resourceRules": self.rules, "nonResourceRules": [], "incomplete": False}}
        place = (resource, ObjectKey.of(manifest))
        if place not in self._stored:
            return self._store(place, copy.deepcopy(manifest), manager=UPDATE)
        if resource == EVENTS:
            return manifest
        raise Conflict(f"create {resource}: it exists", verb="create", resource=str(resource), status=409)

    def _store(self, place: Place, manifest: Manifest, *, manager: str) -> Manifest:
        before = self._stored.get(place)
        after = {**manifest, "metadata": {**manifest["metadata"], **self._fixed_metadata(place, manifest, before)}}
        if after == before:
            return before
        self._version += 1
        after["metadata"]["resourceVersion"] = str(self._version)
        self._owners[place] = owners_after(before or {}, after, self._owners.get(place, {}), manager)
        self._stored[place] = after
        self._tell(Change(place, before, after, self._version, manager))
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

    def _tell(self, change: Change) -> None:
        for watcher in [*self.watchers]:
            watcher(change)


_DEMANDED = {DEPLOYMENTS: ("selector", "template"), SERVICES: ("ports",)}
"""What the server demands in the spec of a new object of the kinds that are applied in part."""


def _check_complete(resource: Resource, intent: Manifest) -> None:
    """An apply of one field makes no whole object of one that was deleted meanwhile."""
    absent = [field for field in _DEMANDED.get(resource, ()) if field not in (intent.get("spec") or {})]
    if absent:
        flaw = f"apply {resource}: spec.{absent[0]}: Required value"
        raise Rejected(flaw, verb="patch", resource=str(resource), status=422)
