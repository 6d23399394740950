"""The copies of ConfigMaps and Secrets that the primary reads: made before it names them, deleted when it does no more.

Secrets are neither watched nor listed: which copies there may be stands in an annotation of the primary, written before
the first of them is made. ConfigMaps are treated alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from rollouts.api.known import Known
from rollouts.api.ownership import CANARY_LABEL, CONFIG_COPIES_ANNOTATION, COPY_OF_ANNOTATION, MANAGED_BY_LABEL
from rollouts.api.resources import CONFIG_MAPS, SECRETS, Manifest, ObjectKey, Resource
from rollouts.core.decision import Desired
from rollouts.core.observed import Observed, Problem, grown
from rollouts.engine.belonging import is_ours
from rollouts.engine.config_sources import Tracked, config_problems, look_at, tracked_refs
from rollouts.engine.pod_labels import target_of
from rollouts.engine.rights import Right, to_copy
from rollouts.engine.subject import Subject
from rollouts.ports import Cluster, CopyContent, Discard, PatchJson, Write
from rollouts.workloads.config_copies import render_copy
from rollouts.workloads.config_refs import ConfigRef, references, rewritten
from rollouts.workloads.kinds import WORKLOADS, kind_of

_POINTER = "/metadata/annotations/" + CONFIG_COPIES_ANNOTATION.replace("/", "~1")


class ConfigTracking:
    """Implements `Companion`."""

    @property
    def kinds(self) -> tuple[Resource, ...]:
        """As the Protocol says."""
        return (CONFIG_MAPS,)

    def rights(self, cluster: Cluster, subject: Subject) -> tuple[Right, ...]:
        """As the Protocol says: only for kinds that the target refers to."""
        target = _target(cluster, subject)
        refs = tracked_refs(subject.spec, kind_of(subject.spec).template_of(target)) if target is not None else ()
        resources = dict.fromkeys(ref.resource for ref in refs)
        return tuple(right for resource in resources for right in to_copy(resource))

    def concerns(self, cluster: Cluster, canary: Known, resource: Resource, key: ObjectKey) -> bool:
        """As the Protocol says: what the target refers to, and the copies that the primary does.

        Of Secrets too, where somebody watches them.
        """
        target, wanted = canary.told(target_of), str(ConfigRef(resource.kind, key.name))
        names = () if target is None else (target[1], f"{target[1]}-primary")
        listed = (cluster.list_all(kind, key.namespace) for kind in WORKLOADS)
        found = (one.find(ObjectKey(key.namespace, name)) for one in listed for name in names)
        return any(one is not None and wanted in one.told(_referred) for one in found)

    def problems(self, cluster: Cluster, subject: Subject) -> Iterator[Problem]:
        """As the Protocol says."""
        if (target := _target(cluster, subject)) is not None:
            yield from config_problems(cluster, subject, target)

    def before(self, cluster: Cluster, subject: Subject, seen: Observed, desired: Desired) -> Iterator[Write]:
        """As the Protocol says: the copies of what is promoted, or what somebody has deleted of them since."""
        target, primary = _target(cluster, subject), _primary(cluster, subject)
        if target is None:
            return
        template = kind_of(subject.spec).template_of(target)
        if not tracked_refs(subject.spec, template) and (primary is None or not _listed(primary)):
            return  # most of them
        tracked = look_at(cluster, subject, template, seen.secrets)
        if desired.copy_to_primary and seen.target is not None and seen.target.revision == tracked.revision:
            yield from _announced(subject, primary, _wanted(subject, tracked))
            yield from _copied(cluster, subject, tracked, secrets=True)
        elif primary is not None and kind_of(subject.spec).observe(primary).source_revision == tracked.revision:
            yield from _copied(cluster, subject, tracked, secrets=False)

    def after(self, cluster: Cluster, subject: Subject, seen: Observed, _desired: Desired) -> Iterator[Write]:
        """As the Protocol says: once all pods of the primary are on its present template, only its copies stay."""
        primary = _primary(cluster, subject)
        if primary is None or not grown(seen.primary):
            return
        listed, named = _listed(primary), _named(primary)
        if listed <= named or not grown(kind_of(subject.spec).observe(primary)):
            return
        yield from _deletions(subject, listed - named)
        yield _annotate(subject, _primary(cluster, subject) or primary, listed & named)

    def removable(self, cluster: Cluster, subject: Subject) -> Iterator[tuple[Resource, Manifest]]:
        """As the Protocol says: the ConfigMaps. Of Secrets only the primary knows, see `secret_discards`."""
        for manifest in cluster.list_all(CONFIG_MAPS, subject.owner.namespace):
            if _is_copy(subject, manifest) and "deletionTimestamp" not in manifest["metadata"]:
                yield CONFIG_MAPS, manifest


def with_copies(cluster: Cluster, subject: Subject, seen: Observed, target: Manifest, rendered: Manifest) -> Manifest:
    """The primary as it was rendered, reading copies instead of what the target reads."""
    tracked = look_at(cluster, subject, kind_of(subject.spec).template_of(target), seen.secrets)
    primary = _primary(cluster, subject)
    listed = _wanted(subject, tracked) | (_listed(primary) if primary is not None else set())
    if not (tracked.found or listed):
        return rendered
    template = rewritten(rendered["spec"]["template"], tracked.copies(subject.spec.primary_name))
    metadata = rendered["metadata"]
    annotations = metadata["annotations"] | {CONFIG_COPIES_ANNOTATION: " ".join(sorted(listed))}
    return rendered | {
        "metadata": metadata | {"annotations": annotations},
        "spec": rendered["spec"] | {"template": template},
    }


def secret_discards(cluster: Cluster, subject: Subject) -> Iterator[Write]:
    """The deletion of all copies of Secrets, while the primary stands that knows of them."""
    primary = _primary(cluster, subject)
    if primary is not None and "deletionTimestamp" not in primary["metadata"]:
        yield from _deletions(subject, {one for one in _listed(primary) if one.startswith(f"{SECRETS.kind}/")})


def _copied(cluster: Cluster, subject: Subject, tracked: Tracked, *, secrets: bool) -> Iterator[Write]:
    owner, primary = subject.owner, subject.spec.primary_name
    for ref, digest in tracked.present:
        manifest, is_secret = render_copy(owner, ref, primary, digest), ref.kind == SECRETS.kind
        if secrets if is_secret else cluster.read(CONFIG_MAPS, ObjectKey.of(manifest)) is None:
            source, salt = ObjectKey(owner.namespace, ref.name), owner.uid if is_secret else ""
            yield CopyContent(ref.resource, source, digest, manifest, salt)


def _announced(subject: Subject, primary: Manifest | None, wanted: Collection[str]) -> Iterator[Write]:
    """On a primary that is there, what will be made for it; one that is made brings it along."""
    if primary is not None and not set(wanted) <= _listed(primary):
        yield _annotate(subject, primary, _listed(primary) | set(wanted))


def _annotate(subject: Subject, primary: Manifest, copies: Collection[str]) -> Write:
    present = "annotations" in primary["metadata"]
    operations: list[dict[str, Any]] = [] if present else [{"op": "add", "path": "/metadata/annotations", "value": {}}]
    version = primary["metadata"]["resourceVersion"]
    operations += [
        {"op": "add", "path": _POINTER, "value": " ".join(sorted(copies))},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]
    return PatchJson(kind_of(subject.spec).resource, ObjectKey.of(primary), operations)


def _deletions(subject: Subject, copies: Collection[str]) -> Iterator[Write]:
    """All of them alike: one that is gone, or is not ours, is skipped by whoever carries it out."""
    owner = subject.owner
    for kind, _, name in (one.partition("/") for one in sorted(copies)):
        labels = {label: owner.labels()[label] for label in (MANAGED_BY_LABEL, CANARY_LABEL)}
        yield Discard(ConfigRef(kind, name).resource, ObjectKey(owner.namespace, name), labels)


def _is_copy(subject: Subject, manifest: Manifest) -> bool:
    """Whether it was made for this Canary.

    What a deleted one of another name has left behind may be read by a copy that still serves in its place.
    """
    return COPY_OF_ANNOTATION in (manifest["metadata"].get("annotations") or {}) and subject.owner.owns(manifest)


def _wanted(subject: Subject, tracked: Tracked) -> set[str]:
    copies = tracked.copies(subject.spec.primary_name)
    return {str(ConfigRef(ref.kind, copies[ref.kind, ref.name])) for ref, _ in tracked.present}


def _listed(primary: Manifest) -> set[str]:
    return set((primary["metadata"].get("annotations") or {}).get(CONFIG_COPIES_ANNOTATION, "").split())


def _named(primary: Manifest) -> set[str]:
    return set(_referred(primary))


def _referred(workload: Manifest) -> tuple[str, ...]:
    return tuple(str(ref) for ref in references(workload["spec"]["template"]))


def _target(cluster: Cluster, subject: Subject) -> Manifest | None:
    return cluster.read(kind_of(subject.spec).resource, ObjectKey(subject.owner.namespace, subject.spec.target.name))


def _primary(cluster: Cluster, subject: Subject) -> Manifest | None:
    """If it is ours."""
    found = cluster.read(kind_of(subject.spec).resource, ObjectKey(subject.owner.namespace, subject.spec.primary_name))
    return found if found is not None and is_ours(cluster, subject.owner, found) else None
