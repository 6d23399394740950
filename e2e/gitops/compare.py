"""What a GitOps tool makes of three states of one object: as it was applied last, as Git has it, as it stands. Pure.

As Argo CD does it for kinds that it has no types of: a merge in which each list is one value. That holds of what it
sends, too, where it is to leave ignored parts as they stand: a list that has such a part is sent as it stands, whole
(argoproj/argo-cd issues 17694 and 27480).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
ABSENT = object()
_SERVERS = frozenset({"resourceVersion", "generation", "managedFields", "uid", "creationTimestamp"})
Path = tuple[str | int, ...]


def last_applied(live: Json) -> Json:
    """What the annotation says; nothing if there is none. kubectl writes an empty map of annotations into it, which is
    none: whoever took it for one would take away those of others.
    """
    text = (live["metadata"].get("annotations") or {}).get(LAST_APPLIED, "{}")
    told: Json = json.loads(text)
    metadata = told.get("metadata") or {}
    if not metadata.get("annotations"):
        metadata.pop("annotations", None)
    return told


def merged_three_way(last: Any, wanted: Any, live: Any) -> Any:
    """The object after a client-side apply."""
    if not (isinstance(wanted, dict) and isinstance(live, dict)):
        return wanted
    last = last if isinstance(last, dict) else {}
    kept = {key: value for key, value in live.items() if key in wanted or key not in last}
    return kept | {key: merged_three_way(last.get(key), value, live.get(key)) for key, value in wanted.items()}


def as_it_stands(wanted: Json, bare: Json, live: Json) -> Json:
    """What Git has, with what was taken from `live` to make it `bare` put in as it stands."""
    return merge_patched(wanted, merge_patch(bare, live))


def merge_patch(before: Json, after: Json) -> Json:
    """RFC 7396, of what is in `after` alone: a list that differs in anything comes whole."""
    patch: Json = {}
    for key, value in after.items():
        known = before.get(key, ABSENT)
        if isinstance(known, dict) and isinstance(value, dict):
            if inner := merge_patch(known, value):
                patch[key] = inner
        elif known != value:
            patch[key] = value
    return patch


def merge_patched(manifest: Json, patch: Json) -> Json:
    """The object after such a patch."""
    out = copy.deepcopy(manifest)
    for key, value in patch.items():
        known = out.get(key)
        out[key] = merge_patched(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return out


def of_users(manifest: Json) -> Json:
    """Without what the server keeps, and what a tool that applies writes for itself."""
    metadata = {key: value for key, value in manifest["metadata"].items() if key not in _SERVERS}
    annotations = {
        key: value for key, value in (metadata.pop("annotations", None) or {}).items() if key != LAST_APPLIED
    }
    rest = {key: value for key, value in manifest.items() if key != "status"}
    return {**rest, "metadata": metadata | ({"annotations": annotations} if annotations else {})}


def reverted(before: Json, after: Json, git: Json, git_before: Json) -> list[str]:
    """Which values a sync has put back to what Git says, though nobody has changed them in Git."""
    was, became, says, said = (dict(leaves(of_users(one))) for one in (before, after, git, git_before))
    return sorted({
        written(path)
        for path in was.keys() | became.keys()
        if was.get(path, ABSENT) != became.get(path, ABSENT)
        and became.get(path, ABSENT) == says.get(path, ABSENT)
        and said.get(path, ABSENT) == says.get(path, ABSENT)
    })  # fmt: skip


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each value that holds no other, and where it is."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield path, value
        return
    for key, inner in items:
        yield from leaves(inner, (*path, key))


def written(path: Path) -> str:
    """A path as people write it, whichever place of a list is meant."""
    return "".join("[]" if isinstance(step, int) else f".{step}" for step in path)
