"""A small API server in memory: what is stored, and the rules by which it changes.

tests/contract holds it and a real API server to the same cases. Any number of views (memory_view.py) may look at one
server, each as late as it likes. Who else works in the cluster (users, other controllers) acts through `put`, `edit`,
`set_status` and `delete`. Knows nothing of time but the stamp on what is made.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import assert_never

from rollouts.api.resources import EVENTS, RULES_REVIEWS, Manifest, ObjectKey, Resource
from rollouts.kube.contents import bears, filled_from
from rollouts.ports import (
    Apply,
    CopyContent,
    Create,
    Delete,
    Discard,
    PatchJson,
    PatchStatus,
    Propagation,
    Write,
)
from rollouts.testing.field_paths import Path
from rollouts.testing.json_patch import PatchRefused, patched
from rollouts.testing.managed_fields import named, read, shown
from rollouts.testing.memory_apply import Manager, Owners, applied, conflicts, merged, owners_after
from rollouts.testing.memory_journal import Change, Journal, Place
from rollouts.testing.memory_metadata import changed, in_form, is_ended, made, marked, stamp
from rollouts.testing.memory_refusals import apply_conflict, check_complete, conflict, not_found, unfit

EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
USER = "user"
"""The manager of what others write."""
UPDATE = "rollouts-update"
"""The manager of what we write in another way than by apply."""

__all__ = ["EVERYTHING", "UPDATE", "USER", "Change", "MemoryServer", "Place"]


class MemoryServer:
    """Objects by kind and key. Hand-outs are shared: treat them as immutable."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        """The present, for what is stamped."""
        self.schema_of: Callable[[Resource], Manifest | None] = lambda _resource: None
        """What is known of a kind's fields; None leaves it at what is true of all."""
        self._stored: dict[Place, Manifest] = {}
        self._owners: dict[Place, Owners] = {}
        self._times: dict[Place, dict[Manager, str]] = {}
        self.journal = Journal()
        self.watchers = self.journal.watchers
        self.rules: list[Manifest] = [EVERYTHING]
        """What a rights review answers."""
        self.rules_in: dict[str, list[Manifest]] = {}
        """What it answers in some namespaces instead."""

    @property
    def version(self) -> int:
        """The resourceVersion of the newest change."""
        return self.journal.version

    def stored(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        """An object as it is now."""
        return self._stored.get((resource, key))

    def places(self) -> list[Place]:
        """Everything that exists."""
        return [*self._stored]

    def all_of(self, resource: Resource) -> list[Manifest]:
        """All objects of a kind."""
        return [manifest for (kind, _), manifest in self._stored.items() if kind == resource]

    def managed(self, resource: Resource, key: ObjectKey) -> list[Manifest]:
        """The managedFields of an object, which its manifest is stored without."""
        place = (resource, key)
        return shown(self._owners.get(place, {}), resource.api_version, self._times.get(place, {}))

    def put(self, resource: Resource, manifest: Manifest) -> Manifest:
        """Somebody creates or replaces an object."""
        place = (resource, ObjectKey.of(manifest))
        before = self._stored.get(place)
        status = {} if before is None or "status" not in before else {"status": before["status"]}
        return self._store(place, {**copy.deepcopy(manifest), **status}, manager=Manager(USER))

    def edit(self, resource: Resource, key: ObjectKey, patch: Manifest) -> Manifest:
        """Somebody changes an object by a merge patch."""
        return self._store((resource, key), merged(self._existing(resource, key), patch), manager=Manager(USER))

    def set_status(self, resource: Resource, key: ObjectKey, status: Manifest) -> Manifest:
        """Another controller replaces a status."""
        return self._store((resource, key), {**self._existing(resource, key), "status": status}, manager=Manager(USER))

    def delete(self, resource: Resource, key: ObjectKey, propagation: Propagation = Propagation.BACKGROUND) -> None:
        """Somebody deletes an object; it is marked at least."""
        self._delete(Delete(resource, key, propagation=propagation), manager=Manager(USER))

    def create(self, resource: Resource, manifest: Manifest, manager: Manager) -> Manifest:
        """A new object of somebody's. Raises Conflict if one of that name exists."""
        place = (resource, ObjectKey.of(manifest))
        if place in self._stored:
            raise conflict("create", resource, "it exists")
        return self._store(place, copy.deepcopy(manifest), manager=manager)

    def change(self, place: Place, changed: Callable[[Manifest], Manifest], manager: Manager) -> Manifest:
        """Somebody changes an object in any way. Raises NotFound, and whatever `changed` raises."""
        return self._store(place, changed(self._existing(*place)), manager=manager)

    def conflicts(self, write: Apply) -> list[tuple[Manager, Path]]:
        """Which fields an apply would take from whom, were it forced."""
        place, manager = (write.resource, ObjectKey.of(write.manifest)), Manager(write.field_manager, "Apply")
        owners, schema = self._owners.get(place, {}), self.schema_of(write.resource)
        return conflicts(self._stored.get(place, {}), owners, write.manifest, manager, schema)

    def remove(self, write: Delete, manager: Manager) -> Manifest:
        """Somebody deletes an object; it is returned while finalizers hold it. Raises KubeError."""
        return self._delete(write, manager=manager)

    def sketch(self, place: Place) -> MemoryServer:
        """Another server with this one object, on which it can be tried what a write would come to."""
        other = MemoryServer(self.now)
        other.schema_of, other.journal.version = self.schema_of, self.version
        if place in self._stored:
            other._stored[place], other._owners[place] = self._stored[place], self._owners[place]
            other._times[place] = dict(self._times[place])
        return other

    def carry_out(self, write: Write) -> Manifest:
        """One write of ours, checked and done. Raises KubeError as a real server's answer would."""
        match write:
            case Apply():
                return self.apply(write)
            case PatchJson(resource, key, operations):
                return self._patch((resource, key), operations)
            case PatchStatus(resource, key, version, status):
                before = self._at_version(resource, key, version)
                after = {**before, "status": merged(before.get("status"), status)}
                return self._store((resource, key), after, manager=Manager(UPDATE))
            case Create(resource, manifest):
                return self._create(resource, manifest)
            case Delete():
                return self._delete(write, manager=Manager(UPDATE))
            case CopyContent(resource, source):
                return self.apply(filled_from(write, self.stored(resource, source)))
            case Discard(resource, key):
                found = self.stored(resource, key)
                if found is not None and bears(found, write):
                    self._delete(Delete(resource, key), manager=Manager(UPDATE))
                return {}
            case _:
                assert_never(write)

    def apply(
        self,
        write: Apply,
        *,
        force: bool = True,
        subresource: str = "",
        settle: Callable[[Manifest], Manifest] = lambda manifest: manifest,
    ) -> Manifest:
        """A server-side apply; where it is not forced, the fields of others are not to be changed. Raises KubeError.

        `settle` may add to what it comes to, or refuse it; what it adds nobody owns.
        """
        resource, intent, manager = write.resource, write.manifest, Manager(write.field_manager, "Apply", subresource)
        place = (resource, ObjectKey.of(intent))
        version = intent["metadata"].get("resourceVersion")
        if version and place in self._stored:  # the server makes what is absent, whatever version is named
            self._at_version(*place, version)
        header = {"apiVersion": resource.api_version, "kind": resource.kind}
        fresh = {**header, "metadata": {"name": place[1].name, "namespace": place[1].namespace}}
        before, owners = self._stored.get(place, fresh), self._owners.get(place, {})
        if place not in self._stored:
            check_complete(resource, intent)
        intent, schema = {**intent, **header}, self.schema_of(resource)
        against = [] if force else conflicts(before, owners, intent, manager, schema)
        if against:
            raise apply_conflict(resource, named(against, resource.api_version))
        after, owners = applied(before, owners, intent, manager, schema)
        stored = self._store(place, settle(after), manager=manager)
        if place in self._stored:
            self._owned(place, owners, manager)
        return stored

    def _patch(self, place: Place, operations: Sequence[Manifest]) -> Manifest:
        before = self._existing(*place)
        try:
            after = patched(before, operations)
        except (PatchRefused, LookupError, TypeError, ValueError) as refused:
            raise unfit(place[0], refused) from refused
        self._at_version(*place, after["metadata"]["resourceVersion"])
        return self._store(place, after, manager=Manager(UPDATE))

    def _create(self, resource: Resource, manifest: Manifest) -> Manifest:
        if resource == RULES_REVIEWS:
            rules = self.rules_in.get(manifest["spec"]["namespace"], self.rules)
            return {**manifest, "status": {"resourceRules": rules, "nonResourceRules": [], "incomplete": False}}
        place = (resource, ObjectKey.of(manifest))
        if place not in self._stored:
            return self._store(place, copy.deepcopy(manifest), manager=Manager(UPDATE))
        if resource == EVENTS:
            return manifest
        raise conflict("create", resource, "it exists")

    def _store(self, place: Place, manifest: Manifest, *, manager: Manager) -> Manifest:
        before, manifest = self._stored.get(place), in_form(manifest)
        said = manifest["metadata"].pop("managedFields", None)
        if before is None:
            after = made(place[0], manifest, uid=f"uid-{self.version + 1}", at=self.now())
        else:
            after = changed(place[0], manifest, before)
        told = self.managed(*place) if said else []
        stored = self._commit(place, after, manager=manager)
        if said and place in self._stored and said != told:
            self._owners[place] = read(said)
        return stored

    def _commit(self, place: Place, after: Manifest, *, manager: Manager) -> Manifest:
        before, version = self._stored.get(place), self.version + 1
        if after == before:
            return before
        if is_ended(after):
            del self._stored[place], self._owners[place], self._times[place]
            self.journal.note(Change(place, before, None, version, manager.name))
            return after
        after["metadata"]["resourceVersion"] = str(version)
        owners = self._owners.get(place, {})
        self._owned(place, owners_after(before or {}, after, owners, manager, self.schema_of(place[0])), manager)
        self._stored[place] = after
        self.journal.note(Change(place, before, after, version, manager.name))
        return after

    def _owned(self, place: Place, owners: Owners, writer: Manager) -> None:
        self._owners[place] = owners
        self._times.setdefault(place, {})[writer] = stamp(self.now())

    def _delete(self, write: Delete, *, manager: Manager) -> Manifest:
        before = self._existing(write.resource, write.key, "delete")
        metadata = before["metadata"]
        if write.uid not in {"", metadata["uid"]} or write.resource_version not in {"", metadata["resourceVersion"]}:
            raise conflict("delete", write.resource, f"{write.key} is another, or was modified")
        place, mark = (write.resource, write.key), marked(before, write.propagation, self.now())
        after = self._commit(place, mark, manager=manager)
        return {} if is_ended(after) else after

    def _existing(self, resource: Resource, key: ObjectKey, verb: str = "patch") -> Manifest:
        found = self._stored.get((resource, key))
        if found is None:
            raise not_found(verb, resource, key)
        return found

    def _at_version(self, resource: Resource, key: ObjectKey, version: str) -> Manifest:
        found = self._existing(resource, key)
        if found["metadata"]["resourceVersion"] != version:
            raise conflict("patch", resource, f"{key} was modified")
        return found
