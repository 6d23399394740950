"""Whole objects are applied at the version that was read: a late write, or a rival's, must not undo what came after it.

And not at all where nothing differs. Pure but for reading the stores.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rollouts.api.ownership import APPLIED_ANNOTATION
from rollouts.api.resources import Manifest, ObjectKey, Resource
from rollouts.ports import Apply, Cluster, Write


def at_version_of(known: Manifest | None, rendered: Manifest) -> Manifest:
    """What was rendered, to be refused if the object has changed since it was read; None has no version yet."""
    if known is None:
        return rendered
    version = known["metadata"]["resourceVersion"]
    return rendered | {"metadata": rendered["metadata"] | {"resourceVersion": version}}


def whole(cluster: Cluster, resource: Resource, rendered: Manifest) -> Iterator[Write]:
    """The apply of an object of ours, if it is not there as it was rendered."""
    known = cluster.read(resource, ObjectKey.of(rendered))
    if known is not None and APPLIED_ANNOTATION in (known["metadata"].get("annotations") or {}):
        # Of what was wished and is no more nothing is rendered, so that it is gone has to be said.
        annotations = {APPLIED_ANNOTATION: ""} | (rendered["metadata"].get("annotations") or {})
        rendered = rendered | {"metadata": rendered["metadata"] | {"annotations": annotations}}
    if known is None or not _contains(known, rendered):
        yield Apply(resource, at_version_of(known, rendered))


def _contains(known: Any, rendered: Any) -> bool:
    """Whether all that was rendered is there already; what the server or others added is no difference."""
    if isinstance(rendered, dict):
        return isinstance(known, dict) and all(
            key in known and _contains(known[key], value) for key, value in rendered.items()
        )
    if isinstance(rendered, list) and isinstance(known, list) and all(isinstance(item, dict) for item in rendered):
        # The ports of a Service: the server tells them apart, so others may add theirs.
        return all(any(_contains(one, item) for one in known) for item in rendered)
    return bool(known == rendered)
