"""What of an object is its user's, whatever a play releases: without what the API server counts, and without our marks.

Pure. Compared is canonical JSON: sorted keys, no blanks.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
Kept = Mapping[tuple[str, str], str]
"""Canonical JSON by kind and name."""

_SERVERS = ("resourceVersion", "generation", "managedFields", "uid", "creationTimestamp")
_OURS = "rollouts.dev"
_ROLLED = "deployment.kubernetes.io/revision"
"""Counted by Kubernetes itself when the user's template changes."""


def users_part(item: Json) -> Json:
    """A copy without status, the server's fields, and annotations and labels that are not the user's."""
    user = copy.deepcopy(item)
    user.pop("status", None)
    metadata = user["metadata"]
    for name in _SERVERS:
        metadata.pop(name, None)
    for field in ("annotations", "labels"):
        rest = {
            name: value for name, value in metadata.pop(field, {}).items() if not (_is_ours(name) or name == _ROLLED)
        }
        metadata |= {field: rest} if rest else {}
    return user


def ours_in(item: Json) -> list[str]:
    """Names of what we have written into an object's metadata."""
    metadata = item["metadata"]
    names = (*metadata.get("annotations", {}), *metadata.get("labels", {}), *metadata.get("finalizers", ()))
    return [name for name in names if _is_ours(name)]


def canonical(value: Json) -> str:
    """Two that are equal have the same text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _is_ours(name: str) -> bool:
    return name.split("/", maxsplit=1)[0].endswith(_OURS)
