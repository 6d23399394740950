"""From client-side to server-side apply: the annotation in which kubectl keeps what it applied, as a server treats it.

Where kubectl now applies on the server, fields that still are as that annotation has them are not another's: they may
change without a conflict; and the annotation is kept up, so that a client-side apply works afterwards.
(The Kubernetes documentation, "Server-Side Apply", on migration from client-side apply.)
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from rollouts.api.resources import Manifest
from rollouts.testing.field_paths import Path
from rollouts.testing.memory_apply import Manager, fields_of

KUBECTL = "kubectl"
"""The manager for whom this is done."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def of_others(
    manifest: Manifest | None, against: Iterable[tuple[Manager, Path]], schema: Manifest | None
) -> list[tuple[Manager, Path]]:
    """Of the fields that an apply conflicts about, those not as kubectl applied them from the client's side."""
    try:
        last = json.loads(_annotation(manifest) or "{}")
    except ValueError:
        last = {}  # somebody else has written there
    if manifest is None or not isinstance(last, dict) or not last:
        return list(against)
    now, then = fields_of(manifest, schema), fields_of(last, schema)
    return [(owner, path) for owner, path in against if path not in then or then[path] != now.get(path)]


def kept_up(manifest: Manifest | None, intent: Manifest) -> Manifest:
    """What is applied, with the annotation anew where the object has one."""
    if not _annotation(manifest):
        return intent
    metadata = dict(intent["metadata"])
    others = {name: value for name, value in (metadata.pop("annotations", None) or {}).items() if name != LAST_APPLIED}
    plain = {**intent, "metadata": metadata | ({"annotations": others} if others else {})}
    text = json.dumps(plain, separators=(",", ":"), sort_keys=True) + "\n"
    return {**intent, "metadata": {**metadata, "annotations": {**others, LAST_APPLIED: text}}}


def _annotation(manifest: Manifest | None) -> str:
    annotations = (manifest or {}).get("metadata", {}).get("annotations") or {}
    return str(annotations.get(LAST_APPLIED, ""))
