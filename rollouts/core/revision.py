"""The identity of a version: a hash of the pod template as the API server returns it, and of the configuration in it.

Canonical JSON (sorted keys, no white space) of what the server stores, so that no upgrade of a client library can
change it. What the server defaults is part of it; what it never stores (null) is not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

CONTENT_DIGEST = "contentDigest"
"""What stands in an object in place of its content, where that is not kept."""
_DIGITS = 16


def digest_of(value: Any) -> str:
    """Sixteen hexadecimal digits of the sha256 of a value's canonical JSON."""
    return _hash(_canonical(value))


def revision_of(template: dict[str, Any]) -> str:
    """Sixteen hexadecimal digits of the sha256 of a pod template's canonical JSON."""
    return digest_of(without_nulls(template))


def tracked_revision(template: str, contents: Iterable[tuple[str, str, str]]) -> str:
    """The revision of a template, given its own hash, with the configuration that it reads: kind, name, content digest.

    In whatever order they come. Without any it is the template's own.
    """
    listed = sorted(contents)
    return digest_of([template, *map(list, listed)]) if listed else template


def content_digest(manifest: dict[str, Any], salt: str = "") -> str:
    """Sixteen hexadecimal digits for what is in a ConfigMap or Secret, text and binary.

    `salt` makes that of a Secret tell nothing to whoever compares it with those of other Canaries.
    """
    if CONTENT_DIGEST in manifest:
        return str(manifest[CONTENT_DIGEST])
    return _hash(salt + _canonical([manifest.get("data") or {}, manifest.get("binaryData") or {}]))


def without_nulls(value: Any) -> Any:
    """The same JSON without the keys whose value is null (`creationTimestamp: null`): a null means absent.

    Not only for hashing: in an apply it would be an order to remove.
    """
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
