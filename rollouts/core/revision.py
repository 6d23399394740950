"""The identity of a version: a hash of the pod template as the API server returns it.

Canonical JSON (sorted keys, no white space) of what the server stores, so that no upgrade of a client library can
change it. What the server defaults is part of it; what it never stores (null) is not.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any


def revision_of(template: dict[str, Any]) -> str:
    """Sixteen hexadecimal digits of the sha256 of a pod template's canonical JSON."""
    text = json.dumps(without_nulls(template), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def without_nulls(value: Any) -> Any:
    """The same JSON without the keys whose value is null (`creationTimestamp: null`): a null means absent.

    Not only for hashing: in an apply it would be an order to remove.
    """
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value
