"""Writes: create, replace, patch in its four types, delete; each checked by admission, each as a dry run if asked."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from rollouts.api.resources import RULES_REVIEWS, Manifest, ObjectKey
from rollouts.embedded.admitting import Admit
from rollouts.embedded.answers import Refusal, exists, no_such_thing, refusal_of
from rollouts.embedded.bodies import APPLY_PATCH, JSON_PATCH, MERGE_PATCH
from rollouts.embedded.client_side import KUBECTL, kept_up, may_change
from rollouts.embedded.kinds import REVIEWS, STATUS, Kind, Kinds
from rollouts.embedded.reading import Query, managed, selection, whole
from rollouts.embedded.schemas import schema_of
from rollouts.embedded.strategic import StrategicPatchInvalid, strategically_merged
from rollouts.embedded.target import Target
from rollouts.errors import KubeError
from rollouts.ports import Apply, Create, Delete, Propagation
from rollouts.testing.json_patch import PatchRefused, patched
from rollouts.testing.memory_apply import Manager, merged
from rollouts.testing.memory_journal import Place
from rollouts.testing.memory_server import MemoryServer

_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True, slots=True)
class Asked:
    """One write that a client asks for."""

    target: Target
    query: Query
    body: Manifest | list[Manifest]
    manager: Manager
    patch: str = ""
    """Media type of a patch."""

    @property
    def dry(self) -> bool:
        """Whether nothing is to be stored."""
        return self.query.get("dryRun") == "All"

    @property
    def place(self) -> Place:
        """What is written."""
        return self.target.kind.resource, self.target.key

    @property
    def manifest(self) -> Manifest:
        """The body, which is an object. Raises Refusal."""
        if not isinstance(self.body, dict):
            raise Refusal(400, "the body of the request was in an unknown format: an object is needed")
        return self.body


class Writing:
    """Writes to one server."""

    def __init__(self, server: MemoryServer, kinds: Kinds, admit: Admit, random: Random) -> None:
        self._server = server
        self._kinds = kinds
        self._admit = admit
        self._random = random

    def create(self, asked: Asked) -> tuple[Manifest, Sequence[str]]:
        """A new object, or the answer to a review. Raises Refusal."""
        kind, manifest = asked.target.kind, self._addressed(asked)
        if kind.resource in REVIEWS:
            return self._review(kind, manifest), ()
        target = replace(asked.target, name=manifest["metadata"]["name"])
        if self._server.stored(kind.resource, target.key) is not None:
            raise exists(target)
        named = replace(asked, target=target)
        ready, warnings = self._admitted(named, _without_status(kind, manifest), None)
        return self._store(named, lambda server: server.create(kind.resource, ready, asked.manager)), warnings

    def update(self, asked: Asked) -> tuple[Manifest, Sequence[str]]:
        """An object replaced. Raises Refusal."""
        manifest = self._addressed(asked)
        return self._change(asked, lambda _old: copy.deepcopy(manifest))

    def patch(self, asked: Asked) -> tuple[Manifest, Sequence[str]]:
        """An object patched, or applied. Raises Refusal."""
        if asked.patch == APPLY_PATCH:
            return self._apply(asked)
        return self._change(asked, lambda old: _patched(asked, old))

    def rescale(self, asked: Asked, changed: Callable[[Manifest], Manifest]) -> Manifest:
        """A workload with other replicas, through its scale. Raises Refusal."""
        whole_of = replace(asked, target=replace(asked.target, subresource=""))
        return self._change(whole_of, changed)[0]

    def delete(self, asked: Asked) -> Manifest:
        """An object deleted; it is the answer while finalizers hold it. Raises Refusal."""
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
        left = self._store(replace(asked, query={"dryRun": "All"} if dry else {}),
                           lambda server: server.remove(write, asked.manager))  # fmt: skip
        resource = asked.target.kind.resource
        details: Manifest = {"name": asked.target.name, "group": resource.group, "kind": resource.plural}
        details |= {"uid": before["metadata"]["uid"]} if before else {}
        done: Manifest = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        return whole(asked.target, left) if left.get("metadata", {}).get("finalizers") else done

    def delete_all(self, asked: Asked) -> Manifest:
        """All objects that are selected. Raises Refusal."""
        target, selects = asked.target, selection(asked.target, asked.query)
        for manifest in [one for one in self._server.all_of(target.kind.resource) if selects(one)]:
            key = ObjectKey.of(manifest)
            self.delete(replace(asked, target=replace(target, namespace=key.namespace, name=key.name)))
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": {}}

    def _change(self, asked: Asked, changed: Callable[[Manifest], Manifest]) -> tuple[Manifest, Sequence[str]]:
        old = self._server.stored(*asked.place)
        if old is None:
            raise refusal_of(asked.target, KubeError("", status=404))
        wanted = changed(old)
        version = wanted.get("metadata", {}).get("resourceVersion") or old["metadata"]["resourceVersion"]
        if version != old["metadata"]["resourceVersion"]:
            raise refusal_of(asked.target, KubeError("", status=409))
        _check_identity(asked.target, wanted)
        ready, warnings = self._admitted(asked, _kept_apart(asked.target, old, wanted), old)
        manager = asked.manager
        return self._store(asked, lambda server: server.change(asked.place, lambda _: ready, manager)), warnings

    def _apply(self, asked: Asked) -> tuple[Manifest, Sequence[str]]:
        manifest, manager = self._addressed(asked), asked.query.get("fieldManager", "")
        if not manager:
            raise Refusal(
                422, "PatchOptions.meta.k8s.io is invalid: fieldManager: Required value: is required for apply patch"
            )
        resource, old, warnings = asked.target.kind.resource, self._server.stored(*asked.place), list[str]()
        intent, force = _kept(asked.target, manifest), asked.query.get("force") == "true"
        if manager == KUBECTL and not asked.target.subresource:
            taken = [path for _, path in self._server.conflicts(Apply(resource, intent, manager))]
            force = force or may_change(old, taken, self._server.schema_of(resource))
            intent = kept_up(old, intent)
        write = Apply(resource, intent, manager)

        def settle(manifest: Manifest) -> Manifest:
            ready, told = self._admitted(asked, manifest, old)
            warnings.extend(told)
            return ready

        subresource = asked.target.subresource
        stored = self._store(
            asked, lambda server: server.apply(write, force=force, subresource=subresource, settle=settle)
        )
        return stored, warnings

    def _admitted(self, asked: Asked, manifest: Manifest, old: Manifest | None) -> tuple[Manifest, Sequence[str]]:
        validation, target = asked.query.get("fieldValidation") or "Warn", asked.target
        try:
            return self._admit(target.kind, manifest, old, field_validation=validation, subresource=target.subresource)
        except KubeError as error:
            raise refusal_of(asked.target, error) from error

    def _store(self, asked: Asked, act: Callable[[MemoryServer], Manifest]) -> Manifest:
        """Carry out a write, or try it where nothing is kept."""
        server = self._server.sketch(asked.place) if asked.dry else self._server
        before = self._server.stored(*asked.place)
        try:
            done = act(server)
        except KubeError as error:
            raise refusal_of(asked.target, error) from error
        if not done:
            return done
        done = managed(server, asked.target, done)
        if not asked.dry:
            return whole(asked.target, done)
        metadata = {name: value for name, value in done["metadata"].items() if name != "resourceVersion"}
        if before is not None:
            metadata["resourceVersion"] = before["metadata"]["resourceVersion"]
        return whole(asked.target, {**done, "metadata": metadata})

    def _addressed(self, asked: Asked) -> Manifest:
        """The body with the name and namespace of the path, which must not contradict it. Raises Refusal."""
        target, manifest = asked.target, copy.deepcopy(asked.manifest)
        _check_kind(target, manifest)
        metadata = manifest.setdefault("metadata", {})
        if not isinstance(metadata, dict):
            raise Refusal(400, "metadata must be an object")
        if target.kind.resource in REVIEWS:
            return manifest
        if target.kind.namespaced:
            metadata.setdefault("namespace", target.namespace)
        else:
            metadata.pop("namespace", None)
        if not metadata.get("name"):
            metadata["name"] = target.name or self._generated(target, metadata)
        _check_identity(target, manifest)
        if target.kind.namespaced:
            self._check_namespace(target)
        return manifest

    def _generated(self, target: Target, metadata: Manifest) -> str:
        prefix = str(metadata.get("generateName", ""))
        if not prefix:
            resource = target.kind.resource
            told = "Required value: name or generateName is required"
            cause = {"reason": "FieldValueRequired", "message": told, "field": "metadata.name"}
            details: Manifest = {"group": resource.group, "kind": resource.kind, "causes": [cause]}
            raise Refusal(422, f'{resource.kind} "" is invalid: metadata.name: {told}', details=details)
        return prefix + "".join(self._random.choices(_SUFFIX_LETTERS, k=5))

    def _check_namespace(self, target: Target) -> None:
        if not self._kinds.has_namespace(target.namespace):
            details: Manifest = {"name": target.namespace, "kind": "namespaces"}
            raise Refusal(404, f'namespaces "{target.namespace}" not found', details=details)

    def _review(self, kind: Kind, manifest: Manifest) -> Manifest:
        if kind.resource == RULES_REVIEWS:
            return whole(Target(kind), self._server.carry_out(Create(kind.resource, manifest)))
        return whole(Target(kind), {**manifest, "status": {"allowed": True}})


def _check_kind(target: Target, manifest: Manifest) -> None:
    resource = target.kind.resource
    meant = (resource.api_version, resource.kind)
    said = (manifest.get("apiVersion", meant[0]), manifest.get("kind", meant[1]))
    if said != meant:
        told = f"the API version in the data ({said[0]}, Kind={said[1]}) does not match the expected one"
        raise Refusal(400, f"{told} ({meant[0]}, Kind={meant[1]})")


def _check_identity(target: Target, manifest: Manifest) -> None:
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict):
        raise Refusal(400, "metadata must be an object")
    name, namespace = metadata.get("name"), metadata.get("namespace", "")
    if target.name and name != target.name:
        raise Refusal(400, f"the name of the object ({name}) does not match the name on the URL ({target.name})")
    if namespace != target.namespace:
        said = f"the namespace of the object ({namespace}) does not match the namespace on the request"
        raise Refusal(400, f"{said} ({target.namespace})")


def _patched(asked: Asked, old: Manifest) -> Manifest:
    """The object after a patch. Raises Refusal."""
    if asked.patch == JSON_PATCH:
        if not isinstance(asked.body, list):
            raise Refusal(400, "json: cannot unmarshal object into Go value of type jsonpatch.Patch")
        try:
            return dict(patched(old, asked.body))
        except (PatchRefused, LookupError, TypeError, ValueError) as refused:
            raise Refusal(422, "the server rejected our request due to an error in our request") from refused
    if asked.patch == MERGE_PATCH:
        return dict(merged(old, asked.manifest))
    if asked.target.kind.custom:
        raise Refusal(
            415, "the body of the request was in an unknown format - accepted media types include: "
            f"{JSON_PATCH}, {MERGE_PATCH}, {APPLY_PATCH}",
        )  # fmt: skip
    schema = schema_of(asked.target.kind.resource.kind)
    if schema is None:
        raise no_such_thing()
    try:
        return strategically_merged(old, asked.manifest, schema)
    except StrategicPatchInvalid as invalid:
        raise Refusal(400, str(invalid)) from invalid


def _without_status(kind: Kind, manifest: Manifest) -> Manifest:
    if STATUS not in kind.subresources:
        return manifest
    return {name: value for name, value in manifest.items() if name != "status"}


def _kept(target: Target, intent: Manifest) -> Manifest:
    """What an apply may set: a status through its subresource alone, and nothing else through that."""
    if target.subresource != STATUS:
        return _without_status(target.kind, intent)
    return {name: value for name, value in intent.items() if name in {"apiVersion", "kind", "metadata", "status"}}


def _kept_apart(target: Target, old: Manifest, wanted: Manifest) -> Manifest:
    """A status is changed through its subresource alone, and nothing else through that."""
    if target.subresource == STATUS:
        status = {"status": wanted["status"]} if "status" in wanted else {}
        return {**{name: value for name, value in old.items() if name != "status"}, **status}
    if STATUS not in target.kind.subresources:
        return wanted
    status = {"status": old["status"]} if "status" in old else {}
    return {**_without_status(target.kind, wanted), **status}
