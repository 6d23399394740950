"""Writes: create, replace, patch in its four types; each checked by admission, each as a dry run if asked."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from rollouts.api.resources import RULES_REVIEWS, Manifest
from rollouts.embedded.addressing import Addressing, check_identity
from rollouts.embedded.admitting import Admit
from rollouts.embedded.answers import Refusal, exists, refusal_of
from rollouts.embedded.asked import Asked
from rollouts.embedded.bodies import APPLY_PATCH
from rollouts.embedded.carrying_out import carried_out
from rollouts.embedded.client_side import KUBECTL, kept_up, of_others
from rollouts.embedded.kinds import REVIEWS, Kind, Kinds
from rollouts.embedded.patching import after_patch, names_managed_fields
from rollouts.embedded.reading import managed, whole
from rollouts.embedded.status_apart import intended, kept_apart, without_status
from rollouts.embedded.target import Target
from rollouts.errors import KubeError
from rollouts.ports import Apply, Create
from rollouts.testing.managed_fields import named
from rollouts.testing.memory_refusals import apply_conflict
from rollouts.testing.memory_server import MemoryServer


class Writing:
    """Writes to one server."""

    def __init__(self, server: MemoryServer, kinds: Kinds, admit: Admit, random: Random) -> None:
        self._server = server
        self._kinds = kinds
        self._admit = admit
        self._addressing = Addressing(kinds, random)

    def create(self, asked: Asked) -> tuple[Manifest, Sequence[str]]:
        """A new object, or the answer to a review. Raises Refusal."""
        kind, manifest = asked.target.kind, self._addressing.addressed(asked)
        if kind.resource in REVIEWS:
            return self._review(kind, manifest), ()
        target = replace(asked.target, name=manifest["metadata"]["name"])
        if self._server.stored(kind.resource, target.key) is not None:
            raise exists(target)
        named = replace(asked, target=target)
        ready, warnings = self._admitted(named, without_status(kind, manifest), None)
        return carried_out(
            self._server, named, lambda server: server.create(kind.resource, ready, asked.manager)
        ), warnings

    def update(self, asked: Asked) -> tuple[Manifest, Sequence[str]]:
        """An object replaced. Raises Refusal."""
        manifest = self._addressing.addressed(asked)
        return self._change(asked, lambda _old: copy.deepcopy(manifest))

    def patch(self, asked: Asked) -> tuple[Manifest, Sequence[str]]:
        """An object patched, or applied. Raises Refusal."""
        if asked.patch == APPLY_PATCH:
            return self._apply(asked)
        return self._change(asked, lambda old: after_patch(asked, self._seen(asked, old)))

    def _seen(self, asked: Asked, old: Manifest) -> Manifest:
        """What a patch is of. Only one that goes into managedFields, which are kept beside an object, needs these."""
        return managed(self._server, asked.target, old) if names_managed_fields(asked) else old

    def rescale(self, asked: Asked, changed: Callable[[Manifest], Manifest]) -> Manifest:
        """A workload with other replicas, through its scale. Raises Refusal."""
        whole_of = replace(asked, target=replace(asked.target, subresource=""))
        return self._change(whole_of, changed)[0]

    def _change(self, asked: Asked, changed: Callable[[Manifest], Manifest]) -> tuple[Manifest, Sequence[str]]:
        old = self._server.stored(*asked.place)
        if old is None:
            raise refusal_of(asked.target, KubeError("", status=404))
        wanted = changed(old)
        version = wanted.get("metadata", {}).get("resourceVersion") or old["metadata"]["resourceVersion"]
        if version != old["metadata"]["resourceVersion"]:
            raise refusal_of(asked.target, KubeError("", status=409))
        check_identity(asked.target, wanted)
        ready, warnings = self._admitted(asked, kept_apart(asked.target, old, wanted), old)
        manager = asked.manager
        return carried_out(
            self._server, asked, lambda server: server.change(asked.place, lambda _: ready, manager)
        ), warnings

    def _apply(self, asked: Asked) -> tuple[Manifest, Sequence[str]]:
        manifest, manager = self._addressing.addressed(asked), asked.query.get("fieldManager", "")
        if not manager:
            raise Refusal(
                422, "PatchOptions.meta.k8s.io is invalid: fieldManager: Required value: is required for apply patch"
            )
        resource, old, warnings = asked.target.kind.resource, self._server.stored(*asked.place), list[str]()
        intent, force = intended(asked.target, manifest), asked.query.get("force") == "true"
        if manager == KUBECTL and not asked.target.subresource:
            against = self._server.conflicts(Apply(resource, intent, manager))
            against = of_others(old, against, self._server.schema_of(resource))
            if against and not force:
                raise refusal_of(asked.target, apply_conflict(resource, named(against, resource.api_version)))
            force, intent = True, kept_up(old, intent)
        write = Apply(resource, intent, manager)

        def settle(manifest: Manifest) -> Manifest:
            ready, told = self._admitted(asked, manifest, old)
            warnings.extend(told)
            return ready

        subresource = asked.target.subresource
        stored = carried_out(
            self._server, asked, lambda server: server.apply(write, force=force, subresource=subresource, settle=settle)
        )
        return stored, warnings

    def _admitted(self, asked: Asked, manifest: Manifest, old: Manifest | None) -> tuple[Manifest, Sequence[str]]:
        validation, target = asked.query.get("fieldValidation") or "Warn", asked.target
        try:
            return self._admit(target.kind, manifest, old, field_validation=validation, subresource=target.subresource)
        except KubeError as error:
            raise refusal_of(asked.target, error) from error

    def _review(self, kind: Kind, manifest: Manifest) -> Manifest:
        if kind.resource == RULES_REVIEWS:
            return whole(Target(kind), self._server.carry_out(Create(kind.resource, manifest)))
        return whole(Target(kind), {**manifest, "status": {"allowed": True}})
